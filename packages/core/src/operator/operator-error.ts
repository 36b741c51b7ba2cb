import { describeError, isMillraceError, MillraceError, type ErrorCode } from '../errors/errors.ts'

/**
 * Error codes for bugs of the program rather than of a record: every record fails alike, so no policy skips
 * one.
 */
const programErrors: readonly ErrorCode[] = [
  'ASYNC_FUNCTION',
  'CHECKPOINT_INCOMPATIBLE',
  'RECORD_MUTATED',
  'STATE_MISUSED',
]

/** Whether `thrown` says that the program must be changed, for any record. */
export function isProgramError(thrown: unknown): thrown is MillraceError {
  return isMillraceError(thrown) && programErrors.includes(thrown.code)
}

/**
 * The error of user code, with its place. Created once, by the innermost operator on the stack; outer
 * operators pass it on unchanged. Its code is `OPERATOR_FAILED`, or that of a bug of the program.
 */
export class OperatorError extends MillraceError {
  readonly operator: string
  /** The error of the user's code. */
  readonly thrown: unknown

  constructor(operator: string, place: string, thrown: unknown) {
    const code = isProgramError(thrown) ? thrown.code : 'OPERATOR_FAILED'
    super(code, `operator '${operator}' failed at ${place}: ${describeError(thrown)}`, {
      cause: thrown,
      place: `${operator} at ${place}`,
    })
    this.operator = operator
    this.thrown = thrown
  }
}
