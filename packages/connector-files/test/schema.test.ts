import type { DeadLetter } from '@millrace/core/operator'
import { startJob } from '@millrace/core/job'
import { memory } from '@millrace/connector-memory'
import { deadLetter, pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, SimFs, simPlatform } from '@millrace/testkit'
import { describe, expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { files } from '../src/index.ts'

const order = z.object({ id: z.int(), lines: z.array(z.object({ amount: z.coerce.number() })) })
const row = z.object({ id: z.coerce.number().int(), name: z.string().min(1) })

/** Runs a file through a source with a schema, and returns its records and the errors of the others. */
async function read<T>(name: string, text: string, source: ReturnType<typeof files.readNdjson<T>>) {
  const fs = new SimFs()
  fs.put(name, text)
  const platform = simPlatform({ seed: 1, fs })
  const out = memory.write<T>()
  const refused = memory.write<DeadLetter>()
  const job = startJob({
    graph: pipeline('schema', (p) => {
      p.from('in', source, { onError: deadLetter('refused', refused) }).to('out', out)
    }).describe().graph,
    platform,
    store: memoryStore(),
    directory: 'data',
    isBounded: true,
  })
  expect(await driveJob(job, platform.clock)).toEqual({ outcome: 'finished' })
  return { records: out.values, errors: refused.values.map(({ message }) => message) }
}

describe('a schema of a library', () => {
  test('gives records their type, and rejects lines that do not fit with path and reason', async () => {
    const source = files.readNdjson('orders.ndjson', { schema: order })
    expectTypeOf(source).toExtend<ReturnType<typeof files.readNdjson<z.infer<typeof order>>>>()
    const lines = [
      '{"id":1,"lines":[{"amount":"2.5"}]}',
      '{"id":"x","lines":[{"amount":1},{"amount":"much"}]}',
      '7',
    ]
    const { records, errors } = await read('orders.ndjson', lines.join('\n'), source)
    expect(records).toEqual([{ id: 1, lines: [{ amount: 2.5 }] }])
    expect(errors).toHaveLength(2)
    expect(errors[0]).toMatch(/at \.id: .*number.*at \.lines\[1\]\.amount: /)
  })

  test('converts rows of CSV', async () => {
    const source = files.readCsv('names.csv', { schema: row })
    const { records, errors } = await read('names.csv', 'id,name\n1,Ada\nx,Bob\n3,\n', source)
    expect(records).toEqual([{ id: 1, name: 'Ada' }])
    expect(errors).toHaveLength(2)
  })

  test('and `parse` are not given together', () => {
    expect(() => files.readCsv('names.csv', { schema: row, parse: () => ({ id: 1, name: '' }) })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  })
})
