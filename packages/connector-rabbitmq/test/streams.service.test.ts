import { pipeline, type Pipeline } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { dataDirectory, failed, run, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { rabbitmq, type ReadOptions } from '../src/index.ts'
import { texts } from './job-parts.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, textsIn, countIn, use } = server

const freshStream = (more: Record<string, unknown> = {}): Promise<string> =>
  freshQueue({ 'x-queue-type': 'stream', ...more })
const numbersIn = async (queue: string): Promise<number[]> => (await textsIn(queue)).map(Number)

function copying(stream: string, output: string, options: Partial<ReadOptions> = {}): Pipeline {
  return pipeline('copy', (p) => {
    p.from('in', rabbitmq.readJson<number>({ url, stream, ...options })).to(
      'out',
      rabbitmq.writeJson({ url, queue: output }),
    )
  })
}

describe.skipIf(server.missing !== undefined)('streams of a real broker', () => {
  test('each of 10,000 messages counts once, in order, while the broker is killed and restarted twice', async () => {
    const [input, output] = [await freshStream(), await freshQueue()]
    const counting = pipeline('count', (p) => {
      p.from('in', rabbitmq.readJson<number>({ url, stream: input }))
        .keyBy(() => 'all')
        .scan(
          'count',
          () => ({ count: 0, n: -1 }),
          (before, n) => ({ count: before.count + 1, n }),
        )
        .to('out', rabbitmq.writeJson({ url, queue: output }))
    })
    const job = startOn(counting, await dataDirectory())
    for (let third = 0; third < 3; third++) {
      const amount = third === 2 ? 3_200 : 3_400
      await storeForGood(input, texts(third * 3_400, amount), third * 3_400 + amount)
      if (third < 2) {
        await expect.poll(() => countIn(output), { timeout: 300_000 }).toBeGreaterThan(third * 3_000)
        await server.restart()
        // The broker finds its streams a moment later; what is sent before is never confirmed.
        const isThere = (): Promise<boolean> =>
          countIn(input).then(
            () => true,
            () => false,
          )
        await expect.poll(isThere, { timeout: 300_000 }).toBe(true)
      }
    }
    const results = async (): Promise<ReadonlyMap<number, number>> =>
      new Map(
        (await textsIn(output)).map((text) => {
          const { value } = JSON.parse(text) as { value: { count: number; n: number } }
          return [value.n, value.count]
        }),
      )
    const written = async (): Promise<number> => {
      // A job that has failed writes nothing more, and says why.
      if (job.status().phase === 'ended') expect(await job.ended).toBe('running')
      return countIn(output)
    }
    await expect.poll(written, { timeout: 300_000 }).toBeGreaterThanOrEqual(10_000)
    await expect.poll(async () => (await results()).size, { timeout: 300_000, interval: 500 }).toBe(10_000)
    await job.stop()
    // The sink may write a result twice, but each record has changed the state once, in its turn.
    for (const [n, count] of await results()) expect(count).toBe(n + 1)
  })

  test('a job continues where it stopped, and reads what was written meanwhile', async () => {
    const [input, output, directory] = [await freshStream(), await freshQueue(), await dataDirectory()]
    await store(input, texts(0, 3_000))
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    await store(input, texts(3_000, 50))
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual(upTo(3_050))
  })

  test('a job begins at an offset, at a time, with the last message, or with what comes next', async () => {
    const input = await freshStream()
    await store(input, texts(0, 10))
    await store(input, ['10'])
    const begun = async (from: NonNullable<ReadOptions['from']>): Promise<number[]> => {
      const output = await freshQueue()
      const built = copying(input, output, { from })
      expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
      return numbersIn(output)
    }
    expect(await begun('earliest')).toEqual(upTo(11))
    expect(await begun({ offset: 8 })).toEqual([8, 9, 10])
    expect((await begun('last')).at(-1)).toBe(10)
    expect(await begun({ time: 0 })).toEqual(upTo(11))
    expect(await begun({ time: Date.now() + 3_600_000 })).toEqual([])
    expect(await begun('latest')).toEqual([])
    const [output, directory] = [await freshQueue(), await dataDirectory()]
    const job = startOn(copying(input, output, { from: 'latest' }), directory)
    await expect.poll(() => job.status().lastCheckpoint, { timeout: 300_000 }).toBeDefined()
    await job.stop()
    await store(input, texts(11, 5))
    await run(copying(input, output, { from: 'latest' }), directory)
    expect(await numbersIn(output)).toEqual([11, 12, 13, 14, 15])
  })

  test('a job fails when messages that it has not read were deleted, and continues if it may', async () => {
    const [input, output, directory] = [
      await freshStream({ 'x-max-length-bytes': 200_000, 'x-stream-max-segment-size-bytes': 50_000 }),
      await freshQueue(),
      await dataDirectory(),
    ]
    const long = (n: number): string => `${n}${' '.repeat(1_000)}`
    await store(input, upTo(10).map(long))
    await run(copying(input, output), directory)
    await expect
      .poll(
        async () => {
          await store(
            input,
            upTo(200).map((n) => long(n + 10)),
          )
          return (await oldest(input)) > 10
        },
        { timeout: 300_000 },
      )
      .toBe(true)
    expect(await run(copying(input, output), directory)).toMatchObject(
      failed(/the messages from 10 to \d+ were deleted before they were read; keep messages for longer/),
    )
    const warnings: string[] = []
    const lenient = copying(input, output, { ifTrimmed: 'continue' })
    expect(await run(lenient, directory, { warnings })).toEqual({ outcome: 'finished' })
    expect(warnings.join('\n')).toContain('continuing with the oldest message that is there')
  })

  test('a stream that was deleted and made anew, is not there, or is a queue, fails the start', async () => {
    const [input, output, directory] = [await freshStream(), await freshQueue(), await dataDirectory()]
    await store(input, texts(0, 10))
    await run(copying(input, output), directory)
    await use(async (channel) => {
      await channel.deleteQueue(input)
      await channel.assertQueue(input, { durable: true, arguments: { 'x-queue-type': 'stream' } })
    })
    await store(input, texts(0, 3))
    expect(await run(copying(input, output), directory)).toMatchObject(
      failed(/its last message is 2, and those up to 9 were read: it was deleted and made anew/),
    )
    expect(await run(copying('no-stream', output), await dataDirectory())).toMatchObject(
      failed(/no queue 'no-stream'.*; create it first/),
    )
    expect(await run(copying(output, output), await dataDirectory())).toMatchObject(
      failed(/is no stream but a queue: read it with rabbitmq\.receiveJson/),
    )
    await use((channel) => channel.deleteQueue(input))
  })

  test('headers, properties and bytes are kept, and offsets are there', async () => {
    const [input, output] = [await freshStream(), await freshQueue()]
    await store(input, ['\u0000', 'b'], { headers: { a: 1 }, messageId: 'm', contentType: 'c' })
    const built = pipeline('copy', (p) => {
      p.from('in', rabbitmq.readMessages({ url, stream: input })).to(
        'out',
        rabbitmq.writeJson({
          url,
          queue: output,
        }),
      )
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    const [first, second] = (await textsIn(output)).map((text) => JSON.parse(text) as object)
    expect(first).toMatchObject({
      stream: input,
      offset: 0,
      messageId: 'm',
      contentType: 'c',
      headers: { a: 1 },
    })
    expect(second).toMatchObject({ offset: 1 })
  })
})

/** The offsets at the beginning or the end of a stream. */
function offsets(stream: string, from: 'first' | 'last'): Promise<readonly number[]> {
  return use(async (channel) => {
    const found: number[] = []
    await channel.prefetch(1_000)
    await channel.consume(
      stream,
      (message) => found.push(Number(message!.properties.headers!['x-stream-offset'])),
      { arguments: { 'x-stream-offset': from } },
    )
    await channel.checkQueue(stream)
    return found
  })
}

async function oldest(stream: string): Promise<number> {
  return (await offsets(stream, 'first'))[0]!
}

/** After a crash the broker confirms messages of a stream, and drops them, until the stream's leader has started. */
async function storeForGood(stream: string, list: readonly string[], count: number): Promise<void> {
  await store(stream, list)
  await expect
    .poll(
      async () => {
        const last = (await offsets(stream, 'last')).at(-1) ?? -1
        if (last < count - list.length) await store(stream, list)
        return last
      },
      { timeout: 300_000, interval: 500 },
    )
    .toBe(count - 1)
}
