import { expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Source } from '@millrace/core/connector'
import { live } from './simulated-job.ts'

test('a new split is read beside one that always has records', async () => {
  const inner = memory.read({ long: Array.from({ length: 2_000 }, () => 'long'), late: ['late'] })
  let asked = 0
  const source: Source<string, number> = {
    ...inner,
    discoverEveryMs: 0,
    discover: async () => {
      asked++
      return asked > 3
        ? { splits: ['long', 'late'], isComplete: true }
        : { splits: ['long'], isComplete: false }
    },
  }
  const sink = memory.write<string>()
  const { result } = await live((p) => p.from('n', source).to('out', sink), { batchRecords: 10 })
  expect(result?.outcome).toBe('finished')
  expect(sink.values).toHaveLength(2_001)
  expect(sink.values.indexOf('late')).toBeLessThan(1_000)
})
