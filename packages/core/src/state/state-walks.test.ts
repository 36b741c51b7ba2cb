import { describe, expect, test, vi } from 'vitest'
import { StateWalks, type StateScan } from './state-walks.ts'
import { walkState, type StateRow } from './state-reading.ts'
import { numberCodec } from '../codec/codec.ts'
import { keyToken } from '../record/key-token.ts'
import { TransientTable } from './transient-table.ts'

const unhurried = { spend: () => false, turn: async () => {} }

/** Goes through the numbers below `count`, of which every `nth` is wanted. Says how many it has come to. */
function numbers(count: number, nth = 1) {
  const seen = { values: 0, begun: 0 }
  const begin = function* (): Generator<StateRow | number> {
    seen.begun++
    for (let i = 0; i < count; i++) {
      seen.values++
      yield i % nth === 0 ? { table: 'all', key: i, inner: null, value: i } : 1
    }
  }
  return { seen, begin }
}

const scanFrom = (
  passed: number,
  { limit = 10, looksAt = 100, prefix = undefined as string | undefined } = {},
): StateScan => ({
  operator: 'count',
  prefix,
  from: { worker: 0, passed },
  limit,
  looksAt,
})

/** All pages of a scan. */
async function pages(walks: StateWalks, begin: () => Generator<StateRow | number>, limits = {}) {
  const all: unknown[][] = []
  for (let passed: number | undefined = 0; passed !== undefined;) {
    const found = await walks.read(scanFrom(passed, limits), begin, unhurried)
    all.push(found.rows.map(({ key }) => key))
    passed = found.passed
  }
  return all
}

describe('a scan of state, part by part', () => {
  test('the parts have each row once, and the last one is not empty', async () => {
    const { begin } = numbers(30)
    const all = await pages(new StateWalks(), begin)
    expect(all).toEqual([0, 10, 20].map((from) => Array.from({ length: 10 }, (_, i) => from + i)))
  })

  test('a part looks at no more than its share, however late it is and few rows are wanted', async () => {
    const { seen, begin } = numbers(10_000, 1_000)
    const walks = new StateWalks()
    let before = 0
    const rows: unknown[] = []
    for (let passed: number | undefined = 0; passed !== undefined;) {
      const found = await walks.read(scanFrom(passed), begin, unhurried)
      rows.push(...found.rows.map(({ key }) => key))
      // One is looked at ahead.
      expect(seen.values - before).toBeLessThanOrEqual(101)
      before = seen.values
      passed = found.passed
    }
    expect(rows).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((i) => i * 1_000))
    expect(seen).toEqual({ values: 10_000, begun: 1 })
  })

  test('a part that was asked for before, or whose scan was forgotten, begins anew and has the same rows', async () => {
    const { seen, begin } = numbers(30)
    const walks = new StateWalks()
    const { passed } = await walks.read(scanFrom(0), begin, unhurried)
    const second = await walks.read(scanFrom(passed!), begin, unhurried)
    expect(await walks.read(scanFrom(passed!), begin, unhurried)).toEqual(second)
    walks.clear()
    expect((await walks.read(scanFrom(20), begin, unhurried)).rows[0]).toMatchObject({ key: 20 })
    expect(seen.begun).toBe(3)
  })

  test('scans of other keys do not continue one another, and only the last ones are kept', async () => {
    const { seen, begin } = numbers(30)
    const walks = new StateWalks()
    for (let i = 0; i < 20; i++) await walks.read(scanFrom(0, { prefix: `${i}` }), begin, unhurried)
    expect(seen.begun).toBe(20)
    await walks.read(scanFrom(10, { prefix: '19' }), begin, unhurried)
    expect(seen.begun).toBe(20)
    await walks.read(scanFrom(10, { prefix: '0' }), begin, unhurried)
    expect(seen.begun).toBe(21)
  })
})

test('the entries of a map are not read for keys that are not wanted', () => {
  const table = new TransientTable<number>()
  for (const key of ['ab', 'ac', 'b']) {
    for (let entry = 0; entry < 3; entry++) table.create(keyToken(key), keyToken(entry), 0, entry)
  }
  const cells = vi.spyOn(table, 'cells')
  const spec = {
    owner: 'count',
    subtask: 0,
    name: 'per-key',
    codec: numberCodec,
    groups: { first: 0, last: 0 },
  }
  const kinds = new Map([['per-key', 'ordered map']])
  const walk = walkState([{ spec, table }], kinds, {
    operator: 'count',
    range: { from: 'b' },
  })
  expect([...walk].map((step) => (typeof step === 'number' ? step : [step.key, step.inner]))).toEqual([
    3,
    3,
    ['b', 0],
    ['b', 1],
    ['b', 2],
  ])
  expect(cells.mock.calls).toEqual([[keyToken('b')]])
})
