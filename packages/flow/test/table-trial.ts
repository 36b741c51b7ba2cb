/** Tables under test: what their changes make of an empty table, and whether each of them is possible. */
import { env } from 'node:process'
import type { Key } from '@millrace/core'
import { keyToken, type KeyToken } from '@millrace/core/store'
import type { Timed } from '@millrace/testkit'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { RowChange } from '../src/table/row-change.ts'
import type { Arrivals } from './meeting-trial.ts'

/** How many cases of the larger properties are tried. */
export const numRuns = env['MILLRACE_TEST_LEVEL'] === 'full' ? 1_000 : 25

/** How far a record may be behind. */
const disorder = 8

/** Puts timed records of one stream into an order of arrival within the bound, with watermarks, batches and restarts. */
export function arrivalsOf<T>(
  record: fc.Arbitrary<T>,
  { maxLength = 30 }: { readonly maxLength?: number } = {},
): fc.Arbitrary<Arrivals<T> & { readonly inOrder: readonly Timed<T>[] }> {
  const records = fc.array(
    fc.record({ value: record, time: fc.integer({ min: -20, max: 40 }), delay: fc.nat(disorder) }),
    { maxLength },
  )
  return fc.tuple(records, runs).map(([drawn, run]) => {
    let newest = Number.NEGATIVE_INFINITY
    const arrivals = drawn
      .toSorted((a, b) => a.time + a.delay - (b.time + b.delay))
      .map(({ value, time }) => {
        const watermark = newest - disorder
        newest = Math.max(newest, time)
        return { value, time, watermark }
      })
    return { ...run, arrivals, inOrder: arrivals.toSorted((a, b) => a.time - b.time) }
  })
}

const runs = fc.record({
  batch: fc.integer({ min: 1, max: 7 }),
  restarts: fc
    .array(fc.tuple(fc.nat(30), fc.integer({ min: 1, max: 4 })), { maxLength: 3 })
    .map((restarts) => new Map(restarts)),
  isTight: fc.boolean(),
})

/** Changes of a table of few keys. The input may end before restarts: a table continues after that. */
export function changesOfTable<T>(row: fc.Arbitrary<T>): fc.Arbitrary<Arrivals<RowChange<T>>> {
  const edits = fc.record({
    key: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    row: fc.option(row, { nil: undefined }),
  })
  return fc.tuple(arrivalsOf(edits), fc.boolean()).map(([{ arrivals, ...run }, endsBetween]) => {
    const rows = new Map<string, T>()
    const changes = arrivals.flatMap(({ value, ...record }) => {
      const change = { key: value.key, before: rows.get(value.key), after: value.row }
      if (change.before === change.after) return []
      if (value.row === undefined) rows.delete(value.key)
      else rows.set(value.key, value.row)
      return [{ ...record, value: change }]
    })
    return { ...run, endsBetween, arrivals: changes }
  })
}

/** The rows of each group after all changes, in the order in which they came into it. */
export function groupsOf<T>(
  { arrivals }: Arrivals<RowChange<T>>,
  groupOf: (row: T) => string,
): ReadonlyMap<string, ReadonlyMap<Key, T>> {
  const groups = new Map<string, Map<Key, T>>()
  for (const { value } of arrivals) {
    const { key, before, after } = value
    const [old, now] = [before, after].map((row) => (row === undefined ? undefined : groupOf(row)))
    if (old !== undefined && old !== now) groups.get(old)!.delete(key)
    if (now !== undefined) groups.set(now, (groups.get(now) ?? new Map<Key, T>()).set(key, after!))
  }
  return new Map([...groups].filter(([, rows]) => rows.size > 0))
}

/**
 * Applies changes to an empty table and returns its rows by key. Fails at the first change that is not possible:
 * its `before` is not the row, or it changes nothing.
 */
export function applied(outputs: readonly Timed<unknown>[]): ReadonlyMap<KeyToken, unknown> {
  const rows = new Map<KeyToken, unknown>()
  for (const { value } of outputs) {
    const { key, before, after } = value as RowChange
    const token = keyToken(key)
    expect(before).toEqual(rows.get(token))
    expect(after).not.toEqual(before)
    if (after === undefined) rows.delete(token)
    else rows.set(token, after)
  }
  return rows
}

/** Rows by key, as `applied` returns them. */
export function rowsOf(entries: Iterable<readonly [Key, unknown]>): ReadonlyMap<KeyToken, unknown> {
  return new Map([...entries].map(([key, row]) => [keyToken(key), row]))
}
