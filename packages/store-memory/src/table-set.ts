import { assert } from '@millrace/core/store'
import type { DiscardedState, OpenedTable, Slicing, StateTable, TableSpec } from '@millrace/core/store'
import { readerOf } from './codec-check.ts'
import type { SegmentSet } from './segment-set.ts'
import { snapshotFormat } from './snapshot.ts'
import type { MemorySnapshot, NamedTable } from './snapshot.ts'

/** A table whose cells are records of segments. */
export interface SegmentTable extends StateTable<unknown> {
  readonly spec: TableSpec<unknown>
  /** Number of its cells. */
  readonly size: number
  /** Records with a `seq` up to this belong to an earlier table of the same name. */
  readonly since: number
  /** Whether a segment may have records of it. */
  readonly hasRecords: boolean
  /** Whether everything that was frozen is encoded. */
  readonly isSettled: boolean
  freeze(): void
  /** Encodes what was frozen until `slicing` ends the slice; returns whether nothing is left. */
  encode(slicing: Slicing): boolean
}

/** The part of a log that the tables of a store share. */
export interface SharedLog {
  /** Whether it has more unwritten bytes than it should keep in memory. */
  readonly isBehind: boolean
  /** Closes the active segment. */
  seal(): void
}

/**
 * The tables of a store in one run of a job: by operator and subtask, as freezing and encoding need them, and all of them,
 * as a snapshot names them. It also drives the compaction of their segments, a slice at a time.
 */
export class TableSet<Table extends SegmentTable> implements Iterable<Table> {
  readonly #from: MemorySnapshot | undefined
  readonly #discard: readonly DiscardedState[]
  readonly #segments: SegmentSet
  readonly #log: SharedLog
  /** Finds the live records of victims and rewrites them; yields units of work. */
  readonly #rewriteVictims: () => Iterator<number>
  /** Tables by owner, then by subtask. */
  readonly #tables = new Map<string, Map<number, Table[]>>()
  #isLoaded = false
  /** The rewriting in progress; undefined without victims. */
  #compaction: Iterator<number> | undefined = undefined

  constructor(
    restored: { readonly from: MemorySnapshot | undefined; readonly discard: readonly DiscardedState[] },
    segments: SegmentSet,
    log: SharedLog,
    rewriteVictims: () => Iterator<number>,
  ) {
    this.#from = restored.from
    this.#discard = restored.discard
    this.#segments = segments
    this.#log = log
    this.#rewriteVictims = rewriteVictims
  }

  /**
   * Adds the table that `make` returns for what the snapshot has of it, and returns it. Throws `CHECKPOINT_INCOMPATIBLE` if
   * its codec cannot read that.
   */
  add<Made extends Table>(spec: TableSpec<unknown>, make: (restored: NamedTable | undefined) => Made): Made {
    assert(!this.#isLoaded, 'tables are opened before the store is loaded')
    const tables = this.#of(spec.owner, spec.subtask)
    assert(
      tables.every((each) => each.spec.name !== spec.name),
      `operator ${spec.owner} opens its state ${spec.name} once per subtask`,
    )
    const restored = this.#isDiscarded(spec)
      ? undefined
      : this.#from?.tables.find((each) => each.owner === spec.owner && each.name === spec.name)
    if (restored !== undefined) readerOf(spec, restored)
    const made = make(restored)
    tables.push(made)
    return made
  }

  *[Symbol.iterator](): Generator<Table> {
    for (const bySubtask of this.#tables.values()) {
      for (const tables of bySubtask.values()) yield* tables
    }
  }

  /** The tables to load; none is added any more. */
  loading(): Iterable<Table> {
    this.#isLoaded = true
    return this
  }

  freeze(owner: string, subtask: number): void {
    for (const table of this.#of(owner, subtask)) table.freeze()
  }

  encode(owner: string, subtask: number, slicing: Slicing): boolean {
    const tables = this.#of(owner, subtask)
    // Encoding faster than the disk writes would fill memory.
    if (this.#log.isBehind) return this.#compaction === undefined && tables.every((each) => each.isSettled)
    const untilBehind: Slicing = { spend: (units) => slicing.spend(units) || this.#log.isBehind }
    return tables.every((table) => table.encode(untilBehind)) && this.#compact(untilBehind)
  }

  /** After a load or a snapshot: closes the active segment if it is long enough, and chooses segments to compact. */
  tidy(): void {
    if (this.#segments.isActiveFull()) this.#log.seal()
    if (!this.#segments.chooseVictims()) return
    if (this.#segments.active?.isVictim === true) this.#log.seal()
    this.#compaction = this.#rewriteVictims()
  }

  get cells(): number {
    let cells = 0
    for (const table of this) cells += table.size
    return cells
  }

  opened(): readonly OpenedTable[] {
    return Array.from(this, (table) => ({ spec: table.spec, table }))
  }

  /** Names the segments as they are, and one table for all subtasks of an operator. */
  snapshot(number: number, seq: number): MemorySnapshot {
    const segments = this.#segments.segments.map(({ file, bytes, checksum }) => ({ file, bytes, checksum }))
    const tables = new Map<string, NamedTable>()
    for (const { spec, since, hasRecords } of this) {
      const { owner, name, codec } = spec
      const id = JSON.stringify([owner, name])
      if (!hasRecords || tables.has(id)) continue
      tables.set(id, { owner, name, codec: codec.id, version: codec.version, since })
    }
    return { format: snapshotFormat, number, seq, segments, tables: [...tables.values()] }
  }

  #of(owner: string, subtask: number): Table[] {
    let bySubtask = this.#tables.get(owner)
    if (bySubtask === undefined) this.#tables.set(owner, (bySubtask = new Map()))
    let tables = bySubtask.get(subtask)
    if (tables === undefined) bySubtask.set(subtask, (tables = []))
    return tables
  }

  #isDiscarded({ owner, name }: TableSpec<unknown>): boolean {
    return this.#discard.some((each) => each.owner === owner && (each.table ?? name) === name)
  }

  #compact(slicing: Slicing): boolean {
    while (this.#compaction !== undefined) {
      const step = this.#compaction.next()
      if (step.done === true) this.#compaction = undefined
      else if (slicing.spend(step.value)) return false
    }
    return true
  }
}
