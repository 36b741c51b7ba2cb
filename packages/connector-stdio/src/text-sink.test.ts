import type { Batch, SinkWriter } from '@millrace/core/connector'
import { describeCases, noRejection, sinkConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { FakeOutput } from '../test/fake-streams.ts'
import { TextSink, type WriteLinesOptions } from './text-sink.ts'

function batchOf<T>(values: readonly T[]): Batch<T> {
  return { values, length: values.length } as Batch<T>
}

async function writing<T>(
  options: WriteLinesOptions<T> = {},
): Promise<{ output: FakeOutput; writer: SinkWriter<T> }> {
  const output = new FakeOutput()
  return { output, writer: await new TextSink(output, options).open() }
}

describe('printing records', () => {
  test('a string is printed as it is, anything else as JSON, one line each, at once', async () => {
    const { output, writer } = await writing<unknown>()
    await writer.write(batchOf(['two words', { a: [1, 'x'] }, 3n, null, undefined, Number.NaN]), noRejection)
    expect(output.text).toBe('two words\n{"a":[1,"x"]}\n3\nnull\nundefined\n"NaN"\n')
    await writer.write(batchOf(['größer']), noRejection)
    expect(writer.bytesWritten).toBe(Buffer.byteLength(output.text))
    expect(await writer.prepare(1)).toBeUndefined()
  })

  test('JSON is never truncated and stays valid', async () => {
    const { output, writer } = await writing<unknown>()
    const value = { long: 'x'.repeat(100_000), acts: '\u001b[2J\u009b1m\n\u202e' }
    await writer.write(batchOf([value]), noRejection)
    expect(output.text).not.toMatch(/(?!\n)\p{Cc}/u)
    expect(JSON.parse(output.text)).toEqual(value)
  })

  test('control characters in data are escaped', async () => {
    const { output, writer } = await writing<unknown>()
    await writer.write(batchOf(['\u001b[2Jgone\nforged: 1']), noRejection)
    expect(output.text).toBe('\\u001b[2Jgone\\nforged: 1\n')
  })

  test('a format may return several lines, whose control characters are escaped', async () => {
    const { output, writer } = await writing<number>({ format: (n) => `n:\n\t${n}\u001b[1m` })
    await writer.write(batchOf([1, 2]), noRejection)
    expect(output.text).toBe('n:\n\t1\\u001b[1m\nn:\n\t2\\u001b[1m\n')
  })
})

test('a record that the format throws on is rejected, and the others are printed', async () => {
  const { output, writer } = await writing<number>({
    format: (n) => {
      if (n === 2) throw new RangeError('not two')
      return String(n)
    },
  })
  const rejected: unknown[] = []
  await writer.write(batchOf([1, 2, 3]), (index, error) => rejected.push([index, String(error)]))
  expect(rejected).toEqual([[1, 'RangeError: not two']])
  expect(output.text).toBe('1\n3\n')
})

describe('when the reader of the output ends', () => {
  test('a stop is requested once, and nothing more is written', async () => {
    const { output, writer } = await writing()
    output.state = 'closed'
    await writer.write(batchOf(['a']), noRejection)
    await writer.write(batchOf(['b']), noRejection)
    await writer.prepare(1)
    expect(output.stopsRequested).toBe(1)
  })

  test('the job fails if no listener can stop it', async () => {
    const { output, writer } = await writing()
    output.state = 'closed'
    output.hasListener = false
    await expect(writer.write(batchOf(['a']), noRejection)).rejects.toMatchObject({ code: 'SINK_FAILED' })
  })

  test('another output error fails the job', async () => {
    const { output, writer } = await writing()
    output.state = new Error('no space left')
    await expect(writer.write(batchOf(['a']), noRejection)).rejects.toThrow(/.*no space left/)
  })
})

describeCases(
  'console',
  sinkConformance<{ readonly n: number }>({
    create: () => {
      const output = new FakeOutput()
      return Promise.resolve({
        sink: () => new TextSink<{ readonly n: number }>(output, {}),
        record: (n) => ({ n }),
        visible: () =>
          Promise.resolve(
            output.text
              .split('\n')
              .filter((line) => line !== '')
              .map((line) => (JSON.parse(line) as { n: number }).n),
          ),
      })
    },
    features: { guarantee: 'at-least-once', keepsFiles: false, severalSubtasks: true },
  }),
  { describe, test },
)
