import type { ConnectorContext, Poll, SplitReader } from '@millrace/core/connector'
import { describeCases, sourceConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { FakeInput } from '../test/fake-streams.ts'
import { decodeJsonLine, decodeTextLine } from './read-stdin.ts'
import { StdinSource, type LineDecoder, type StdinOptions } from './stdin-source.ts'

interface Reading<T> {
  readonly input: FakeInput
  readonly source: StdinSource<T>
  readonly reader: SplitReader<T, null>
  readonly abort: AbortController
}

async function reading<T>(decode: LineDecoder<T>, options: StdinOptions = {}): Promise<Reading<T>> {
  const input = new FakeInput()
  const source = new StdinSource(input, decode, options)
  const abort = new AbortController()
  const context = { name: 'in', signal: abort.signal } as ConnectorContext
  return { input, source, abort, reader: await source.open('stdin', undefined, context) }
}

function valuesOf<T>(poll: Poll<T>): readonly T[] {
  return poll.kind === 'records' ? poll.values : []
}

describe('lines of standard input', () => {
  test('lines are records without line ends, including the last', async () => {
    const { input, reader } = await reading(decodeTextLine)
    input.send('one\r\n\ntw')
    expect(valuesOf(reader.poll(10))).toEqual(['one', ''])
    expect(reader.poll(10)).toEqual({ kind: 'pending', isCaughtUp: true })
    input.send('o')
    input.end()
    expect(valuesOf(reader.poll(10))).toEqual(['two'])
    expect(reader.poll(10)).toEqual({ kind: 'end' })
  })

  test('bytes read are those of the lines that were returned, with their line ends', async () => {
    const { input, reader } = await reading(decodeTextLine, { lineBytesMax: 4 })
    expect(reader.bytesRead).toBe(0)
    input.send('one\r\n\ntw')
    reader.poll(1)
    expect(reader.bytesRead).toBe(5)
    reader.poll(10)
    expect(reader.bytesRead).toBe(6)
    input.send('o\ntoo long\nend')
    reader.poll(10)
    expect(reader.bytesRead).toBe(6 + 4 + 9)
    input.send(' is too long')
    input.end()
    reader.poll(10)
    expect(reader.poll(10)).toEqual({ kind: 'end' })
    expect(reader.bytesRead).toBe(6 + 4 + 9 + 15)
  })

  test('a byte order mark is removed at the beginning of the input only', async () => {
    const { input, reader } = await reading(decodeTextLine)
    input.send('\uFEFFa\n\uFEFFb\n')
    expect(valuesOf(reader.poll(10))).toEqual(['a', '\uFEFFb'])
  })

  test('invalid lines are failures with place and bytes, between the valid ones', async () => {
    const { input, reader } = await reading(decodeTextLine, { lineBytesMax: 4 })
    input.send('a\n')
    input.send(Uint8Array.of(0x62, 0xff, 0x0a))
    input.send('c\n12345\nd\n')
    const poll = reader.poll(10)
    expect(valuesOf(poll)).toEqual(['a', 'c', 'd'])
    expect(poll.kind === 'records' && poll.failures).toEqual([
      {
        index: 1,
        place: 'line 2, byte 2',
        raw: Uint8Array.of(0x62, 0xff),
        error: expect.objectContaining({ code: 'DECODE_FAILED' }),
      },
      {
        index: 2,
        place: 'line 4, byte 7',
        raw: new TextEncoder().encode('1234'),
        error: expect.objectContaining({ code: 'RECORD_TOO_LARGE' }),
      },
    ])
    expect(poll.kind === 'records' && poll.origin?.place(2)).toBe('line 5, byte 13')
  })

  test('JSON lines are values; blank lines are skipped; other lines are failures', async () => {
    const { input, reader } = await reading(decodeJsonLine)
    input.send('{"a":1}\n\n \t\r\n[2]\r\n{"a":\nnull')
    input.end()
    const poll = reader.poll(10)
    expect(valuesOf(poll)).toEqual([{ a: 1 }, [2], null])
    expect(poll.kind === 'records' && poll.failures?.map(({ index, place }) => [index, place])).toEqual([
      [2, 'line 5, byte 18'],
    ])
  })

  test('a poll limit counts failures, too', async () => {
    const { input, reader } = await reading(decodeJsonLine)
    input.send('x\n1\n')
    const first = reader.poll(1)
    expect(first.kind === 'records' && first.failures).toHaveLength(1)
    expect(valuesOf(reader.poll(1))).toEqual([1])
  })

  test('an input error fails the job after the lines before it', async () => {
    const { input, reader } = await reading(decodeTextLine)
    input.send('a\n')
    input.fail(new Error('gone'))
    expect(valuesOf(reader.poll(10))).toEqual(['a'])
    await reader.ready()
    expect(() => reader.poll(10)).toThrow(expect.objectContaining({ code: 'SOURCE_FAILED' }))
  })
})

describe('backpressure', () => {
  const megabyte = `${'x'.repeat(999)}\n`.repeat(1_024)

  test('the input is paused above a megabyte and resumed below half of it', async () => {
    const { input, reader } = await reading(decodeTextLine)
    expect(input.isPaused).toBe(false)
    input.send(megabyte)
    expect(input.isPaused).toBe(false)
    input.send(megabyte)
    expect(input.isPaused).toBe(true)
    reader.poll(1_000)
    expect(input.isPaused).toBe(true)
    reader.poll(700)
    expect(input.isPaused).toBe(false)
  })

  test('a closed reader leaves the input as it is, and the next reader continues', async () => {
    const { input, source, reader } = await reading(decodeTextLine)
    input.send('a\nb\nhalf')
    expect(valuesOf(reader.poll(1))).toEqual(['a'])
    await reader.close()
    expect(input.isPaused).toBe(true)
    const context = { name: 'in', signal: new AbortController().signal } as ConnectorContext
    const next = await source.open('stdin', null, context)
    expect(input.isPaused).toBe(false)
    input.send('-line\n')
    expect(valuesOf(next.poll(10))).toEqual(['b', 'half-line'])
  })
})

test('an invalid option throws', () => {
  for (const lineBytesMax of [0, 1.5, Number.NaN]) {
    expect(() => new StdinSource(new FakeInput(), decodeTextLine, { lineBytesMax })).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  }
})

const records = [1, 'two', { three: 3 }, [4], null, 6]
const lines = records.map((record) => `${JSON.stringify(record)}\n`)
lines.splice(2, 0, '{"not":\n')

describeCases(
  'standard input',
  sourceConformance<unknown>({
    create: () =>
      Promise.resolve({
        // Input cannot be read again: a new process has a new input.
        source: () => new StdinSource<unknown>(new FakeInput(lines), decodeJsonLine, {}),
        splits: new Map([['stdin', records]]),
        failures: new Map([['stdin', 1]]),
      }),
    features: {
      durability: 'volatile',
      ends: true,
      severalSplits: false,
      failures: true,
      grows: false,
      acknowledges: false,
    },
  }),
  { describe, test },
)
