import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { readAll, type SourceRun } from '../test/file-world.ts'
import { readNdjson, type ReadNdjsonOptions } from './ndjson.ts'

async function read<T>(content: string, options: ReadNdjsonOptions<T> = {}): Promise<SourceRun<T>> {
  const fs = new SimFs()
  fs.put('in.ndjson', content)
  return readAll(readNdjson<T>('in.ndjson', options), fs)
}

const messagesOf = (run: SourceRun<unknown>): string[] =>
  run.failures.map(({ error, place }) => `${place}: ${(error as Error).message}`)

describe('JSON lines', () => {
  test('each line is a value, and empty lines are none', async () => {
    const { values } = await read('{"a":1}\n\n[1,2]\r\n \t\r\n"ü"\nnull\n  {"b":2}  \n3')
    expect(values).toEqual([{ a: 1 }, [1, 2], 'ü', null, { b: 2 }, 3])
  })

  test('the number of a line counts empty lines', async () => {
    const { taken } = await read('1\n\n\n2\n')
    expect(taken.map(({ place }) => place)).toEqual(['in.ndjson line 1, byte 0', 'in.ndjson line 4, byte 4'])
  })

  test('F14 invalid JSON is a failure, and reading continues', async () => {
    const run = await read('{"a":1}\n{"a":\n\u0000\n{"a":2}\n')
    expect(run.values).toEqual([{ a: 1 }, { a: 2 }])
    expect(messagesOf(run)).toEqual([
      expect.stringMatching(/^in\.ndjson line 2, byte 8: not JSON: /),
      expect.stringMatching(/^in\.ndjson line 3, byte 14: not JSON: /),
    ])
  })

  test('F14 deep nesting is a failure and no overflow', async () => {
    const run = await read(`${'['.repeat(100_000)}${']'.repeat(100_000)}\n1\n`)
    expect(run.values).toEqual([1])
    expect(messagesOf(run)).toEqual([expect.stringContaining('nested more than 512 levels')])
  })

  test('an integer that a number would round is a failure', async () => {
    const run = await read('{"id":12345678901234567890}\n{"id":"12345678901234567890"}\n')
    expect(run.values).toEqual([{ id: '12345678901234567890' }])
    expect(messagesOf(run)).toEqual([
      expect.stringContaining('12345678901234567890 at .id cannot be represented exactly'),
    ])
  })

  test('F14 __proto__ is data and changes no prototype', async () => {
    const [value] = (await read<object>('{"__proto__":{"isAdmin":true}}\n')).values
    expect(Object.keys(value!)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  })

  test('a schema function creates the record, and its error is the reason of a failure', async () => {
    const run = await read<number>('{"n":1}\n{"n":"2"}\n{"n":3}\n', {
      schema(value) {
        const { n } = value as { n: unknown }
        if (typeof n !== 'number') throw new TypeError('n is no number')
        return n
      },
    })
    expect(run.values).toEqual([1, 3])
    expect(run.failures[0]).toMatchObject({ place: 'in.ndjson line 2, byte 8' })
    expect(messagesOf(run)).toEqual(['in.ndjson line 2, byte 8: n is no number'])
  })
})
