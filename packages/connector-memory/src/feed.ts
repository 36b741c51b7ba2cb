import { describeError, MillraceError } from '@millrace/core'

/** How much a feed holds. */
export interface FeedOptions {
  /** How many values wait for the job at most; 1 or more. Default 1,024. */
  readonly capacity?: number
  /**
   * How many values that were read are kept until a checkpoint covers them, so that a restart of the job reads them
   * again. When there are as many, reading waits for the next checkpoint. 1 or more. Default 1,000,000.
   */
  readonly keep?: number
}

/** Someone who waits for room. */
interface Writer {
  /** There is room now. */
  readonly accept: () => void
  readonly refuse: (error: Error) => void
}

/**
 * A queue between a program and a job, in one process.
 *
 * Values have indexes from 0. Those before `#next` were read; those before `#released` are in a durable checkpoint.
 *
 * Invariant: `#first <= #released <= #next <= #first + #values.length`. A writer waits only while the feed is full.
 */
export class Feed<T> {
  readonly capacity: number
  readonly #keep: number
  #values: T[] = []
  /** The index of `#values[0]`. */
  #first = 0
  #released = 0
  #next = 0
  #writers: Writer[] = []
  #wake: (() => void)[] = []
  #state: 'open' | 'ended' | 'failed' | 'closed' = 'open'
  #error: unknown

  /** Throws `OPTION_INVALID`. */
  constructor(what: string, { capacity = 1_024, keep = 1_000_000 }: FeedOptions = {}) {
    for (const [name, value] of Object.entries({ capacity, keep })) {
      if (!Number.isSafeInteger(value) || value < 1) {
        const message = `${what}: ${name} is ${value}; give a whole number from 1`
        throw new MillraceError('OPTION_INVALID', message)
      }
    }
    this.capacity = capacity
    this.#keep = keep
  }

  /** The index of the next value to be read. */
  get next(): number {
    return this.#next
  }

  get unread(): number {
    return this.#first + this.#values.length - this.#next
  }

  /** Whether nothing will be added any more. */
  get isOver(): boolean {
    return this.#state !== 'open'
  }

  /** Whether there are values to read, and reading waits for a checkpoint. */
  get isHeld(): boolean {
    return this.unread > 0 && this.#next - this.#released >= this.#keep
  }

  /** Adds a value if there is room. Throws what `push` rejects with. */
  tryPush(value: T): boolean {
    this.#requireOpen()
    if (this.#writers.length > 0 || this.unread >= this.capacity) return false
    this.#values.push(value)
    this.#wakeReaders()
    return true
  }

  /**
   * Resolves when the value is in the feed. Rejects with `SOURCE_FAILED` if the feed has ended, with its error if it has
   * failed, and with the reason of `signal`: then the value was not added.
   */
  async push(value: T, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (!this.tryPush(value)) await this.#wait(() => this.#values.push(value), signal)
  }

  /** Resolves when a value can be added. Rejects as `push` does. */
  async room(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#requireOpen()
    if (this.unread >= this.capacity) await this.#wait(() => {}, signal)
  }

  /** Drops the oldest value that was not read. Returns whether there was one. */
  dropOldest(): boolean {
    if (this.unread === 0) return false
    this.#values.splice(this.#next - this.#first, 1)
    return true
  }

  /** Nothing is added any more; what is there is still read. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    this.#refuseWriters(endedError())
    this.#wakeReaders()
  }

  /** As `end`; when everything is read, reading throws `error`. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = errorOf(error)
    this.#refuseWriters(errorOf(error))
    this.#wakeReaders()
  }

  /** The job has ended. Writers are refused until `reopen`. */
  close(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.#error = error
    this.#refuseWriters(closedError(error))
    this.#wakeReaders()
  }

  /** Another job reads. */
  reopen(): void {
    if (this.#state === 'closed') this.#state = 'open'
  }

  /** Up to `limit` values that were not read. Throws the failure once everything before it was read. */
  take(limit: number): T[] {
    const held = this.#next - this.#released
    const from = this.#next - this.#first
    const values = this.#values.slice(from, from + Math.min(limit, this.#keep - held))
    this.#next += values.length
    this.#admitWriters()
    if (values.length === 0 && this.unread === 0 && this.#state === 'failed') throw this.#error
    return values
  }

  /** Reads again from an index: at the earliest from the first value that no checkpoint covers. */
  rewind(index: number): void {
    this.#next = Math.min(Math.max(index, this.#released), this.#next)
  }

  /** Values before `index` are in a durable checkpoint. */
  release(index: number): void {
    this.#released = Math.max(this.#released, Math.min(index, this.#next))
    const done = this.#released - this.#first
    if (done >= 1_024 && done * 2 >= this.#values.length) {
      this.#values = this.#values.slice(done)
      this.#first = this.#released
    }
    this.#wakeReaders()
  }

  /** Resolves when there may be something to read, or the end. */
  async ready(): Promise<void> {
    if (this.unread > 0 ? !this.isHeld : this.isOver) return
    await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  /** Ends every wait of `ready`. */
  wakeReaders(): void {
    this.#wakeReaders()
  }

  /** Waits for its turn, and acts at the moment when there is room. */
  #wait(act: () => void, signal: AbortSignal | undefined): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#writers = this.#writers.filter((other) => other !== writer)
        reject(signal!.reason as Error)
      }
      const settle = (): void => signal?.removeEventListener('abort', leave)
      const writer: Writer = {
        accept: () => {
          settle()
          act()
          resolve()
        },
        refuse: (error) => {
          settle()
          reject(error)
        },
      }
      signal?.addEventListener('abort', leave, { once: true })
      this.#writers.push(writer)
    })
  }

  #admitWriters(): void {
    while (this.#writers.length > 0 && this.unread < this.capacity) this.#writers.shift()!.accept()
  }

  #refuseWriters(error: Error): void {
    for (const writer of this.#writers.splice(0)) writer.refuse(error)
  }

  #wakeReaders(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  #requireOpen(): void {
    if (this.#state === 'open') return
    if (this.#state === 'ended') throw endedError()
    throw this.#state === 'failed' ? errorOf(this.#error) : closedError(this.#error)
  }
}

function endedError(): MillraceError {
  return new MillraceError('SOURCE_FAILED', 'the input has ended: a value was pushed after `end()`')
}

function closedError(cause: unknown): MillraceError {
  const how = cause === undefined ? 'has ended' : 'has failed'
  const message = `the job that reads this input ${how}; start it again before you push more`
  return new MillraceError('SOURCE_FAILED', message, cause === undefined ? {} : { cause })
}

/** What was thrown, as an error. */
export function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new MillraceError('SOURCE_FAILED', describeError(thrown), { cause: thrown })
}
