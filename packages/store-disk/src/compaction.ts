import type { SegmentSet } from '@millrace/store-memory/segments'
import type { BlockRecords } from './block-records.ts'
import type { DiskLog } from './disk-log.ts'
import type { DiskTable } from './disk-table.ts'

/** How many bytes to write, or records to pass, count as one unit of work. */
const bytesPerUnit = 512
const passedPerUnit = 16

/**
 * Rewrites the live records of the segments that are victims, one at a time; yields the units of work done. What is alive
 * is found in the files: a record is live if the index still points at it.
 */
export function* relocateVictims(
  log: DiskLog,
  segments: SegmentSet,
  tables: readonly DiskTable<unknown>[],
): Generator<number> {
  const families = new Map<string, DiskTable<unknown>[]>()
  for (const table of tables) {
    const id = familyOf(table.spec.owner, table.spec.name)
    families.set(id, [...(families.get(id) ?? []), table])
  }
  let passed = 0
  const victims = segments.segments.filter((segment) => segment.isVictim)
  for (const segment of victims) {
    const { slot } = log.of(segment)
    for (let offset = 0; offset < segment.bytes && segment.liveBytes > 0;) {
      const records = log.read(slot, offset)
      const { owner, table: name } = records.origin
      const family = families.get(familyOf(owner, name)) ?? []
      for (let record = 0; record < records.count; record++) {
        const table = records.isValue(record) ? tableOf(family, records, record) : undefined
        const bytes = table?.relocate(records, record, offset, slot) ?? 0
        if (bytes > 0) yield 1 + Math.floor(bytes / bytesPerUnit)
        else if (++passed % passedPerUnit === 0) yield 1
      }
      offset += records.length
    }
  }
}

/** The table that owns the key group of a record, unless the record is of an earlier table of that name. */
function tableOf(
  family: readonly DiskTable<unknown>[],
  records: BlockRecords,
  record: number,
): DiskTable<unknown> | undefined {
  const group = records.group(record)
  const table = family.find(({ spec }) => group >= spec.groups.first && group <= spec.groups.last)
  return table !== undefined && records.seq(record) > table.since ? table : undefined
}

function familyOf(owner: string, name: string): string {
  return JSON.stringify([owner, name])
}
