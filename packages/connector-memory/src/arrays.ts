import type { RecordHeaders } from '@millrace/core'
import {
  headerColumn,
  type Batch,
  type Discovery,
  type Poll,
  type Sink,
  type SinkWriter,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'

/**
 * Reads arrays: a bounded source, the smallest complete one, and the one to read first.
 *
 * `values` are the records, or the records of each split by the name of the split. A position is the index of the next
 * value. A split that was read to its end has ended for good: a later job with the same data directory does not look for
 * more values in it.
 *
 * @example
 * p.from('numbers', memory.read([1, 2, 3]))
 * p.from('letters', memory.read({ a: ['x', 'y'], b: ['z'] })) // two splits
 */
export function read<T>(values: readonly T[], options?: ReadOptions<T>): Source<T, number>
export function read<T>(
  splits: Readonly<Record<string, readonly T[]>>,
  options?: ReadOptions<T>,
): Source<T, number>
export function read<T>(
  given: readonly T[] | Readonly<Record<string, readonly T[]>>,
  options: ReadOptions<T> = {},
): Source<T, number> {
  const headersOf = options.headers
  const values = new Map<string, readonly T[]>(isList(given) ? [['all', given]] : Object.entries(given))
  return {
    kind: 'memory',
    durability: 'replayable',
    hasHeaders: headersOf !== undefined,
    discover: async (): Promise<Discovery> => ({ splits: [...values.keys()], isComplete: true }),
    open: async (split, from = 0, { name: source }): Promise<SplitReader<T, number>> => {
      const all = values.get(split) ?? []
      let next = from
      return {
        poll(limit: number): Poll<T> {
          if (next >= all.length) return { kind: 'end', isFinal: true }
          const first = next
          next = Math.min(all.length, first + limit)
          const taken = all.slice(first, next)
          return {
            kind: 'records',
            values: taken,
            headers: headersOf && headerColumn(taken, headersOf),
            origin: {
              source,
              split,
              place: (index) => `index ${first + index}`,
              raw: () => undefined,
            },
          }
        },
        ready: async () => {},
        position: () => next,
        close: async () => {},
      }
    },
  }
}

/** How arrays are read. */
export interface ReadOptions<T> {
  /** The headers of the record of a value. Default: none. */
  readonly headers?: (value: T) => RecordHeaders | undefined
}

/** `Array.isArray` does not know readonly arrays. */
function isList<T>(given: readonly T[] | object): given is readonly T[] {
  return Array.isArray(given)
}

/** A value that reached a `MemorySink`, its event time (`NaN` without timestamps), and its headers if it has some. */
export interface Collected<T> {
  readonly value: T
  readonly time: number
  readonly headers?: RecordHeaders
}

/** What a checkpoint makes visible: everything up to this many records of one subtask. */
interface Visible {
  readonly [name: string]: number
  readonly subtask: number
  readonly from: number
  readonly to: number
}

/**
 * Writes to an array, exactly once: records show in `values` only when their checkpoint is complete.
 *
 * @example
 * const results = memory.write<number>()
 * // ... run a job that writes 1 and 2 to it ...
 * results.values // => [1, 2]
 */
export function write<T>(): MemorySink<T> {
  return new MemorySink()
}

/** A sink that keeps what it is sent. It outlives restarts of a job within one process, as an outside system would. */
export class MemorySink<T> implements Sink<T, Visible> {
  readonly kind = 'memory'
  readonly guarantee = 'exactly-once'
  readonly needsMainThread = true
  /** Everything committed, in order of commit. */
  readonly committed: Collected<T>[] = []
  /** By subtask: everything prepared, visible or not. Models the outside system's transaction log. */
  readonly #prepared = new Map<number, Collected<T>[]>()
  /** By subtask: how much of it is visible. */
  readonly #visible = new Map<number, number>()

  /** The committed values, in order of commit. */
  get values(): readonly T[] {
    return this.committed.map(({ value }) => value)
  }

  async open(subtask: number, pending: readonly Visible[]): Promise<SinkWriter<T, Visible>> {
    if (subtask === 0) {
      for (const committable of pending) this.#commit(committable)
      // What was prepared and is not named by the restored checkpoint is aborted.
      for (const [other, records] of this.#prepared) records.length = this.#visible.get(other) ?? 0
    }
    const prepared = this.#prepared.get(subtask) ?? []
    this.#prepared.set(subtask, prepared)
    let open: Collected<T>[] = []
    return {
      write: (batch: Batch<T>): void => {
        for (let i = 0; i < batch.length; i++) {
          const headers = batch.headers?.[i]
          const own = headers === undefined ? {} : { headers }
          open.push({ value: batch.values[i]!, time: batch.times[i]!, ...own })
        }
      },
      prepare: async (): Promise<Visible | undefined> => {
        if (open.length === 0) return undefined
        const from = prepared.length
        for (const record of open) prepared.push(record)
        open = []
        return { subtask, from, to: prepared.length }
      },
      commit: async (committable) => this.#commit(committable),
      close: async () => {},
    }
  }

  #commit({ subtask, to }: Visible): void {
    const records = this.#prepared.get(subtask) ?? []
    for (let i = this.#visible.get(subtask) ?? 0; i < to; i++) this.committed.push(records[i]!)
    this.#visible.set(subtask, Math.max(to, this.#visible.get(subtask) ?? 0))
  }
}
