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

/** Error codes of a store that cannot read or write state: no record is to blame, so no policy skips one. */
const storeErrors: readonly ErrorCode[] = [
  'CHECKPOINT_CORRUPT',
  'FS_DENIED',
  'FS_FULL',
  'FS_IO',
  'FS_NOT_FOUND',
  'FS_READ_ONLY',
  'FS_SYNC_FAILED',
]

/** Error codes for bad data: the record fails in every attempt, so a restart cannot help. */
const dataErrors: readonly ErrorCode[] = [
  'DECODE_FAILED',
  'TIMESTAMP_INVALID',
  'KEY_INVALID',
  'RECORD_TOO_LARGE',
]

/** Whether another attempt at the same record may succeed: its data is not what fails. */
export function mayBeRetried(thrown: unknown): boolean {
  if (!isMillraceError(thrown)) return true
  return ![...dataErrors, ...programErrors, 'CODEC_FAILED'].includes(thrown.code)
}

/** Whether `thrown` says that the state of the operator cannot be read or written. */
export function isStoreError(thrown: unknown): boolean {
  return isMillraceError(thrown) && storeErrors.includes(thrown.code)
}

const noRestartHelps =
  'A restart would fail at the same record, so the job ends: fix the record, or set onError to skip() or deadLetter(name, sink)'

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
    const isFinal = isMillraceError(thrown) && dataErrors.includes(thrown.code)
    const advice = isFinal ? `. ${noRestartHelps}` : ''
    super(code, `operator '${operator}' failed at ${place}: ${describeError(thrown)}${advice}`, {
      cause: thrown,
      place: `${operator} at ${place}`,
      isFinal,
    })
    this.operator = operator
    this.thrown = thrown
  }
}
