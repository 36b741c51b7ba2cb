import type { Json } from '@millrace/core'
import type { Sink } from '@millrace/core/connector'
import { SimFs } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAll } from '../test/file-world.ts'
import { SinkRun, textOf } from '../test/sink-run.ts'
import { readNdjson, writeNdjson } from './ndjson.ts'
import { readLines, writeLines } from './lines.ts'
import { readCsv } from './read-csv.ts'
import { writeCsv, type WriteCsvOptions } from './write-csv.ts'

async function written<T>(sink: Sink<T>, ...records: T[]): Promise<string> {
  const fs = new SimFs()
  const run = await SinkRun.open(sink, fs)
  await run.checkpoint(...records)
  await run.close()
  return textOf(fs, 'out') ?? ''
}

const json = (...records: unknown[]): Promise<string> => written(writeNdjson('out'), ...records)
const csv = (options: WriteCsvOptions, ...records: object[]): Promise<string> =>
  written(writeCsv('out', options), ...records)

describe('JSON', () => {
  test('writes one value per line', async () => {
    expect(await json({ a: 1, b: 'x\ny' }, [1, null], 'text', null)).toBe(
      '{"a":1,"b":"x\\ny"}\n[1,null]\n"text"\nnull\n',
    )
  })

  test('omits undefined fields, and uses toJSON', async () => {
    expect(await json({ a: undefined, b: { toJSON: () => 'b' }, c: [undefined] })).toBe(
      '{"b":"b","c":[null]}\n',
    )
  })

  test.each([
    [{ id: 1n }, 'its field .id is a bigint'],
    [{ total: Number.NaN }, 'its field .total is NaN, which JSON cannot hold'],
    [undefined, 'it is undefined, which JSON cannot hold'],
  ])('rejects %s', async (record, reason) => {
    await expect(json(record)).rejects.toThrow(reason)
  })

  test('rejects a cycle', async () => {
    const record: Record<string, unknown> = {}
    record['self'] = record
    await expect(json(record)).rejects.toThrow(/circular/i)
  })

  test('what is written can be read again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 5 }), async (values) => {
        const fs = new SimFs()
        const run = await SinkRun.open(writeNdjson('out.ndjson'), fs)
        await run.checkpoint(...values)
        if (values.length === 0) return
        const plain = values.map((value) => JSON.parse(JSON.stringify(value)) as Json)
        expect((await readAll(readNdjson('out.ndjson'), fs)).values).toEqual(plain)
      }),
      { numRuns: 200 },
    )
  })
})

describe('lines', () => {
  test.each([
    ['a\nb', 'line break'],
    ['a\rb', 'line break'],
    ['\uD800', 'surrogate'],
    [1 as never, 'it is a number'],
  ])('rejects %j', async (record, reason) => {
    await expect(written(writeLines('out'), record)).rejects.toThrow(reason)
  })

  test('what is written can be read again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1, maxLength: 9 }),
        async (texts) => {
          const lines = texts.map((text) => text.replaceAll(/[\r\n]/g, ''))
          fc.pre(!lines[0]!.startsWith('\uFEFF'))
          const fs = new SimFs()
          const run = await SinkRun.open(writeLines('out.txt'), fs)
          await run.checkpoint(...lines)
          expect((await readAll(readLines('out.txt'), fs)).values).toEqual(lines)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('CSV', () => {
  test('the first record determines the columns, and each file has one header', async () => {
    const fs = new SimFs()
    const run = await SinkRun.open(writeCsv('out.csv', { rollBytes: 10 }), fs)
    for (const n of [1, 2, 3]) await run.checkpoint({ n, text: 'x' })
    await run.close()
    expect(textOf(fs, 'out-000001.csv')).toBe('n,text\n1,x\n')
    expect(textOf(fs, 'out-000003.csv')).toBe('n,text\n3,x\n')
  })

  test('fields are quoted only if necessary', async () => {
    expect(await csv({}, { a: 'x,y', b: 'say "hi"', c: 'one\ntwo', d: ' x', e: 'plain' })).toBe(
      'a,b,c,d,e\n"x,y","say ""hi""","one\ntwo"," x",plain\n',
    )
    expect(await csv({ separator: ';' }, { a: 'x,y', b: 'x;y' })).toBe('a;b\nx,y;"x;y"\n')
  })

  test('values of every type', async () => {
    const date = { toJSON: () => '2026-01-01T00:00:00.000Z' }
    const record = {
      a: 1.5,
      b: 12345678901234567890n,
      c: true,
      d: null,
      e: undefined,
      f: Number.NaN,
      g: date,
    }
    expect(await csv({}, record)).toBe(
      'a,b,c,d,e,f,g\n1.5,12345678901234567890,true,,,NaN,2026-01-01T00:00:00.000Z\n',
    )
  })

  test('a row whose only column is empty is not written as an empty line', async () => {
    expect(await csv({}, { a: null }, { a: 'x' })).toBe('a\n""\nx\n')
  })

  test('a missing field is empty, and a field that is not a column is rejected', async () => {
    expect(await csv({ columns: ['a', 'b'] }, { b: 1 }, { a: 2 })).toBe('a,b\n,1\n2,\n')
    await expect(csv({}, { a: 1 }, { a: 1, b: 2 })).rejects.toThrow(
      'its field "b" is not one of the columns "a"',
    )
    await expect(csv({}, { a: { b: 1 } })).rejects.toThrow('its field a is a object')
    await expect(csv({}, { a: '\uDC00' })).rejects.toThrow('surrogate')
  })

  test('a field of the prototype is ignored', async () => {
    expect(await csv({ columns: ['constructor', 'a'] }, { a: 1 })).toBe('constructor,a\n,1\n')
  })

  test('a restarted job continues under the existing header', async () => {
    const fs = new SimFs()
    const run = await SinkRun.open(writeCsv('out.csv'), fs)
    const committable = await run.checkpoint({ a: 1, b: 2 })
    await run.close()
    const next = await SinkRun.open(writeCsv('out.csv'), fs, [committable])
    const second = await next.checkpoint({ b: 4, a: 3 })
    await next.close()
    expect(textOf(fs, 'out.csv')).toBe('a,b\n1,2\n3,4\n')
    await expect(SinkRun.open(writeCsv('out.csv', { columns: ['b', 'a'] }), fs, [second])).rejects.toThrow(
      /out\.csv cannot be resumed: its columns are "a", "b" and not "b", "a"/,
    )
  })

  test('what is written can be read again', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'ü', '=') })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ a: text, b: text }), { minLength: 1 }), async (records) => {
        const fs = new SimFs()
        const run = await SinkRun.open(writeCsv('out.csv', { columns: ['a', 'b'] }), fs)
        await run.checkpoint(...records)
        expect((await readAll(readCsv('out.csv'), fs)).values).toEqual(records)
      }),
      { numRuns: 200 },
    )
  })
})
