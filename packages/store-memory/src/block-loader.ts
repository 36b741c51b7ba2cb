import { describeError, MillraceError } from '@millrace/core'
import { assert, PagedList } from '@millrace/core/store'
import type { KeyToken, TableSpec } from '@millrace/core/store'
import type { RecordBlock } from './record-block.ts'
import { readerOf, type ValueReader } from './codec-check.ts'
import { DropList } from './drop-list.ts'
import { MemoryCell } from './memory-cell.ts'
import type { MemoryTable } from './memory-table.ts'
import { RecordScan } from './record-scan.ts'
import type { Segment } from './segment.ts'
import { SeqRange } from './seq-range.ts'
import { SeqSet } from './seq-set.ts'

/** One table and the cells found for it. */
interface Target {
  readonly table: MemoryTable<unknown>
  readonly cells: SeqRange<unknown>
  /** The cells that another codec wrote. */
  readonly foreign: PagedList<MemoryCell<unknown>>
}

/** The tables of an operator's subtasks for one piece of state. */
interface Family {
  readonly targets: Target[]
  /** The owner of each key group. */
  readonly byGroup: (Target | undefined)[]
  readonly drops: DropList
}

/**
 * Fills tables from blocks, which arrive newest first.
 *
 * For each cell the newest record counts: its last value, or the tombstone or drop after it. So the first
 * record found counts, and older ones are skipped. A block was written by one subtask for the key groups it
 * had then; the table of a record depends on the record's own key group only, so the former number of
 * subtasks does not matter. Records without a table count as dead. Values that another codec wrote count as
 * changed: the next snapshot rewrites them.
 */
export class BlockLoader {
  /** By owner, then by name of the table. */
  readonly #families = new Map<string, Map<string, Family>>()
  /** The cells for which a record was found. */
  readonly #met = new SeqSet()
  readonly #scan = new RecordScan()
  /** The block whose codec was checked last; blocks without live records need not be readable. */
  #block: RecordBlock | undefined = undefined
  #reader: ValueReader | undefined = undefined

  constructor(tables: Iterable<MemoryTable<unknown>>) {
    for (const table of tables) this.#register(table)
  }

  /** Reads the records of a block in `segment`. Yields after each. */
  *load(block: RecordBlock, segment: Segment): Generator<undefined> {
    const { origin } = block
    const family = this.#families.get(origin.owner)?.get(origin.table)
    const scan = this.#scan
    scan.start(block)
    while (scan.next()) {
      switch (scan.kind) {
        case 'value':
          if (this.#met.add(scan.seq) && family !== undefined) this.#value(block, segment, family)
          break
        case 'tombstone':
          segment.hasGraves = true
          this.#met.add(scan.seq)
          break
        case 'drop':
          segment.hasGraves = true
          family?.drops.add(scan.outer(), { seq: scan.seq, groups: origin.groups })
          break
      }
      yield
    }
  }

  /** Adds the cells to the tables, after all blocks were read. Yields after each unit of work. */
  *finish(): Generator<undefined> {
    for (const byName of this.#families.values()) {
      for (const { targets } of byName.values()) {
        for (const { table, cells, foreign } of targets) {
          yield* table.restore(cells)
          for (const cell of foreign) {
            table.changed(cell)
            yield
          }
        }
      }
    }
  }

  #value(block: RecordBlock, segment: Segment, family: Family): void {
    const { origin, input } = block
    const { seq, group, bytes, end } = this.#scan
    const target = family.byGroup[group]
    if (target === undefined || seq <= target.table.since) return
    const outer = this.#scan.outer()
    if (family.drops.covers(outer, seq, group)) return
    const inner = this.#scan.inner()
    const { spec } = target.table
    if (this.#block !== block) {
      this.#reader = readerOf(spec, { codec: origin.codecId, version: origin.codecVersion })
      this.#block = block
    }
    const reader = this.#reader!
    const value = decode(block, spec, inner, { reader, end })
    if (input.position !== end) throw refusal(block, spec, inner, 'it does not end where the value ends')
    const cell = new MemoryCell(outer, inner, group, value, seq, 0)
    cell.segment = segment
    cell.bytes = bytes
    segment.liveBytes += bytes
    target.cells.add(cell)
    if (reader.isForeign) target.foreign.push(cell)
  }

  #register(table: MemoryTable<unknown>): void {
    const { owner, name, groups } = table.spec
    let byName = this.#families.get(owner)
    if (byName === undefined) this.#families.set(owner, (byName = new Map()))
    let family = byName.get(name)
    if (family === undefined) byName.set(name, (family = { targets: [], byGroup: [], drops: new DropList() }))
    const target: Target = { table, cells: new SeqRange(), foreign: new PagedList() }
    family.targets.push(target)
    for (let group = groups.first; group <= groups.last; group++) {
      assert(family.byGroup[group] === undefined, `key group ${group} of ${owner} belongs to one subtask`)
      family.byGroup[group] = target
    }
  }
}

function decode(
  block: RecordBlock,
  spec: TableSpec<unknown>,
  inner: KeyToken,
  { reader, end }: { readonly reader: ValueReader; readonly end: number },
): unknown {
  const { input } = block
  const blockEnd = input.end
  input.end = end
  try {
    return reader.read(input)
  } catch (cause) {
    throw refusal(block, spec, inner, describeError(cause), cause)
  } finally {
    input.end = blockEnd
  }
}

function refusal(
  block: RecordBlock,
  spec: TableSpec<unknown>,
  inner: KeyToken,
  finding: string,
  cause?: unknown,
): MillraceError {
  const { owner, name, codec } = spec
  return new MillraceError(
    'CODEC_FAILED',
    `${block.place}: operator ${owner}, state ${name}: the value under key ${String(inner)} cannot be decoded by ` +
      `codec ${codec.id}: ${finding}`,
    { cause, place: owner },
  )
}
