import { errorLink } from './docs-link.ts'
import { maskLogins } from './mask-logins.ts'

/**
 * Every error that Millrace throws on purpose is a `MillraceError` with a stable code.
 *
 * A message says what happened, where (operator, split, position) and what to do about it. User and password of an address
 * in it are masked.
 * Codes never change their meaning; scripts and alerts may match on them.
 */
export type ErrorCode =
  // building a pipeline
  | 'GRAPH_INVALID' // the pipeline cannot run as written
  | 'OPTION_INVALID' // an option has an invalid value
  | 'PACKAGE_MISSING' // a command needs a package that is not installed
  | 'NAME_TAKEN' // two parts of a pipeline carry the same name
  // data
  | 'DECODE_FAILED' // external bytes are not in the expected format
  | 'TIMESTAMP_INVALID' // a record has no usable event time
  | 'KEY_INVALID' // a key selector returned something that cannot be a key
  | 'OPERATOR_FAILED' // user code threw
  | 'ASYNC_FUNCTION' // a function that must return at once returns a promise
  | 'RECORD_MUTATED' // a record or a state value was changed after it was emitted
  | 'RECORD_TOO_LARGE' // one record is over the limit
  // state and checkpoints
  | 'SEED_FAILED' // the rows that state begins with cannot be read or taken
  | 'STATE_MISUSED' // a handle was used outside its key, or state was changed without set
  | 'CODEC_FAILED' // a value could not be encoded or decoded
  | 'CHECKPOINT_CORRUPT' // a checksum does not match
  | 'CHECKPOINT_INCOMPATIBLE' // the checkpoint was made by a different program
  | 'CHECKPOINT_FAILED' // a checkpoint could not be completed
  | 'DIRECTORY_LOCKED' // another process uses the data directory
  | 'COMMIT_UNKNOWN' // a transaction has failed, and perhaps it was committed
  // the environment
  | 'FS_NOT_FOUND'
  | 'FS_EXISTS'
  | 'FS_FULL'
  | 'FS_READ_ONLY'
  | 'FS_DENIED'
  | 'FS_IO'
  | 'FS_SYNC_FAILED' // fsync failed: what was written before cannot be trusted
  | 'SOURCE_FAILED'
  | 'SINK_FAILED'
  | 'UNAVAILABLE' // a system cannot be reached now; the same call may succeed later
  // running
  | 'JOB_FAILED'
  | 'WORKER_FAILED' // a worker thread ended or no longer answers
  | 'CRASH_LOOP' // the job failed too often; the message names the place
  | 'STOP_TIMEOUT'
  | 'CANCELLED'
  | 'INTERNAL' // an invariant of Millrace itself is violated

/** Additional facts for programs; the message contains the same for people. */
export interface ErrorDetails {
  readonly cause?: unknown
  /** Where it happened: operator, split and position as far as they are known. */
  readonly place?: string
  /** Whether a retry may succeed (a full disk: yes; a corrupt file: no). */
  readonly isTransient?: boolean
  /** Whether a retry cannot help until a person has changed something. Such an error ends a job at once. */
  readonly isFinal?: boolean
}

/**
 * The error class of Millrace. Distinguish errors by `code`, which also works with two copies of the package.
 */
export class MillraceError extends Error {
  readonly code: ErrorCode
  readonly place: string | undefined
  readonly isTransient: boolean
  readonly isFinal: boolean
  /** The address of what the documentation says about errors of this code. */
  readonly docs: string
  /** Marks an error of this class, also from another copy of the package. */
  readonly '@millrace/error' = true

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(maskLogins(message), details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'MillraceError'
    this.code = code
    this.place = details.place
    this.isTransient = details.isTransient ?? false
    this.isFinal = details.isFinal ?? false
    this.docs = errorLink(code)
  }
}

/** Whether `value` is a Millrace error, optionally with the given code. */
export function isMillraceError(value: unknown, code?: ErrorCode): value is MillraceError {
  return (
    typeof value === 'object' &&
    value !== null &&
    '@millrace/error' in value &&
    value['@millrace/error'] === true &&
    (code === undefined || (value as MillraceError).code === code)
  )
}

/** Describes any thrown value in one line, also if it is not an Error. User and password of an address in it are masked. */
export function describeError(thrown: unknown): string {
  return maskLogins(descriptionOf(thrown))
}

function descriptionOf(thrown: unknown): string {
  if (isMillraceError(thrown)) return `${thrown.code}: ${thrown.message}`
  if (thrown instanceof Error) return `${nameAndMessage(thrown)}${causeText(thrown.cause)}`
  try {
    return `thrown value ${typeof thrown === 'string' ? JSON.stringify(thrown) : String(thrown)}`
  } catch {
    return 'thrown value that cannot be printed'
  }
}

function nameAndMessage({ name, message }: Error): string {
  return name === 'Error' ? message : `${name}: ${message}`
}

/** The cause of an error that is not Millrace's: `fetch` says only there why it failed, often only as a code. */
function causeText(cause: unknown): string {
  if (!(cause instanceof Error)) return ''
  const { code } = cause as { readonly code?: unknown }
  const text = nameAndMessage(cause)
  const hasCode = typeof code === 'string' && !text.includes(code)
  return ` (caused by ${hasCode ? `${code}${text === '' ? '' : ' '}` : ''}${text})`
}

/**
 * Throws if an invariant of Millrace itself is violated. Not for input: invalid input gets a specific error.
 */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition)
    throw new MillraceError('INTERNAL', `invariant does not hold: ${invariant}; please report this`)
}
