import { MillraceError } from '@millrace/core'
import type { Batch, ConnectorContext, Sink, SinkWriter } from '@millrace/core/connector'
import { errorOf } from './feed.ts'

/** How an output hands over results. */
export interface OutputOptions {
  /** How many results wait for the program at most; then the job waits. 1 or more. Default 10,000. */
  readonly capacity?: number
  /**
   * `committed`: results come when the checkpoint that covers them is complete, each once, also when the job restarts in
   * its process. `immediately`: results come as they are computed, and again when the job restarts. Default `committed`.
   */
  readonly deliver?: 'committed' | 'immediately'
}

/** What a checkpoint makes visible: the results of one subtask up to an index. */
export interface Delivery {
  readonly [name: string]: string | number
  readonly output: string
  readonly subtask: number
  readonly upTo: number
}

/** The prepared results of one subtask. The first has index `from`. */
interface Prepared<T> {
  from: number
  values: T[]
}

/**
 * A sink whose results the program reads, as an async iterable: `for await (const alert of alerts)`.
 *
 * The loop ends when the job has ended; it throws the job's error if the job failed. Several loops share the results.
 * A job waits while `capacity` results are not read, so read to the end: also a clean stop writes results. When a loop is
 * left with `break` and no other runs, results are dropped and counted until the next loop begins.
 *
 * If the process is killed, results that were not read are lost.
 */
export class MemoryOutput<T> implements Sink<T, Delivery>, AsyncIterable<T> {
  readonly kind = 'memory'
  readonly guarantee = 'at-most-once'
  readonly needsMainThread = true
  readonly #capacity: number
  readonly #deliver: 'committed' | 'immediately'
  readonly #prepared = new Map<number, Prepared<T>>()
  #id: string | undefined
  #queue: T[] = []
  #head = 0
  #readers: (() => void)[] = []
  #writers: (() => void)[] = []
  #end: { readonly error: unknown } | undefined
  #loops = 0
  /** Whether the last loop was left, so that results are dropped. */
  #isLeft = false
  #dropped = 0
  #warn: (message: string) => void = () => {}

  constructor({ capacity = 10_000, deliver = 'committed' }: OutputOptions) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) {
      const message = `memory.writeIterable: capacity is ${capacity}; give a whole number from 1`
      throw new MillraceError('OPTION_INVALID', message)
    }
    if (deliver !== 'committed' && deliver !== 'immediately') {
      const message = `memory.writeIterable: deliver is ${String(deliver)}; write 'committed' or 'immediately'`
      throw new MillraceError('OPTION_INVALID', message)
    }
    this.#capacity = capacity
    this.#deliver = deliver
  }

  open(
    subtask: number,
    pending: readonly Delivery[],
    context: ConnectorContext,
  ): Promise<SinkWriter<T, Delivery>> {
    this.#end = undefined
    this.#warn = (message) => context.warn(`output ${context.name} ${message}`)
    this.#id ??= context.random.int(2 ** 48).toString(36)
    if (subtask === 0) {
      for (const delivery of pending) this.#commit(delivery)
      // What no checkpoint names is computed again.
      for (const prepared of this.#prepared.values()) prepared.values = []
    }
    const isImmediate = this.#deliver === 'immediately'
    let written: T[] = []
    return Promise.resolve({
      write: async (batch: Batch<T>) => {
        await this.#room(context.signal)
        const values = batch.values.slice(0, batch.length)
        if (isImmediate) this.#add(values)
        else written = written.concat(values)
      },
      prepare: () => {
        if (written.length === 0) return Promise.resolve(undefined)
        const values = written
        written = []
        return Promise.resolve(this.#prepare(subtask, values))
      },
      commit: (delivery) => Promise.resolve(this.#commit(delivery)),
      close: () => Promise.resolve(),
    })
  }

  ended(error?: unknown): void {
    this.#end = { error }
    for (const wake of this.#readers.splice(0)) wake()
  }

  /** How many results were dropped because the loop was left. */
  get dropped(): number {
    return this.#dropped
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T, void, void> {
    this.#loops++
    this.#isLeft = false
    try {
      for (;;) {
        while (this.#head < this.#queue.length) yield this.#take()
        if (this.#end !== undefined) break
        await new Promise<void>((resolve) => this.#readers.push(resolve))
      }
      if (this.#end.error !== undefined) throw errorOf(this.#end.error)
    } finally {
      this.#loops--
      if (this.#loops === 0) this.#leave()
    }
  }

  #leave(): void {
    this.#isLeft = true
    this.#drop(this.#queue.length - this.#head)
    ;[this.#queue, this.#head] = [[], 0]
    for (const wake of this.#writers.splice(0)) wake()
  }

  #drop(count: number): void {
    if (count === 0) return
    if (this.#dropped === 0) this.#warn('is dropped: the loop that read the output was left')
    this.#dropped += count
  }

  #take(): T {
    const value = this.#queue[this.#head++]!
    if (this.#head === this.#queue.length) [this.#queue, this.#head] = [[], 0]
    else if (this.#head >= 1_024 && this.#head * 2 >= this.#queue.length) {
      ;[this.#queue, this.#head] = [this.#queue.slice(this.#head), 0]
    }
    if (this.#queue.length - this.#head < this.#capacity) for (const wake of this.#writers.splice(0)) wake()
    return value
  }

  #add(values: readonly T[]): void {
    if (this.#isLeft) return this.#drop(values.length)
    for (const value of values) this.#queue.push(value)
    for (const wake of this.#readers.splice(0)) wake()
  }

  #prepare(subtask: number, values: T[]): Delivery {
    const prepared = this.#prepared.get(subtask) ?? { from: 0, values: [] }
    this.#prepared.set(subtask, prepared)
    for (const value of values) prepared.values.push(value)
    return { output: this.#id!, subtask, upTo: prepared.from + prepared.values.length }
  }

  /** Idempotent: what was handed over has an index below `from`. Results of an earlier process are gone. */
  #commit({ output, subtask, upTo }: Delivery): void {
    const prepared = this.#prepared.get(subtask)
    if (output !== this.#id || prepared === undefined) return
    const count = Math.max(0, upTo - prepared.from)
    this.#add(prepared.values.splice(0, count))
    prepared.from += count
  }

  /** Resolves when fewer results wait than the capacity, or the job is being cancelled. */
  async #room(signal: AbortSignal): Promise<void> {
    while (!this.#isLeft && this.#queue.length - this.#head >= this.#capacity && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#writers.push(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }
}

/**
 * Makes a sink whose results the program reads while the job runs. Throws `OPTION_INVALID`.
 *
 * @example
 * const alerts = memory.writeIterable<Alert>()
 * const job = start(pipeline('shop', (p) => p.from('orders', orders).to('alerts', alerts)))
 * for await (const alert of alerts) console.log(alert)
 */
export function writeIterable<T>(options: OutputOptions = {}): MemoryOutput<T> {
  return new MemoryOutput(options)
}
