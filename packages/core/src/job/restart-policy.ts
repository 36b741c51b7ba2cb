import { describeError, isMillraceError, MillraceError, type ErrorCode } from '../errors/errors.ts'

/** What a job does when it fails. Delays are in milliseconds. */
export type RestartPolicy =
  | { readonly kind: 'none' }
  | { readonly kind: 'fixed'; readonly delayMs: number; readonly attempts: number }
  | {
      readonly kind: 'exponential'
      readonly firstDelayMs: number
      readonly longestDelayMs: number
      /** After a run of this duration the next failure counts as the first. */
      readonly resetAfterMs: number
      readonly attempts: number
    }

/** Three attempts, a second apart and growing; enough for a transient fault, not for a poison record. */
export const defaultRestartPolicy: RestartPolicy & { readonly kind: 'exponential' } = {
  kind: 'exponential',
  firstDelayMs: 1_000,
  longestDelayMs: 60_000,
  resetAfterMs: 600_000,
  attempts: 3,
}

/** A restart cannot help: the program, the options or the disk must change first. */
const hopeless: ReadonlySet<ErrorCode> = new Set([
  'GRAPH_INVALID',
  'OPTION_INVALID',
  'NAME_TAKEN',
  'ASYNC_FUNCTION',
  'RECORD_MUTATED',
  'CHECKPOINT_CORRUPT',
  'CHECKPOINT_INCOMPATIBLE',
  'DIRECTORY_LOCKED',
  'FS_SYNC_FAILED',
  'FS_EXISTS',
  'FS_READ_ONLY',
  'FS_DENIED',
])

/** Counts failures and decides after each: another attempt after a delay, or the end. */
export class RestartDecider {
  readonly #policy: RestartPolicy
  #failures = 0
  #samePlace = 0
  #lastPlace: string | undefined

  constructor(policy: RestartPolicy) {
    this.#policy = policy
  }

  /** Milliseconds until the next attempt, or the final error. `ranForMs` is how long the job ran. */
  afterFailure(
    error: unknown,
    ranForMs: number,
  ): { readonly delayMs: number } | { readonly giveUp: unknown } {
    const policy = this.#policy
    if (policy.kind === 'none' || isHopeless(error)) return { giveUp: error }
    if (policy.kind === 'exponential' && ranForMs >= policy.resetAfterMs) this.#failures = 0
    this.#failures++
    const place = isMillraceError(error) ? error.place : undefined
    this.#samePlace = place !== undefined && place === this.#lastPlace ? this.#samePlace + 1 : 1
    this.#lastPlace = place
    if (this.#failures > policy.attempts) return { giveUp: this.#crashLoop(error) }
    if (policy.kind === 'fixed') return { delayMs: policy.delayMs }
    return { delayMs: Math.min(policy.longestDelayMs, policy.firstDelayMs * 2 ** (this.#failures - 1)) }
  }

  #crashLoop(error: unknown): MillraceError {
    const place = this.#samePlace > 1 ? this.#lastPlace : undefined
    // The place may be a sink or a whole source, for which no error policy helps.
    const advice = isMillraceError(error, 'OPERATOR_FAILED')
      ? ': the record there is likely poison. Fix the operator, or give it an error policy of skip or deadLetter.'
      : '.'
    const where =
      place === undefined
        ? ''
        : ` The last ${this.#samePlace} failures were at the same place, ${place}${advice}`
    return new MillraceError(
      'CRASH_LOOP',
      `the job failed ${this.#failures} times and is not restarted again; nothing after its last checkpoint was committed.${where} The last failure: ${describeError(error)}`,
      { cause: error, ...(place === undefined ? {} : { place }) },
    )
  }
}

function isHopeless(error: unknown): boolean {
  for (let at = error; isMillraceError(at); at = at.cause) {
    if (at.isFinal || hopeless.has(at.code)) return true
  }
  return false
}
