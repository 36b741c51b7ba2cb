import { expect, test } from 'vitest'
import type { ScannedRows, StateScan } from '../state/state-walks.ts'
import { scanWorkers } from './state-access.ts'

/** A worker with rows for some keys. */
function worker(...keys: readonly string[]) {
  return {
    scanState: async ({ from, limit, looksAt }: StateScan): Promise<ScannedRows> => {
      const end = from.passed + Math.min(limit, looksAt)
      const rows = keys.slice(from.passed, end).map((key) => ({ table: 'all', key, inner: null, value: 1 }))
      return { rows, looked: rows.length, passed: end < keys.length ? end : undefined }
    },
  }
}

test('a scan goes through the workers one after another, and no part is larger than asked for', async () => {
  const workers = [worker('a', 'b', 'c'), worker(), worker('d', 'e')]
  const pages: unknown[][] = []
  let from: StateScan['from'] | undefined = { worker: 0, passed: 0 }
  while (from !== undefined) {
    const found = await scanWorkers(workers, { operator: 'count', from, limit: 2, looksAt: 100 })
    pages.push(found.rows.map(({ key }) => key))
    from = found.next
  }
  expect(pages).toEqual([['a', 'b'], ['c', 'd'], ['e']])
})

test('a part that has looked at enough ends in the middle of the workers', async () => {
  const workers = [worker('a', 'b'), worker('c')]
  const scan = { operator: 'count', from: { worker: 0, passed: 0 }, limit: 10, looksAt: 1 }
  expect((await scanWorkers(workers, scan)).next).toEqual({ worker: 0, passed: 1 })
  const second = await scanWorkers(workers, { ...scan, from: { worker: 0, passed: 1 } })
  expect([second.rows.map(({ key }) => key), second.next]).toEqual([['b'], { worker: 1, passed: 0 }])
})
