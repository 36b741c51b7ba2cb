import { isMillraceError } from '@millrace/core'
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
import { BlockLoader } from './block-loader.ts'
import { BlockWriter } from './block-writer.ts'
import { MemoryTable } from './memory-table.ts'
import type { Sequence } from './memory-table.ts'
import { readBackwards, SegmentWriter } from '@millrace/segment-log'
import { BlockLog } from './block-log.ts'
import { recordsOf } from './record-block.ts'
import type { SegmentSet } from './segment-set.ts'
import { readSnapshot } from './snapshot.ts'
import type { MemorySnapshot } from './snapshot.ts'
import { TableSet } from './table-set.ts'

/** The files that `memoryStore` found in the directory. */
export interface OpenMemoryStoreOptions {
  readonly fs: Fs
  readonly budget: Pacing
  readonly directory: string
  readonly from: MemorySnapshot | undefined
  readonly discard: readonly DiscardedState[]
  /** The highest number of any kept snapshot. */
  readonly number: number
  readonly segments: SegmentSet
  readonly segmentBytes: number
}

/**
 * The memory store of one run of a job: its tables, and the path from them to the segments.
 *
 * While `encode` runs, cells go from tables through block writers to the log, and meanwhile from the log to
 * the disk. `persist` waits for the rest and names the files.
 */
export class OpenMemoryStore implements OpenStateStore {
  readonly #fs: Fs
  readonly #budget: Pacing
  readonly #directory: string
  readonly #segments: SegmentSet
  readonly #writer: SegmentWriter
  readonly #log: BlockLog
  readonly #sequence: Sequence
  readonly #tables: TableSet<MemoryTable<unknown>>
  #number: number

  constructor(options: OpenMemoryStoreOptions) {
    this.#fs = options.fs
    this.#budget = options.budget
    this.#directory = options.directory
    this.#number = options.number
    this.#segments = options.segments
    this.#writer = new SegmentWriter(options.fs, options.directory)
    this.#log = new BlockLog(options.segments, this.#writer, options.segmentBytes)
    this.#sequence = { last: options.from?.seq ?? 0 }
    this.#tables = new TableSet(options, options.segments, this.#log, () => this.#rewriteVictims())
  }

  table<T>(spec: TableSpec<T>): StateTable<T> {
    const { owner, subtask, name, groups, codec } = spec
    const origin = { owner, subtask, table: name, groups, codecId: codec.id, codecVersion: codec.version }
    const writer = new BlockWriter(origin, codec, this.#log)
    return this.#tables.add(spec, (restored) => new MemoryTable(spec, writer, this.#sequence, restored))
  }

  async load(): Promise<void> {
    const loader = new BlockLoader(this.#tables.loading())
    for (const segment of this.#segments.segments.toReversed()) {
      const path = `${this.#directory}/${segment.file}`
      await readBackwards(this.#fs, path, segment, (block, place) =>
        this.#paced(loader.load(recordsOf(block, place), segment)),
      )
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
    for (const table of this.#tables) {
      assert(table.isSettled, `operator ${table.spec.owner} is encoded before the store is made durable`)
    }
    this.#log.closeBlocks()
    this.#segments.leaveOut(++this.#number)
    const snapshot = this.#tables.snapshot(this.#number, this.#sequence.last)
    const durable = this.#writer.flush()
    this.#tables.tidy()
    await durable
    return snapshot
  }

  async release(retained: readonly StoreSnapshot[]): Promise<void> {
    const snapshots = retained.map((each) => readSnapshot(each))
    const named = new Set(snapshots.flatMap((each) => each.segments.map((segment) => segment.file)))
    const newest = Math.max(0, ...snapshots.map((each) => each.number))
    for (const segment of this.#segments.unneeded(named, newest)) {
      try {
        await this.#fs.remove(`${this.#directory}/${segment.file}`)
      } catch (cause) {
        if (!isMillraceError(cause, 'FS_NOT_FOUND')) throw cause
      }
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
    return Array.from(this.#tables, ({ spec, size, bytes }) => ({
      owner: spec.owner,
      subtask: spec.subtask,
      name: spec.name,
      cells: size,
      bytes,
    }))
  }

  close(): Promise<void> {
    return this.#writer.close()
  }

  /** Runs the steps of `work`, with turns of the event loop in between. */
  async #paced(work: Iterable<undefined>): Promise<void> {
    for (const _ of work) if (this.#budget.spend()) await this.#budget.turn()
  }

  *#rewriteVictims(): Generator<number> {
    for (const table of this.#tables) yield* table.rewriteVictims()
  }
}
