/** What is read from state that expires, from the definition. */
import { writes } from './drawn-expiry.ts'
import { figureOf, type Item } from './item.ts'
import { groupsOf, isPunctual, type KnownRecord, type KnownStream } from './known-stream.ts'
import type { Expiry } from './last-shapes.ts'
import type { PartOf } from './topology.ts'

/** The results; undefined if the data do not decide them: the order of a key, or the watermark at a late record. */
export function expiryOf({ by, how }: PartOf<'expiry'>, stream: KnownStream): readonly Item[] | undefined {
  const results: Item[] = []
  for (const { key, records, isOrdered } of groupsOf(stream, by)) {
    const isKnown = records.every((record) => record.under !== undefined || isPunctual(record))
    if (!isOrdered || !isKnown) return undefined
    results.push(...countsOf(how, records).map((value) => ({ key, value })))
  }
  return results
}

function countsOf({ afterMs, refresh, of }: Expiry, records: readonly KnownRecord[]): readonly number[] {
  let count: number | undefined
  let stamp = Number.NEGATIVE_INFINITY
  return records.map(({ value, time, under }) => {
    // The clock is the record's time, or the watermark for a record behind it.
    const now = Math.max(time, under ?? time)
    if (now >= stamp + afterMs) count = undefined
    const before = count ?? 0
    const isNew = count === undefined
    const isWritten = isNew || of === 'scan' || writes(figureOf(value))
    if (isWritten) count = before + 1
    if (isNew) stamp = now
    else if (refresh === 'read' || (refresh === 'write' && isWritten)) stamp = Math.max(stamp, now)
    return of === 'scan' ? count! : before
  })
}
