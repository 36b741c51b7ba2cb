import { toBase64, describeValue } from '../errors/safe-json.ts'
import { describeError, isMillraceError } from '../errors/errors.ts'
import { maskLogins } from '../errors/mask-logins.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { EventTime } from '../record/time.ts'
import { isProgramError, isStoreError, OperatorError } from './operator-error.ts'
import type { OperatorMetric } from './operator.ts'
import type { Receiver } from './receiver.ts'

/** The current record, as needed when user code throws. */
export interface Place {
  /** For messages: source, split and place; or the timer. */
  place(): string
  /** The original bytes, if the source still has them. */
  raw(): Uint8Array | undefined
  /** What is known about a record of a source; undefined for any other. */
  facts(): RecordFacts | undefined
  /** The key of the record in a keyed operator, if its key is not passed to `handle`. */
  readonly recordKey?: unknown
  /** The headers of the record. Absent: none. */
  readonly headers?: RecordHeaders | undefined
  /** How many attempts have failed. Absent: one. */
  readonly attempts?: number | undefined
  /** The span that gets the error. Absent: it is not traced. */
  readonly span?: { fail(error: unknown): void } | undefined
}

/** Where a record was read, in parts. */
export interface RecordFacts {
  readonly source: string
  readonly split: string
  readonly position: string
  readonly redrives: number
}

/** The record that a dead-letter sink receives for a failed record. */
export interface DeadLetter {
  /** The pipeline's and the failing operator's names. */
  readonly pipeline: string
  readonly operator: string
  readonly code: string
  readonly message: string
  readonly stack: string
  /** The place of the record, for people: source, split and place; or the key and time of a timer. */
  readonly place: string
  /** The parts of the place of a record of a source; null for any other. */
  readonly source: string | null
  readonly split: string | null
  readonly position: string | null
  /** The headers of the record; null if it has none. */
  readonly headers: LetterHeaders | null
  /** The key of the record at the operator, as JSON text; null without one. */
  readonly key: string | null
  /** How many attempts have failed. */
  readonly attempts: number
  /** How often the record was redriven from the dead letters before. */
  readonly redrives: number
  /** The record at the operator, as JSON text; null if it cannot be written as JSON. */
  readonly value: string | null
  /** The original bytes, in base64; null when the record was not read from a source. */
  readonly raw: string | null
  /** Event time of the record in milliseconds since the epoch, or null without timestamps. */
  readonly time: EventTime | null
  /** When it failed, in milliseconds since the epoch. */
  readonly failedAt: number
}

/** Headers in a dead letter, which may be written as JSON: those that are no text are bytes in base64. */
export type LetterHeaders = Readonly<Record<string, string | { readonly base64: string }>>

function letterHeaders(headers: RecordHeaders): LetterHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      typeof value === 'string' ? value : { base64: toBase64(value) },
    ]),
  )
}

const longestValue = 64 * 1024
const deepestCause = 5

/** The stack of an error, followed by those of its causes. */
function stackOf(thrown: unknown): string {
  const stacks: string[] = []
  for (let at = thrown; at instanceof Error && stacks.length < deepestCause; at = at.cause) {
    stacks.push(maskLogins(at.stack ?? String(at)))
  }
  return stacks.join('\n[cause]: ')
}

/** Keeps a record that has failed for another attempt. False if there is none: the policy applies. */
export type Retry = (thrown: unknown, value: unknown, time: EventTime) => boolean

/** Decides what happens to a record on which user code threw. */
export class FailurePolicy {
  readonly operator: string
  readonly #kind: 'fail' | 'skip' | 'deadLetter'
  readonly #deadLetters: Receiver
  readonly #pipeline: string
  readonly #now: () => number
  readonly #count: (metric: OperatorMetric) => void
  readonly #retry: Retry | undefined

  constructor(options: {
    readonly kind: 'fail' | 'skip' | 'deadLetter'
    readonly operator: string
    readonly pipeline: string
    readonly deadLetters: Receiver
    readonly now: () => number
    readonly count: (metric: OperatorMetric) => void
    /** Absent: a record is not tried again. */
    readonly retry?: Retry | undefined
  }) {
    this.operator = options.operator
    this.#kind = options.kind
    this.#deadLetters = options.deadLetters
    this.#pipeline = options.pipeline
    this.#now = options.now
    this.#count = options.count
    this.#retry = options.retry
  }

  /** Whether a failed record may be skipped, so that none of its effects may remain. */
  get leavesOut(): boolean {
    return this.#kind !== 'fail'
  }

  /** Returns if the record is handled; throws an `OperatorError` if the task must stop. */
  handle(
    thrown: unknown,
    place: Place,
    value: unknown,
    time: EventTime,
    key: unknown = place.recordKey,
  ): void {
    this.handleCopy(thrown, place)
    place.span?.fail(thrown)
    if (this.#retry?.(thrown, value, time) === true) {
      this.#count('retried')
      return
    }
    if (this.#kind === 'skip') {
      this.#count('skipped')
      return
    }
    this.#count('deadLettered')
    this.#deadLetters.receive(this.#letter(thrown, place, value, time, key), time)
  }

  /** The same for a record that other subtasks fail on too, one of which counts it and sends it on. */
  handleCopy(thrown: unknown, place: Place): void {
    // The error comes from later in the chain, or from Millrace itself, so this operator's policy does not
    // apply.
    if (thrown instanceof OperatorError || isMillraceError(thrown, 'INTERNAL')) throw thrown
    if (this.#kind === 'fail' || isProgramError(thrown) || isStoreError(thrown)) {
      throw new OperatorError(this.operator, place.place(), thrown)
    }
  }

  #letter(thrown: unknown, place: Place, value: unknown, time: EventTime, key: unknown): DeadLetter {
    const raw = place.raw()
    const facts = place.facts()
    return {
      pipeline: this.#pipeline,
      operator: this.operator,
      code: isMillraceError(thrown) ? thrown.code : 'OPERATOR_FAILED',
      message: describeError(thrown),
      stack: stackOf(thrown),
      place: place.place(),
      source: facts?.source ?? null,
      split: facts?.split ?? null,
      position: facts?.position ?? null,
      headers: place.headers === undefined ? null : letterHeaders(place.headers),
      key: describeValue(key, longestValue) ?? null,
      attempts: Math.max(1, place.attempts ?? 1),
      redrives: facts?.redrives ?? 0,
      value: describeValue(value, longestValue) ?? null,
      raw: raw === undefined ? null : toBase64(raw),
      time: Number.isNaN(time) ? null : time,
      failedAt: this.#now(),
    }
  }
}
