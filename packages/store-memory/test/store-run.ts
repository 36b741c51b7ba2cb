import { structuredCodec } from '@millrace/core'
import { keyGroup, keyGroupRange } from '@millrace/core/store'
import type { Codec } from '@millrace/core'
import type {
  KeyToken,
  OpenStateStore,
  Pacing,
  Slicing,
  StateTable,
  StoreSnapshot,
} from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'
import { memoryStore } from '../src/memory-store.ts'
import type { MemoryStoreOptions } from '../src/memory-store.ts'

const keyGroups = 128

/** An unlimited slice. */
const unhurried: Pacing = { spend: () => false, turn: async () => {} }

/** A slice of this many units of work. */
function sliceOf(units: number): Slicing {
  let left = units
  return { spend: (spent = 1) => (left -= spent) <= 0 }
}

export interface StoreRunOptions<T> {
  readonly from?: StoreSnapshot
  readonly retained?: readonly StoreSnapshot[]
  readonly store?: MemoryStoreOptions
  readonly codec?: Codec<T>
  readonly parallelism?: number
  readonly names?: readonly string[]
  readonly budget?: Pacing
}

/** One run of a store with an operator `op`, its subtasks and their tables; small segments by default. */
export class StoreRun<T> {
  readonly store: OpenStateStore
  readonly parallelism: number
  readonly #tables = new Map<string, StateTable<T>[]>()

  constructor(store: OpenStateStore, options: StoreRunOptions<T>) {
    const { codec = structuredCodec<T>(), parallelism = 1, names = ['state'] } = options
    this.store = store
    this.parallelism = parallelism
    for (const name of names) {
      const tables = Array.from({ length: parallelism }, (_, subtask) => {
        const groups = keyGroupRange(subtask, parallelism, keyGroups)
        return store.table<T>({ owner: 'op', subtask, name, codec, groups })
      })
      this.#tables.set(name, tables)
    }
  }

  static async open<T>(fs: Fs, options: StoreRunOptions<T> = {}): Promise<StoreRun<T>> {
    const { from, retained = from === undefined ? [] : [from], budget = unhurried } = options
    const kind = memoryStore(options.store ?? { segmentBytes: 4096 })
    const run = new StoreRun(
      await kind.open({ fs, budget, directory: '/data/state', from, retained }),
      options,
    )
    await run.store.load()
    return run
  }

  tables(name = 'state'): readonly StateTable<T>[] {
    return this.#tables.get(name)!
  }

  /** The table of the subtask that owns `inner`. */
  tableOf(inner: KeyToken, name = 'state'): StateTable<T> {
    const group = keyGroup(inner, keyGroups)
    return this.tables(name).find((_, subtask) => {
      const { first, last } = keyGroupRange(subtask, this.parallelism, keyGroups)
      return group >= first && group <= last
    })!
  }

  set(outer: KeyToken, inner: KeyToken, value: T, name = 'state'): void {
    const table = this.tableOf(inner, name)
    const cell = table.find(outer, inner)
    if (cell === undefined) {
      table.create(outer, inner, keyGroup(inner, keyGroups), value)
      return
    }
    cell.value = value
    table.changed(cell)
  }

  get(outer: KeyToken, inner: KeyToken, name = 'state'): T | undefined {
    return this.tableOf(inner, name).find(outer, inner)?.value
  }

  delete(outer: KeyToken, inner: KeyToken, name = 'state'): void {
    const table = this.tableOf(inner, name)
    const cell = table.find(outer, inner)
    if (cell !== undefined) table.delete(cell)
  }

  deleteOuter(outer: KeyToken, name = 'state'): void {
    for (const table of this.tables(name)) table.deleteOuter(outer)
  }

  /** Everything in the tables, in order. */
  content(name = 'state'): [outer: KeyToken, cells: [inner: KeyToken, value: T][]][][] {
    return this.tables(name).map((table) =>
      [...table.outers()].map((outer) => [
        outer,
        [...table.cells(outer)].map((cell): [KeyToken, T] => [cell.inner, cell.value]),
      ]),
    )
  }

  freeze(): void {
    for (let subtask = 0; subtask < this.parallelism; subtask++) this.store.freeze('op', subtask)
  }

  /** Encodes for one slice; true when nothing is left. */
  slice(slicing: Slicing = sliceOf(32)): boolean {
    for (let subtask = 0; subtask < this.parallelism; subtask++) {
      if (!this.store.encode('op', subtask, slicing)) return false
    }
    return true
  }

  async encode(): Promise<void> {
    while (!this.slice()) await Promise.resolve()
  }

  /** One snapshot, durable and published. */
  async checkpoint(): Promise<StoreSnapshot> {
    this.freeze()
    await this.encode()
    const snapshot = await this.store.persist()
    await this.store.release([snapshot])
    return snapshot
  }
}
