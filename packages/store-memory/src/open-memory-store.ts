import { isMillraceError } from '@millrace/core'
import { assert } from '@millrace/core/store'
import type {
  DiscardedState,
  OpenStateStore,
  Pacing,
  Slicing,
  StateTable,
  StoreSnapshot,
  StoreUsage,
  TableSpec,
} from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'
import { BlockLoader } from './block-loader.ts'
import { BlockWriter } from './block-writer.ts'
import { readerOf } from './codec-check.ts'
import { MemoryTable } from './memory-table.ts'
import type { Sequence } from './memory-table.ts'
import { readBackwards, SegmentWriter } from '@millrace/segment-log'
import { BlockLog } from './block-log.ts'
import { recordsOf } from './record-block.ts'
import type { SegmentSet } from './segment-set.ts'
import { readSnapshot, snapshotFormat } from './snapshot.ts'
import type { MemorySnapshot, NamedTable } from './snapshot.ts'

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
  readonly #from: MemorySnapshot | undefined
  readonly #discard: readonly DiscardedState[]
  readonly #segments: SegmentSet
  readonly #writer: SegmentWriter
  readonly #log: BlockLog
  readonly #sequence: Sequence
  /** Tables by owner, then by subtask. */
  readonly #tables = new Map<string, Map<number, MemoryTable<unknown>[]>>()
  #number: number
  #isLoaded = false
  /** The search for live cells in victims; undefined without victims. */
  #compaction: Iterator<number> | undefined = undefined

  constructor(options: OpenMemoryStoreOptions) {
    this.#fs = options.fs
    this.#budget = options.budget
    this.#directory = options.directory
    this.#from = options.from
    this.#discard = options.discard
    this.#number = options.number
    this.#segments = options.segments
    this.#writer = new SegmentWriter(options.fs, options.directory)
    this.#log = new BlockLog(options.segments, this.#writer, options.segmentBytes)
    this.#sequence = { last: options.from?.seq ?? 0 }
  }

  table<T>(spec: TableSpec<T>): StateTable<T> {
    assert(!this.#isLoaded, 'tables are opened before the store is loaded')
    const tables = this.#tablesOf(spec.owner, spec.subtask)
    assert(
      tables.every((each) => each.spec.name !== spec.name),
      `operator ${spec.owner} opens its state ${spec.name} once per subtask`,
    )
    const restored = this.#isDiscarded(spec)
      ? undefined
      : this.#from?.tables.find((each) => each.owner === spec.owner && each.name === spec.name)
    if (restored !== undefined) readerOf(spec, restored)
    const { owner, subtask, name, groups, codec } = spec
    const origin = { owner, subtask, table: name, groups, codecId: codec.id, codecVersion: codec.version }
    const table = new MemoryTable(spec, new BlockWriter(origin, codec, this.#log), this.#sequence, restored)
    tables.push(table)
    return table
  }

  async load(): Promise<void> {
    this.#isLoaded = true
    const loader = new BlockLoader(this.#allTables())
    for (const segment of this.#segments.segments.toReversed()) {
      const path = `${this.#directory}/${segment.file}`
      await readBackwards(this.#fs, path, segment, (block, place) =>
        this.#paced(loader.load(recordsOf(block, place), segment)),
      )
    }
    await this.#paced(loader.finish())
    this.#tidy()
  }

  freeze(owner: string, subtask: number): void {
    for (const table of this.#tablesOf(owner, subtask)) table.freeze()
  }

  encode(owner: string, subtask: number, slicing: Slicing): boolean {
    const tables = this.#tablesOf(owner, subtask)
    // Encoding faster than the disk writes would fill memory.
    if (this.#log.isBehind) return this.#compaction === undefined && tables.every((each) => each.isSettled)
    const untilBehind: Slicing = { spend: (units) => slicing.spend(units) || this.#log.isBehind }
    return tables.every((table) => table.encode(untilBehind)) && this.#compact(untilBehind)
  }

  async persist(): Promise<StoreSnapshot> {
    for (const table of this.#allTables()) {
      assert(table.isSettled, `operator ${table.spec.owner} is encoded before the store is made durable`)
    }
    this.#log.closeBlocks()
    this.#segments.leaveOut(++this.#number)
    const snapshot = this.#snapshot()
    const durable = this.#writer.flush()
    this.#tidy()
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
    let cells = 0
    for (const table of this.#allTables()) cells += table.size
    return { cells, liveBytes: this.#segments.liveBytes, diskBytes: this.#segments.diskBytes }
  }

  close(): Promise<void> {
    return this.#writer.close()
  }

  /** Runs the steps of `work`, with turns of the event loop in between. */
  async #paced(work: Iterable<undefined>): Promise<void> {
    for (const _ of work) if (this.#budget.spend()) await this.#budget.turn()
  }

  #isDiscarded({ owner, name }: TableSpec<unknown>): boolean {
    return this.#discard.some((each) => each.owner === owner && (each.table ?? name) === name)
  }

  #tablesOf(owner: string, subtask: number): MemoryTable<unknown>[] {
    let bySubtask = this.#tables.get(owner)
    if (bySubtask === undefined) this.#tables.set(owner, (bySubtask = new Map()))
    let tables = bySubtask.get(subtask)
    if (tables === undefined) bySubtask.set(subtask, (tables = []))
    return tables
  }

  *#allTables(): Generator<MemoryTable<unknown>> {
    for (const bySubtask of this.#tables.values()) {
      for (const tables of bySubtask.values()) yield* tables
    }
  }

  #compact(slicing: Slicing): boolean {
    while (this.#compaction !== undefined) {
      const step = this.#compaction.next()
      if (step.done === true) this.#compaction = undefined
      else if (slicing.spend(step.value)) return false
    }
    return true
  }

  *#rewriteVictims(): Generator<number> {
    for (const table of this.#allTables()) yield* table.rewriteVictims()
  }

  /**
   * After a load or a snapshot: closes the active segment if it is long enough, and chooses segments to
   * compact.
   */
  #tidy(): void {
    if (this.#segments.isActiveFull()) this.#log.seal()
    if (!this.#segments.chooseVictims()) return
    if (this.#segments.active?.isVictim === true) this.#log.seal()
    this.#compaction = this.#rewriteVictims()
  }

  #snapshot(): MemorySnapshot {
    return {
      format: snapshotFormat,
      number: this.#number,
      seq: this.#sequence.last,
      segments: this.#segments.segments.map(({ file, bytes, checksum }) => ({ file, bytes, checksum })),
      tables: this.#namedTables(),
    }
  }

  /** One entry for all subtasks of an operator. */
  #namedTables(): NamedTable[] {
    const named = new Map<string, NamedTable>()
    for (const { spec, since, hasRecords } of this.#allTables()) {
      const { owner, name, codec } = spec
      const id = JSON.stringify([owner, name])
      if (!hasRecords || named.has(id)) continue
      named.set(id, { owner, name, codec: codec.id, version: codec.version, since })
    }
    return [...named.values()]
  }
}
