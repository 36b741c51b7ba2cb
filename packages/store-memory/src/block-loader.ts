import { assert, describeError, MillraceError, readToken } from '@millrace/core'
import type { KeyToken } from '@millrace/core'
import { corrupt, recordKind, sameOuterFlag } from './block-format.ts'
import type { Block } from './block-format.ts'
import { checkCodec } from './codec-check.ts'
import type { MemoryTable } from './memory-table.ts'
import type { Segment } from './segment.ts'

/** The tables that the subtasks of one operator have for one piece of state. */
interface Family {
  readonly tables: MemoryTable<unknown>[]
  /** The table that owns each key group. */
  readonly byGroup: (MemoryTable<unknown> | undefined)[]
}

/** What stands before a record's inner token. */
interface RecordHead {
  readonly start: number
  readonly seq: number
  readonly group: number
  readonly outer: KeyToken
}

/**
 * Fills tables from blocks, which come in the order they were written.
 *
 * A block was written by one subtask for the key groups it had then. Which table a record goes to depends on
 * its own key group alone, so it does not matter how many subtasks there were. Records for which there is
 * no table are passed over and count as dead.
 */
export class BlockLoader {
  /** By owner, then by name of the table. */
  readonly #families = new Map<string, Map<string, Family>>()

  constructor(tables: Iterable<MemoryTable<unknown>>) {
    for (const table of tables) this.#register(table)
  }

  /** Applies the records of a block that stands in `segment`. */
  load(block: Block, segment: Segment): void {
    const { origin, input, recordCount } = block
    const family = this.#families.get(origin.owner)?.get(origin.table)
    let seq = 0
    let outer: KeyToken = null
    for (let i = 0; i < recordCount; i++) {
      const start = input.position
      const kind = input.byte()
      const step = input.varint()
      seq += step % 2 === 0 ? step / 2 : -(step + 1) / 2
      const group = input.varint()
      if (kind < sameOuterFlag) outer = readToken(input)
      switch (kind % sameOuterFlag) {
        case recordKind.value:
          this.#value(block, segment, family?.byGroup[group], { start, seq, group, outer })
          break
        case recordKind.tombstone: {
          const inner = readToken(input)
          segment.hasGraves = true
          family?.byGroup[group]?.restoreTombstone(seq, outer, inner)
          break
        }
        case recordKind.drop:
          segment.hasGraves = true
          for (const table of family?.tables ?? []) table.restoreDrop(seq, outer, origin.groups)
          break
        default:
          throw corrupt(block.place, `a record has the unknown kind ${kind}`)
      }
    }
  }

  #value(block: Block, segment: Segment, table: MemoryTable<unknown> | undefined, head: RecordHead): void {
    const { input, origin } = block
    const inner = readToken(input)
    const length = input.varint()
    const end = input.position + length
    const cell = table?.restoring(head.seq, head.group, head.outer, inner)
    if (table !== undefined && cell !== undefined) {
      checkCodec(table.spec, { codec: origin.codecId, version: origin.codecVersion })
      cell.value = decode(block, table, inner)
      if (input.position !== end) throw refusal(block, table, inner, 'it does not end where the value ends')
      if (cell.segment !== undefined) cell.segment.liveBytes -= cell.bytes
      cell.segment = segment
      cell.bytes = end - head.start
      segment.liveBytes += cell.bytes
    }
    input.position = end
  }

  #register(table: MemoryTable<unknown>): void {
    const { owner, name, groups } = table.spec
    let byName = this.#families.get(owner)
    if (byName === undefined) this.#families.set(owner, (byName = new Map()))
    let family = byName.get(name)
    if (family === undefined) byName.set(name, (family = { tables: [], byGroup: [] }))
    family.tables.push(table)
    for (let group = groups.first; group <= groups.last; group++) {
      assert(family.byGroup[group] === undefined, `key group ${group} of ${owner} belongs to one subtask`)
      family.byGroup[group] = table
    }
  }
}

function decode(block: Block, table: MemoryTable<unknown>, inner: KeyToken): unknown {
  try {
    return table.spec.codec.decode(block.input, block.origin.codecVersion)
  } catch (cause) {
    throw refusal(block, table, inner, describeError(cause), cause)
  }
}

function refusal(
  block: Block,
  table: MemoryTable<unknown>,
  inner: KeyToken,
  finding: string,
  cause?: unknown,
): MillraceError {
  const { owner, name, codec } = table.spec
  return new MillraceError(
    'CODEC_FAILED',
    `${block.place}: operator ${owner}, state ${name}: the value under key ${String(inner)} cannot be decoded by ` +
      `codec ${codec.id}: ${finding}`,
    { cause, place: owner },
  )
}
