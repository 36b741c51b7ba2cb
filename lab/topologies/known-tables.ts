/** The final rows of drawn tables, from their definition. */
import type { Key } from '@millrace/core'
import { figureOf, foldOf, keyOf, type Item } from './item.ts'
import { isPunctual, onlyOf, textOf, type KnownRecord, type KnownStream } from './known-stream.ts'
import { enrichedFigure, groupOf, isDeleted, pairFigure, referenceOf, referredOf } from './table-values.ts'
import type { PartOf } from './topology.ts'

/** The figures of a table by the text of their keys. */
type Rows = ReadonlyMap<string, Row>

/** The rows; undefined if the data do not decide them. */
export function tableOf(
  part: PartOf<'table'>,
  left: KnownStream,
  right: KnownStream,
): readonly Item[] | undefined {
  const { by, how } = part
  if (how.kind === 'running') {
    const rows = left.map(({ value }) => ({ key: keyOf(by, value), figure: figureOf(value) }))
    return aggregated(rows, ({ key }) => key)
  }
  if (![...left, ...right].every(isPunctual)) return undefined
  const keyBy = (item: Item): Key => keyOf(by, item)
  if (how.kind === 'first') return firstOf(how.withinMs, left, keyBy)
  if (how.kind === 'enrich') {
    return left.flatMap(({ value }) => {
      const hasRow = keyBy(value) !== null
      if (!hasRow && how.join === 'inner') return []
      return [{ key: value.key, value: enrichedFigure(figureOf(value), hasRow) }]
    })
  }
  if (how.kind === 'topOfStream') {
    const rows = left.map(({ value }) => ({ key: keyBy(value), figure: figureOf(value) }))
    return ranked(rows, ({ key }) => key, { n: how.n, offset: 0 })
  }
  const lefts = newestOf(left, keyBy)
  if (lefts === undefined) return undefined
  const rows = [...lefts.values()]
  if (how.kind === 'topOfTable') return ranked(rows, ({ figure }) => groupOf(figure), how)
  if (how.kind === 'view') return rows.map(({ key, figure }) => ({ key, value: figure }))
  if (how.kind === 'aggregate') return aggregated(rows, ({ figure }) => groupOf(figure))
  const rights = newestOf(right, how.kind === 'byKey' ? keyBy : (item) => referredOf(figureOf(item)))
  if (rights === undefined) return undefined
  if (how.kind === 'byForeignKey') {
    return pairedByReference(lefts, rights, how.join)
  }
  return pairedByKey(lefts, rights, how.required)
}

/** The rows with those to which they refer. */
export function pairedByReference(lefts: Rows, rights: Rows, join: 'inner' | 'left'): readonly Item[] {
  return [...lefts.values()].flatMap(({ key, figure }) => {
    const reference = referenceOf(figure)
    const found = reference === undefined ? undefined : rights.get(textOf(reference))
    if (found === undefined && join === 'inner') return []
    return [{ key, value: pairFigure(figure, found?.figure) }]
  })
}

/** The rows of each key, of which those required are not missing. */
export function pairedByKey(
  lefts: Rows,
  rights: Rows,
  required: readonly ('left' | 'right')[],
): readonly Item[] {
  return [...new Map([...lefts, ...rights])].flatMap(([token, { key }]) => {
    const pair = { left: lefts.get(token)?.figure, right: rights.get(token)?.figure }
    if (required.some((side) => pair[side] === undefined)) return []
    return [{ key, value: pairFigure(pair.left, pair.right) }]
  })
}

/** A row of a table. */
export interface Row {
  readonly key: Key
  readonly figure: number
}

/** Number, maximum and sum of the figures of each group. */
function aggregated(rows: readonly Row[], groupBy: (row: Row) => Key): readonly Item[] {
  return groupsBy(rows, groupBy).map(({ key, figures }) => {
    const total = figures.reduce((a, b) => a + b, 0)
    return { key, value: foldOf([figures.length, Math.max(...figures), total]) }
  })
}

/** The greatest figures of each group, under group and rank. */
function ranked(
  rows: readonly Row[],
  groupBy: (row: Row) => Key,
  { n, offset }: { readonly n: number; readonly offset: number },
): readonly Item[] {
  return groupsBy(rows, groupBy).flatMap(({ key, figures }) =>
    figures
      .toSorted((a, b) => b - a)
      .slice(offset, offset + n)
      .map((value, index) => ({ key: [key, offset + index + 1], value })),
  )
}

function groupsBy(
  rows: readonly Row[],
  groupBy: (row: Row) => Key,
): readonly { readonly key: Key; readonly figures: readonly number[] }[] {
  const groups = new Map<string, { readonly key: Key; readonly figures: number[] }>()
  for (const row of rows) {
    const key = groupBy(row)
    const group = groups.get(textOf(key)) ?? { key, figures: [] }
    group.figures.push(row.figure)
    groups.set(textOf(key), group)
  }
  return [...groups.values()]
}

/** The newest record of each key; undefined if it is not known which of two is newer. */
export function newestOf(stream: KnownStream, keyBy: (item: Item) => Key): Rows | undefined {
  const rows = new Map<string, Row>()
  for (const records of recordsByKey(stream, keyBy)) {
    const time = Math.max(...records.map((record) => record.time))
    const record = onlyOf(
      records.filter((each) => each.time === time),
      -1,
    )
    if (record === undefined) return undefined
    const figure = figureOf(record.value)
    const key = keyBy(record.value)
    if (!isDeleted(figure)) rows.set(textOf(key), { key, figure })
  }
  return rows
}

/** What `keepFirst` keeps; undefined if it is not known which of two records is first. */
function firstOf(
  withinMs: number,
  stream: KnownStream,
  keyBy: (item: Item) => Key,
): readonly Item[] | undefined {
  const kept: Item[] = []
  for (const records of recordsByKey(stream, keyBy)) {
    let last = Number.NEGATIVE_INFINITY
    for (const { time } of records.toSorted((a, b) => a.time - b.time)) {
      if (time < last + withinMs) continue
      const record = onlyOf(
        records.filter((each) => each.time === time),
        0,
      )
      if (record === undefined) return undefined
      kept.push(record.value)
      last = time
    }
  }
  return kept
}

/** The records of each key. */
export function recordsByKey(
  stream: KnownStream,
  keyBy: (item: Item) => Key,
): readonly (readonly KnownRecord[])[] {
  const groups = new Map<string, KnownRecord[]>()
  for (const record of stream) {
    const token = textOf(keyBy(record.value))
    groups.set(token, [...(groups.get(token) ?? []), record])
  }
  return [...groups.values()]
}
