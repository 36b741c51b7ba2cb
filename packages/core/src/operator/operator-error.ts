import { describeError, isMillraceError, MillraceError, type ErrorCode } from '../errors/errors.ts'

/** Errors of the program and not of a record: every record fails in the same way, so no policy leaves one out. */
const programErrors: readonly ErrorCode[] = [
  'ASYNC_FUNCTION',
  'CHECKPOINT_INCOMPATIBLE',
  'RECORD_MUTATED',
  'STATE_MISUSED',
]

/** Whether `thrown` says that the program must be changed, whatever the record. */
export function isProgramError(thrown: unknown): thrown is MillraceError {
  return isMillraceError(thrown) && programErrors.includes(thrown.code)
}

/**
 * User code threw, and this says where. Made once, by the innermost operator on the stack; operators
 * further up pass it on untouched. Its code is `OPERATOR_FAILED`, or that of an error of the program.
 */
export class OperatorError extends MillraceError {
  readonly operator: string
  /** What the user's code threw. */
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
