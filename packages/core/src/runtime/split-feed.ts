import type { SplitEntry } from '../checkpoint/manifest.ts'
import type { ConnectorContext, Poll, Source, SplitReader } from '../connect/source.ts'
import { describeError, MillraceError } from '../kernel/errors.ts'
import type { Json } from '../kernel/json.ts'
import type { SplitTime } from '../time/split-watermarks.ts'

/** One split of a source while a job runs: its reader, and whether there is any point in asking it. */
export class SplitFeed {
  readonly split: string
  readonly time: SplitTime
  readonly #wake: () => void
  readonly #from: Json | undefined
  #reader: SplitReader<unknown> | undefined
  #isWaiting = false
  #isEnded: boolean
  /** Since when it has been caught up and quiet, on the monotonic clock. */
  quietSince: number | undefined

  constructor(split: string, time: SplitTime, restored: SplitEntry | undefined, wake: () => void) {
    this.split = split
    this.time = time
    this.#wake = wake
    this.#from = restored?.position
    this.#isEnded = restored?.isFinished ?? false
  }

  get isOpen(): boolean {
    return this.#reader !== undefined
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Whether the last poll brought nothing and the reader has not called since. */
  get isWaiting(): boolean {
    return this.#isWaiting
  }

  async open(source: Source<unknown>, context: ConnectorContext): Promise<void> {
    try {
      this.#reader = await source.open(this.split, this.#from, context)
    } catch (error) {
      throw this.#failed('could not be opened', context, error)
    }
  }

  poll(limit: number, context: ConnectorContext): Poll<unknown> {
    let poll: Poll<unknown>
    try {
      poll = this.#reader!.poll(limit)
    } catch (error) {
      throw this.#failed('could not be read', context, error)
    }
    if (poll.kind === 'pending') this.#waitForReader()
    else if (poll.kind === 'end') this.#isEnded = true
    if (poll.kind !== 'pending' || !poll.isCaughtUp) this.quietSince = undefined
    else this.quietSince ??= context.clock.monotonic()
    return poll
  }

  /** Where to resume; undefined for a split that was never opened. */
  position(): Json | undefined {
    return this.#reader === undefined ? this.#from : this.#reader.position()
  }

  async acknowledge(position: Json): Promise<void> {
    await this.#reader?.acknowledge?.(position)
  }

  async close(): Promise<void> {
    await this.#reader?.close()
  }

  #waitForReader(): void {
    this.#isWaiting = true
    const resume = () => {
      this.#isWaiting = false
      this.#wake()
    }
    // What goes wrong while waiting comes out of the next poll, with its place.
    this.#reader!.ready().then(resume, resume)
  }

  #failed(what: string, context: ConnectorContext, error: unknown): MillraceError {
    const place = `source '${context.name}', split '${this.split}'`
    return new MillraceError('SOURCE_FAILED', `${place} ${what}: ${describeError(error)}`, {
      cause: error,
      place,
    })
  }
}
