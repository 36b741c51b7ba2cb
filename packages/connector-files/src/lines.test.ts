import { SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { appendTo, FileWorld, placeAt, readAll, SourceRun } from '../test/file-world.ts'
import { readLines } from './lines.ts'
import type { ReadOptions } from './read-options.ts'

async function linesOf(content: string | Uint8Array, options: ReadOptions = {}): Promise<readonly string[]> {
  const fs = new SimFs()
  fs.put('in.log', content)
  const run = await readAll(readLines('in.log', options), fs)
  expect(run.failures).toEqual([])
  expect(fs.openPaths()).toEqual([])
  return run.values
}

describe('lines', () => {
  test.each([
    ['a\nb\n', ['a', 'b']],
    ['a\nb', ['a', 'b']],
    ['a\r\nb\r\n', ['a', 'b']],
    ['a\r\r\nb', ['a', '', 'b']],
    ['a\rb\r', ['a', 'b']],
    ['a\rb', ['a', 'b']],
    ['a\r\nb\rc\nd\r', ['a', 'b', 'c', 'd']],
    ['\r\r\n\n\r', ['', '', '', '']],
    ['a\n\n\nb\n', ['a', '', '', 'b']],
    ['\n', ['']],
    ['', []],
    ['\uFEFFa\nb', ['a', 'b']],
    ['\uFEFF', []],
    ['a\n\uFEFFb', ['a', '\uFEFFb']],
    ['grün 😀\nß', ['grün 😀', 'ß']],
    ['a\u2028b\u0085c\vd', ['a\u2028b\u0085c\vd']],
  ])('%j', async (content, lines) => {
    for (const chunkBytes of [1, 2, 3, 1_000]) expect(await linesOf(content, { chunkBytes })).toEqual(lines)
  })

  test.each([
    ['a\rb\r\nc\n', ['a\rb', 'c']],
    ['a\r\r\nb\r', ['a\r', 'b\r']],
    ['\r\n\n\r', ['', '', '\r']],
  ])("a lone carriage return is part of the line with lineEnds: 'lf': %j", async (content, lines) => {
    for (const chunkBytes of [1, 2, 3, 1_000]) {
      expect(await linesOf(content, { chunkBytes, lineEnds: 'lf' })).toEqual(lines)
    }
  })

  test('a line ends at its carriage return, and a later line feed belongs to the same line end', async () => {
    const fs = new SimFs()
    fs.put('in.log', '1\r')
    const world = new FileWorld(fs, false)
    const run = new SourceRun(readLines('in.log', { follow: true }), world.context)
    await run.discover()
    const append = async (text: string): Promise<readonly string[]> => {
      await appendTo(fs, 'in.log', text)
      await world.pass(200)
      run.poll()
      return run.values
    }
    expect(await append('')).toEqual(['1'])
    expect(await append('\n')).toEqual(['1'])
    expect(await append('\n2\r')).toEqual(['1', '', '2'])
    const marks = run.marks()
    await run.close()
    await append('\n3\r\n')
    const next = new SourceRun(readLines('in.log'), new FileWorld(fs, true).context)
    await next.restore(marks)
    await next.readToEnd()
    expect(next.taken.map(({ value, place }) => [value, place])).toEqual([['3', 'in.log line 4, byte 7']])
  })

  test('latin1 is decoded byte by byte', async () => {
    const content = Uint8Array.from([0xe9, 0x0a, 0x80, 0xff, 0x0a])
    expect(await linesOf(content, { encoding: 'latin1' })).toEqual(['é', '\u0080ÿ'])
  })
})

describe('invalid lines', () => {
  test('F14 a line that is not UTF-8 is a failure with its bytes and its place, between valid lines', async () => {
    const fs = new SimFs()
    fs.put('in.log', Uint8Array.from([0x61, 0x0a, 0xff, 0xfe, 0x0a, 0xc3, 0xbc, 0x0a]))
    const { taken } = await readAll(readLines('in.log'), fs)
    expect(taken.map(({ value, place }) => [value, place])).toEqual([
      ['a', 'in.log line 1, byte 0'],
      [undefined, 'in.log line 2, byte 2'],
      ['ü', 'in.log line 3, byte 5'],
    ])
    const { failure } = taken[1]!
    expect(failure).toMatchObject({ index: 1, raw: Uint8Array.of(0xff, 0xfe) })
    expect(failure!.error).toMatchObject({
      code: 'DECODE_FAILED',
      message: expect.stringMatching(/^the bytes are not UTF-8; .*latin1/),
    })
  })

  test.each([1, 7, 64, 10_000])(
    'a record that is too large is skipped, read %i bytes at a time',
    async (chunkBytes) => {
      const fs = new SimFs()
      const huge = 'x'.repeat(5_000)
      fs.put('in.log', `a\n${huge}\nb\n${huge}\n\n${huge}`)
      const { taken } = await readAll(readLines('in.log', { recordBytesMax: 100, chunkBytes }), fs)
      expect(taken.map(({ value, place }) => [value, place])).toEqual([
        ['a', 'in.log line 1, byte 0'],
        [undefined, 'in.log line 2, byte 2'],
        ['b', 'in.log line 3, byte 5003'],
        [undefined, 'in.log line 4, byte 5005'],
        ['', 'in.log line 5, byte 10006'],
        [undefined, 'in.log line 6, byte 10007'],
      ])
      for (const { failure } of taken) {
        if (failure === undefined) continue
        expect(failure.error).toMatchObject({ code: 'RECORD_TOO_LARGE' })
        expect(Buffer.from(failure.raw).toString().slice(0, 100)).toBe('x'.repeat(100))
        expect(failure.raw.length).toBeLessThanOrEqual(1024)
      }
    },
  )

  test('a record of exactly the limit is accepted', async () => {
    expect(await linesOf(`${'x'.repeat(100)}\r\n`, { recordBytesMax: 100 })).toEqual(['x'.repeat(100)])
  })
})

describe('origin', () => {
  test('has source, split, line and byte of each record, and its bytes', async () => {
    const fs = new SimFs()
    fs.put('logs/in.log', 'first\r\nsecond\nthird\n')
    const run = await readAll(readLines('logs/*.log'), fs)
    const [origin] = run.origins
    expect(origin).toMatchObject({ source: 'subject', split: (await fs.stat('logs/in.log'))?.identity })
    expect([0, 1, 2].map((index) => placeAt(origin!, index))).toEqual([
      'logs/in.log line 1, byte 0',
      'logs/in.log line 2, byte 7',
      'logs/in.log line 3, byte 14',
    ])
    expect([0, 1, 2].map((index) => Buffer.from(origin!.raw(index)!).toString())).toEqual([
      'first',
      'second',
      'third',
    ])
  })
})

describe('invalid options are rejected when the pipeline is built', () => {
  test.each([
    ['', {}],
    [[], {}],
    ['a', { pollEvery: 0 }],
    ['a', { pollEvery: 'soon' }],
    ['a', { settledAfter: -1 }],
    ['a', { recordBytesMax: 0 }],
    ['a', { chunkBytes: 1.5 }],
    ['a', { encoding: 'utf-7' as never }],
    ['a', { lineEnds: 'cr' as never }],
    ['a', { exclude: '' }],
    ['a', { ignoreOlder: -1 }],
  ])('%j %j', (paths, options) => {
    expect(() => readLines(paths, options)).toThrow(expect.objectContaining({ code: 'OPTION_INVALID' }))
  })
})
