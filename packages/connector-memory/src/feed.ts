import { describeError, MillraceError } from '@millrace/core'

/** How much a feed holds. */
export interface FeedOptions {
  /** How many values may be queued that the job has not read; 1 or more. Default 1,024. */
  readonly capacity?: number
  /**
   * How many values that were read are kept until a checkpoint covers them, so that a restart of the job reads them
   * again. When there are as many, reading waits for the next checkpoint. 1 or more. Default 1,000,000.
   */
  readonly keep?: number
}

/** Someone who waits. */
interface Waiter {
  readonly accept: () => void
  readonly refuse: (error: Error) => void
}

/** A value that is handed over when the job reads it. */
interface Push<T> extends Waiter {
  readonly value: T
}

/**
 * A queue between a program and a job, in one process.
 *
 * Values have indexes from 0. Those before `#next` were read; those before `#released` are in a durable checkpoint.
 *
 * Values of `push` are not queued: they are handed over when the job reads them, after the queued ones.
 *
 * Invariant: `#first <= #released <= #next <= #first + #values.length`.
 */
export class Feed<T> {
  readonly capacity: number
  readonly #keep: number
  #values: T[] = []
  /** The index of `#values[0]`. */
  #first = 0
  #released = 0
  #next = 0
  #pushes: Push<T>[] = []
  /** Those who wait until a value can be queued. */
  #waiting: Waiter[] = []
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

  /** How many values wait for the job. */
  get unread(): number {
    return this.#queued + this.#pushes.length
  }

  get #queued(): number {
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

  /** Queues a value if there is room. Throws what `push` rejects with. */
  tryPush(value: T): boolean {
    this.#requireOpen()
    if (this.#pushes.length > 0 || this.#queued >= this.capacity) return false
    this.#values.push(value)
    this.#wakeReaders()
    return true
  }

  /**
   * Resolves when the job has read the value. Rejects with `SOURCE_FAILED` if the feed or the job has ended, with the
   * feed's error if it has failed, and with the reason of `signal`: then the job does not read the value.
   */
  async push(value: T, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    this.#requireOpen()
    const read = waitIn(this.#pushes, (waiter) => ({ ...waiter, value }), signal)
    this.#wakeReaders()
    await read
  }

  /** Resolves when a value can be queued. Rejects as `push` does. */
  async room(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#requireOpen()
    if (this.#queued >= this.capacity) await waitIn(this.#waiting, (waiter) => waiter, signal)
  }

  /** Drops the oldest value that was not read. Returns whether there was one. */
  dropOldest(): boolean {
    if (this.#queued === 0) return false
    this.#values.splice(this.#next - this.#first, 1)
    return true
  }

  /** Nothing is added any more; what is there is still read, and what was pushed. */
  end(): void {
    if (this.#state !== 'open') return
    this.#state = 'ended'
    refuseAll(this.#waiting, endedError())
    this.#wakeReaders()
  }

  /** As `end`; when everything is read, reading throws `error`. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#error = errorOf(error)
    refuseAll(this.#waiting, errorOf(error))
    this.#wakeReaders()
  }

  /** The job has ended. What it has not read of `push` is refused, and so is every value until `reopen`. */
  close(error: unknown): void {
    refuseAll(this.#pushes, closedError(error))
    refuseAll(this.#waiting, closedError(error))
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.#error = error
    this.#wakeReaders()
  }

  /** Another job reads. */
  reopen(): void {
    if (this.#state === 'closed') this.#state = 'open'
  }

  /** Up to `limit` values that were not read. Throws the failure once everything before it was read. */
  take(limit: number): T[] {
    const most = Math.min(limit, this.#keep - (this.#next - this.#released))
    while (this.#queued < most && this.#pushes.length > 0) {
      const push = this.#pushes.shift()!
      this.#values.push(push.value)
      push.accept()
    }
    const from = this.#next - this.#first
    const values = this.#values.slice(from, from + most)
    this.#next += values.length
    while (this.#waiting.length > 0 && this.#queued < this.capacity) this.#waiting.shift()!.accept()
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

/** Waits in a list until it is accepted, refused or aborted. */
function waitIn<W extends Waiter>(
  list: W[],
  make: (waiter: Waiter) => W,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const settle = (): void => signal?.removeEventListener('abort', leave)
    const waiter = make({
      accept: () => {
        settle()
        resolve()
      },
      refuse: (error) => {
        settle()
        reject(error)
      },
    })
    const leave = (): void => {
      const at = list.indexOf(waiter)
      if (at >= 0) list.splice(at, 1)
      reject(signal!.reason as Error)
    }
    signal?.addEventListener('abort', leave, { once: true })
    list.push(waiter)
  })
}

function refuseAll(list: Waiter[], error: Error): void {
  for (const waiter of list.splice(0)) waiter.refuse(error)
}
