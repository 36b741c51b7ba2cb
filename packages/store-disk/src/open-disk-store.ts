import { assert } from '@millrace/core/store'
import type {
  DiscardedState,
  OpenedTable,
  OpenStateStore,
  Pacing,
  Slicing,
  StateTable,
  StoreSnapshot,
  StoreUsage,
  TableUsage,
  TableSpec,
} from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'
import { readBackwards } from '@millrace/segment-log'
import { readSnapshot, TableSet } from '@millrace/store-memory/segments'
import type { MemorySnapshot, SegmentSet } from '@millrace/store-memory/segments'
import { BlockLoader } from './block-loader.ts'
import { BlockRecords } from './block-records.ts'
import { CellCache } from './cell-cache.ts'
import { relocateVictims } from './compaction.ts'
import { DiskLog } from './disk-log.ts'
import { DiskTable } from './disk-table.ts'
import type { Sequence } from './table-parts.ts'

/** The files that `diskStore` found in the directory, and its limits. */
export interface OpenDiskStoreOptions {
  readonly fs: Fs
  readonly budget: Pacing
  readonly directory: string
  readonly from: MemorySnapshot | undefined
  readonly discard: readonly DiscardedState[]
  /** The highest number of any kept snapshot. */
  readonly number: number
  readonly segments: SegmentSet
  readonly segmentBytes: number
  readonly memoryBytes: number
}

/** The disk store of one run of a job: its tables, and the log that they share. */
export class OpenDiskStore implements OpenStateStore {
  readonly #options: OpenDiskStoreOptions
  readonly #segments: SegmentSet
  readonly #log: DiskLog
  readonly #cache: CellCache
  readonly #sequence: Sequence
  readonly #tables: TableSet<DiskTable<unknown>>
  #number: number

  constructor(options: OpenDiskStoreOptions) {
    this.#options = options
    this.#number = options.number
    this.#segments = options.segments
    this.#log = new DiskLog(options)
    this.#cache = new CellCache(options.memoryBytes, this.#log)
    this.#sequence = { last: options.from?.seq ?? 0 }
    this.#tables = new TableSet(options, options.segments, this.#log, () =>
      relocateVictims(this.#log, this.#segments, [...this.#tables]),
    )
  }

  table<T>(spec: TableSpec<T>): StateTable<T> {
    const around = { log: this.#log, cache: this.#cache, sequence: this.#sequence }
    return this.#tables.add(spec, (restored) => new DiskTable(spec, around, restored))
  }

  async load(): Promise<void> {
    const { fs, directory } = this.#options
    const loader = new BlockLoader(this.#tables.loading())
    for (const segment of this.#segments.segments.toReversed()) {
      const { slot, file } = this.#log.add(segment)
      await readBackwards(fs, `${directory}/${segment.file}`, segment, (block, place, offset) => {
        const records = new BlockRecords(block, place, block.payload.length)
        return this.#paced(loader.load(records, { segment, slot, offset }))
      })
      await file.open()
    }
    await this.#paced(loader.finish())
    this.#tables.tidy()
  }

  freeze(owner: string, subtask: number): void {
    this.#tables.freeze(owner, subtask)
  }

  encode(owner: string, subtask: number, slicing: Slicing): boolean {
    return this.#tables.encode(owner, subtask, slicing)
  }

  async persist(): Promise<StoreSnapshot> {
    let levels = 1
    for (const table of this.#tables) {
      assert(table.isSettled, `operator ${table.spec.owner} is encoded before the store is made durable`)
      levels = Math.max(levels, table.writers.level)
    }
    this.#log.closeBlocks()
    const named = [...this.#tables].every((table) => table.writers.isWithin(levels))
    assert(named, 'an operator whose state changes is frozen as often as the others')
    const [snapshot, segments] = this.#log.name(++this.#number, levels, () => [
      this.#tables.snapshot(this.#number, this.#sequence.last),
      this.#segments.segments.slice(),
    ])
    const durable = this.#log.flush(segments)
    this.#tables.tidy()
    await durable
    return snapshot
  }

  async release(retained: readonly StoreSnapshot[]): Promise<void> {
    const snapshots = retained.map((each) => readSnapshot(each))
    const named = new Set(snapshots.flatMap((each) => each.segments.map((segment) => segment.file)))
    const newest = Math.max(0, ...snapshots.map((each) => each.number))
    for (const segment of this.#segments.unneeded(named, newest)) {
      await this.#log.remove(segment)
      this.#segments.removed(segment)
    }
  }

  usage(): StoreUsage {
    const { liveBytes, diskBytes } = this.#segments
    return { cells: this.#tables.cells, liveBytes, diskBytes, writtenBytes: this.#log.bytes }
  }

  opened(): readonly OpenedTable[] {
    return this.#tables.opened()
  }

  tableUsage(): readonly TableUsage[] {
    return Array.from(this.#tables, ({ spec, size }) => ({
      owner: spec.owner,
      subtask: spec.subtask,
      name: spec.name,
      cells: size,
    }))
  }

  close(): Promise<void> {
    return this.#log.close()
  }

  /** Runs the steps of `work`, with turns of the event loop in between. */
  async #paced(work: Iterable<undefined>): Promise<void> {
    for (const _ of work) if (this.#options.budget.spend()) await this.#options.budget.turn()
  }
}
