/** The rows that are left of tables whose rows expire, from the definition. */
import type { Key } from '@millrace/core'
import { figureOf, keyOf, type Item } from './item.ts'
import { isPunctual, textOf, type KnownRecord, type KnownStream } from './known-stream.ts'
import { pairedByKey, pairedByReference, recordsByKey, tableOf, type Row } from './known-tables.ts'
import type { RowTtl } from './last-shapes.ts'
import { isDeleted, referredOf } from './table-values.ts'
import type { PartOf } from './topology.ts'

/**
 * The results; undefined if the data do not decide them. `watermark` is the last one before the end of the input, which
 * expires nothing; undefined if it depends on how splits interleave.
 */
export function livingOf(
  part: PartOf<'living'>,
  left: KnownStream,
  right: KnownStream,
  watermark: number | undefined,
): readonly Item[] | undefined {
  const { by, how } = part
  const keyBy = (item: Item): Key => keyOf(by, item)
  if (how.kind === 'enrich') return tableOf({ ...part, kind: 'table', how }, left, left)
  if (watermark === undefined) return undefined
  if (how.kind === 'expireAfter') return newestWithin(how.afterMs, left, keyBy, watermark)
  if (![...left, ...right].every(isPunctual)) return undefined
  const lefts = livingRows(how.ttl, left, keyBy, watermark)
  const referred = (item: Item): Key => referredOf(figureOf(item))
  const rights = livingRows(how.ttl, right, how.kind === 'byKey' ? keyBy : referred, watermark)
  if (lefts === undefined || rights === undefined) return undefined
  return how.kind === 'byKey'
    ? pairedByKey(lefts, rights, how.required)
    : pairedByReference(lefts, rights, how.join)
}

const hasOneLine = (records: KnownStream): boolean => records.every(({ line }) => line === records[0]!.line)

/** The newest record of each key unless it has expired, and the records that were older or had expired. */
function newestWithin(
  afterMs: number,
  stream: KnownStream,
  keyBy: (item: Item) => Key,
  watermark: number,
): readonly Item[] | undefined {
  const results: Item[] = []
  for (const records of recordsByKey(stream, keyBy)) {
    const isKnown = records.every((record) => record.under !== undefined || isPunctual(record))
    if (!hasOneLine(records) || !isKnown) return undefined
    let newest: KnownRecord | undefined
    for (const record of records) {
      const { value, time, under = time } = record
      const isLate = time <= under - afterMs || (newest !== undefined && time < newest.time)
      if (isLate) results.push({ key: value.key, value: [figureOf(value)] })
      else newest = record
    }
    if (newest !== undefined && newest.time + afterMs > watermark)
      results.push({ key: keyBy(newest.value), value: figureOf(newest.value) })
  }
  return results
}

/** The newest figure of each key, unless it was inserted, or last changed, too long before the watermark. */
function livingRows(
  { after, refresh }: RowTtl,
  stream: KnownStream,
  keyBy: (item: Item) => Key,
  watermark: number,
): ReadonlyMap<string, Row> | undefined {
  const rows = new Map<string, Row>()
  for (const records of recordsByKey(stream, keyBy)) {
    const key = keyBy(records[0]!.value)
    if (!hasOneLine(records)) return undefined
    let newest = Number.NEGATIVE_INFINITY
    let figure: number | undefined
    let stamp = Number.NEGATIVE_INFINITY
    for (const { time, value } of records) {
      if (time < newest) continue
      newest = time
      const before = figure
      figure = isDeleted(figureOf(value)) ? undefined : figureOf(value)
      // A table does not say that a row was replaced by an equal one.
      if (figure === undefined || figure === before) continue
      if (before === undefined || refresh === 'write' || stamp + after <= time) stamp = time
    }
    if (figure !== undefined && stamp + after > watermark) rows.set(textOf(key), { key, figure })
  }
  return rows
}
