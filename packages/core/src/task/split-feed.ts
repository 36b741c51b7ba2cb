import type { SplitEntry } from '../checkpoint/manifest.ts'
import type { ConnectorContext, DecodeFailure, Poll, Source, SplitReader } from '../connect/source.ts'
import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import type { Json } from '../codec/json.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { Place } from '../operator/failure-policy.ts'
import type { SplitSample } from '../observe/samples.ts'
import type { SplitTime } from '../time/split-watermarks.ts'

/** A context for one reader, and the function that ends it. */
export interface ReaderContext {
  readonly context: ConnectorContext
  /** The reader is closed: aborts the signal of its context and frees it. */
  release(): void
}

/**
 * One live split of a source while a job runs: a position, and a reader while it is open.
 *
 * A split can be closed at any time between two polls and opened again at the same position.
 */
export class SplitFeed {
  readonly split: string
  readonly time: SplitTime
  /** Set by the reading order: its progress, its last turn, and its number of turns without a time. */
  rank: EventTime = MIN_TIME
  turn = 0
  shortTurns = 0
  /** Whether it waits for its turn, and so may have records. */
  isQueued = false
  readonly #source: Source<unknown>
  readonly #onReady: (feed: SplitFeed) => void
  #reader: SplitReader<unknown> | undefined
  #context: ReaderContext | undefined
  /** Where it is opened; the open reader has the current position. */
  #position: Json | undefined
  #isWaiting = false
  #records = 0
  /** Bytes that closed readers had read; undefined if a reader does not count them. */
  #bytes: number | undefined
  /** The time since which it has been caught up and quiet, on the monotonic clock. */
  quietSince: number | undefined

  /** `onReady` is called when a reader without records may have some. */
  constructor(
    split: string,
    time: SplitTime,
    position: Json | undefined,
    source: Source<unknown>,
    onReady: (feed: SplitFeed) => void,
  ) {
    this.split = split
    this.#source = source
    this.time = time
    this.#position = position
    this.#onReady = onReady
  }

  get isOpen(): boolean {
    return this.#reader !== undefined
  }

  /** Whether the last poll returned nothing and the reader has not called since. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  /** Whether it has had records in this life of the job. */
  get hasRead(): boolean {
    return this.#records > 0
  }

  /** Whether its reader is notified of durable positions. */
  get acknowledges(): boolean {
    return this.#reader?.acknowledge !== undefined
  }

  /** Whether its reader is notified of the last ones when the job ends. */
  get acknowledgesLast(): boolean {
    return this.#reader?.acknowledgesLast === true
  }

  /** Whether its reader is closed only when it has ended or the job does. */
  get mustStayOpen(): boolean {
    return this.#reader?.mustStayOpen === true
  }

  /** The name of the split for people. */
  get label(): string {
    return this.#source.splitLabel?.(this.split) ?? this.split
  }

  /** What it has read in this life of the job, and what is left. */
  get figures(): Pick<SplitSample, 'records' | 'bytes' | 'lag'> {
    return { records: this.#records, bytes: this.bytes, lag: this.#reader?.lag?.() }
  }

  /** The bytes that it has read in this life of the job; undefined if its readers do not count them. */
  get bytes(): number | undefined {
    const own = this.#reader?.bytesRead
    return own === undefined ? this.#bytes : (this.#bytes ?? 0) + own
  }

  async open(context: ReaderContext): Promise<void> {
    this.#context = context
    try {
      this.#reader = await this.#source.open(this.split, this.#position, context.context)
    } catch (error) {
      throw this.#failed('could not be opened', error)
    }
  }

  poll(limit: number): Poll<unknown> {
    let poll: Poll<unknown>
    try {
      poll = this.#reader!.poll(limit)
    } catch (error) {
      throw this.#failed('could not be read', error)
    }
    if (poll.kind === 'pending') this.#waitForReader()
    else if (poll.kind === 'records') this.#records += poll.values.length
    if (poll.kind !== 'pending' || !poll.isCaughtUp) this.quietSince = undefined
    else this.quietSince ??= this.#context!.context.clock.monotonic()
    return poll
  }

  /** Where to resume; undefined for a split that was never opened. */
  position(): Json | undefined {
    return this.#reader === undefined ? this.#position : this.#reader.position()
  }

  /** Its part of a checkpoint. */
  entry(): SplitEntry {
    const { newest, generator } = this.time
    const saved = generator?.saved()
    const entry = {
      split: this.split,
      position: this.position(),
      newest: newest === MIN_TIME ? null : newest,
    }
    return saved === undefined ? entry : { ...entry, generator: saved }
  }

  async acknowledge(position: Json): Promise<void> {
    await this.#reader?.acknowledge?.(position)
  }

  /** Closes the reader; the split keeps its position. */
  async close(): Promise<void> {
    const reader = this.#reader
    if (reader === undefined) return
    this.#position = reader.position()
    this.#bytes = this.bytes
    this.#reader = undefined
    this.#isWaiting = false
    await reader.close()
    this.#context?.release()
  }

  #waitForReader(): void {
    const reader = this.#reader!
    this.#isWaiting = true
    const resume = () => {
      // A closed reader says nothing about its successor.
      if (reader !== this.#reader) return
      this.#isWaiting = false
      this.#onReady(this)
    }
    // An error while waiting is thrown by the next poll, with its place.
    reader.ready().then(resume, resume)
  }

  #failed(what: string, error: unknown): MillraceError {
    const place = `source '${this.#context!.context.name}', split '${this.label}'`
    return new MillraceError('SOURCE_FAILED', `${place} ${what}: ${describeError(error)}`, {
      cause: error,
      place,
    })
  }
}

/** The error of bytes that are not a record, which every attempt to decode them meets again. */
export function decodeError(error: unknown): MillraceError {
  if (isMillraceError(error)) return error
  return new MillraceError('DECODE_FAILED', describeError(error), { cause: error })
}

/** The place of bytes that are not a record, for the error policy of their source. `split` is the label of the split. */
export function placeOfFailure(source: string, split: string, failure: DecodeFailure): Place {
  return {
    place: () => `source '${source}', split '${split}', ${failure.place}`,
    raw: () => failure.raw,
    headers: failure.headers,
    facts: () => ({
      source,
      split,
      position: failure.place,
      redrives: failure.redrives ?? 0,
    }),
  }
}
