import { pipeline, skip, type Pipeline } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { bytesWritten } from '../../../lab/servers/bytes-written.ts'
import { dataDirectory, failed, run, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { askRabbit } from '../../../scripts/services/rabbitmq-console.ts'
import { rabbitmq, type ReceiveOptions } from '../src/index.ts'
import { sorted, texts } from './job-parts.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, messagesIn, textsIn, countIn, use } = server

const numbersIn = async (queue: string): Promise<number[]> => (await textsIn(queue)).map(Number)
const ids = (text: string): string => `id-${text}`
const once = { deduplicateBy: 'messageId' } as const

function copying(queue: string, output: string, options: Partial<ReceiveOptions> = {}): Pipeline {
  return pipeline('copy', (p) => {
    p.from('in', rabbitmq.receiveJson<number>({ url, queue, ...options })).to(
      'out',
      rabbitmq.writeJson({ url, queue: output, messageId: (n) => `n-${n}` }),
    )
  })
}

/** Counts in state, and writes how many of each key there are at each record. */
function counting(queue: string, output: string): Pipeline {
  return pipeline('count', (p) => {
    p.from('in', rabbitmq.receiveJson<number>({ url, queue, ...once }))
      .keyBy((n) => String(n % 7))
      .scan(
        'count',
        () => ({ count: 0, n: -1 }),
        (before, n) => ({ count: before.count + 1, n }),
      )
      .to('out', rabbitmq.writeJson({ url, queue: output }))
  })
}

describe.skipIf(server.missing !== undefined)('queues of a real broker', () => {
  test('the sink counts the bytes of the bodies that it writes', async () => {
    const queue = await freshQueue()
    expect(await bytesWritten(rabbitmq.writeText({ url, queue }), ['one', 'größer'])).toBe(3 + 8)
  })

  test.each(['classic', 'quorum'])(
    'each of 10,000 messages of a %s queue counts once in the state of a job, while the broker is killed and restarted twice',
    async (type) => {
      const [input, output] = [await freshQueue({ 'x-queue-type': type }), await freshQueue()]
      const job = startOn(counting(input, output), await dataDirectory())
      for (let third = 0; third < 3; third++) {
        await store(input, texts(third * 3_400, third === 2 ? 3_200 : 3_400), { ids })
        if (third < 2) {
          await expect.poll(() => countIn(output), { timeout: 300_000 }).toBeGreaterThan(third * 3_000)
          await server.restart()
        }
      }
      const results = async (): Promise<readonly { value: { count: number; n: number } }[]> =>
        (await textsIn(output)).map((text) => JSON.parse(text) as { value: { count: number; n: number } })
      const seen = async (): Promise<number> => new Set((await results()).map(({ value }) => value.n)).size
      await expect.poll(seen, { timeout: 300_000, interval: 500 }).toBe(10_000)
      expect(await job.stop()).toMatchObject({ outcome: 'stopped' })
      // The sink may write a record twice, but no record has changed the state twice.
      const counts = new Map((await results()).map(({ value }) => [value.n, value.count]))
      const byKey = upTo(7).map((key) =>
        sorted([...counts].filter(([n]) => n % 7 === key).map(([, count]) => count)),
      )
      expect(byKey).toEqual(upTo(7).map((key) => upTo(Math.ceil((10_000 - key) / 7)).map((n) => n + 1)))
      // Everything was acknowledged.
      expect(await countIn(input)).toBe(0)
    },
  )

  test('a job that has stopped or finished leaves nothing to be read again', async () => {
    const [input, output, directory] = [await freshQueue(), await freshQueue(), await dataDirectory()]
    await store(input, texts(0, 100))
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    await store(input, texts(100, 50))
    const job = startOn(copying(input, output), directory)
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(150)
    await job.stop()
    expect(await countIn(input)).toBe(0)
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual(upTo(150))
  })

  test('more messages than prefetch wait for checkpoints, and all of them come', async () => {
    const [input, output] = [await freshQueue(), await freshQueue()]
    await store(input, texts(0, 1_000))
    const warnings: string[] = []
    const built = copying(input, output, { prefetch: 100 })
    expect(await run(built, await dataDirectory(), { warnings })).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual(upTo(1_000))
    expect(warnings.join()).toMatch(/waits for a checkpoint: 100 messages .* \(prefetch\); raise prefetch/)
  })

  test('a message whose id came before is dropped, and one without an id follows the error policy', async () => {
    const [input, output, directory] = [await freshQueue(), await freshQueue(), await dataDirectory()]
    await store(input, ['1', '2', '1', '3'], { ids })
    expect(await run(copying(input, output, once), directory)).toEqual({ outcome: 'finished' })
    await store(input, ['2', '4'], { ids })
    expect(await run(copying(input, output, once), directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual([1, 2, 3, 4])
    await store(input, ['5'])
    expect(await run(copying(input, output, once), directory)).toMatchObject(
      failed(/the message has no id, and deduplicateBy needs one/),
    )
  })

  test('a message that cannot be decoded is rejected after a checkpoint, and the broker dead-letters it', async () => {
    const [output, dead] = [await freshQueue(), await freshQueue()]
    const input = await freshQueue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead })
    await store(input, ['bad', '0', 'worse', '1', '2', '\u0000\uffff'])
    const warnings: string[] = []
    const built = copying(input, output, { ifUndecodable: 'reject' })
    expect(await run(built, await dataDirectory(), { warnings })).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual([0, 1, 2])
    expect(await textsIn(dead)).toEqual(['bad', 'worse', '\u0000\uffff'])
    expect((await messagesIn(dead))[0]!.properties.headers!['x-first-death-reason']).toBe('rejected')
    expect(await countIn(input)).toBe(0)
    expect(warnings.join('\n')).toMatch(/has rejected 2 messages of queue/)
  })

  test('headers, priority, content type, ids and times are kept in both directions', async () => {
    const [input, output] = [await freshQueue({ 'x-max-priority': 9 }), await freshQueue()]
    const given = {
      headers: { a: 'b', nested: { list: [1, true, null] }, 'x-stream-offset': 7 },
      priority: 3,
      contentType: 'application/x-own',
      messageId: 'm-1',
      timestamp: 1_700_000_000,
      correlationId: 'c',
      type: 't',
    }
    await store(input, ['\u0000'], { ...given, headers: { ...given.headers, 'x-stream-offset': 'text' } })
    const built = pipeline('copy', (p) => {
      p.from('in', rabbitmq.receiveMessages({ url, queue: input })).to(
        'out',
        rabbitmq.writeMessages({
          url,
          exchange: 'amq.direct',
          message: (m) => ({
            ...m,
            exchange: '',
            routingKey: output,
            headers: { ...m.headers, at: m.timestamp! },
          }),
        }),
      )
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    const [message] = await messagesIn(output)
    expect([...message!.content]).toEqual([0])
    const { 'x-stream-offset': _, ...headers } = given.headers
    expect(message!.properties).toMatchObject({
      ...given,
      headers: { ...headers, at: 1_700_000_000_000 },
      deliveryMode: 2,
    })
    expect(message!.properties.headers).not.toHaveProperty('x-stream-offset')
  })

  test('a message that no queue takes is an error and no loss', async () => {
    const [input, output, directory] = [await freshQueue(), await freshQueue(), await dataDirectory()]
    await store(input, texts(0, 5))
    const writing = (isLenient: boolean, exchange = 'amq.direct'): Pipeline =>
      pipeline('route', (p) => {
        p.from('in', rabbitmq.receiveJson<number>({ url, queue: input })).to(
          'out',
          rabbitmq.writeMessages({
            url,
            exchange: 'amq.direct',
            message: (n: number) =>
              n % 2 === 0
                ? { exchange: '', routingKey: output, data: String(n) }
                : { exchange, routingKey: 'nowhere', data: String(n) },
          }),
          isLenient ? { onError: skip() } : {},
        )
      })
    expect(await run(writing(false), directory)).toMatchObject(
      failed(/cannot be routed: no queue is bound to exchange amq\.direct for the routing key "nowhere"/),
    )
    expect(await run(writing(false, 'no-exchange'), directory)).toMatchObject(
      failed(/there is no exchange no-exchange; create it first/),
    )
    await use((channel) => channel.purgeQueue(output))
    expect(await run(writing(true), directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual([0, 2, 4])
    await store(input, ['1'])
    expect(await run(copying(input, 'no-queue'), await dataDirectory())).toMatchObject(
      failed(/there is no queue "no-queue"/),
    )
  })

  test('a full queue that refuses messages holds up the sink, and nothing is lost', async () => {
    const [input, output] = [
      await freshQueue(),
      await freshQueue({ 'x-max-length': 10, 'x-overflow': 'reject-publish' }),
    ]
    await store(input, texts(0, 50))
    const warnings: string[] = []
    const job = startOn(copying(input, output), await dataDirectory(), { warnings })
    const taken: number[] = []
    await expect
      .poll(
        async () => {
          await use(async (channel) => {
            for (let m = await channel.get(output); m !== false; m = await channel.get(output)) {
              taken.push(Number(m.content))
              channel.ack(m)
            }
          })
          return new Set(taken).size
        },
        { timeout: 300_000 },
      )
      .toBe(50)
    await job.stop()
    expect(warnings.join('\n')).toMatch(/takes no messages: a queue is full/)
  })

  test('a queue that is not there, is exclusive, or is no queue fails the start', async () => {
    const output = await freshQueue()
    const ends = async (queue: string): Promise<unknown> => run(copying(queue, output), await dataDirectory())
    expect(await ends('no-queue')).toMatchObject(failed(/no queue 'no-queue'.*; create it first/))
    await use(async (channel) => {
      const { queue } = await channel.assertQueue('', { exclusive: true })
      expect(await ends(queue)).toMatchObject(failed(/RESOURCE_LOCKED.*declared it as exclusive/))
    })
    await use(async (channel) => {
      await channel.consume(output, () => {}, { exclusive: true })
      const job = startOn(copying(output, output), await dataDirectory())
      expect(await job.ended).toMatchObject(failed(/ACCESS_REFUSED.*another consumer has it for itself/))
    })
    const stream = await freshQueue({ 'x-queue-type': 'stream' })
    const job = startOn(copying(stream, output), await dataDirectory())
    await expect.poll(() => job.status().lastCheckpoint, { timeout: 300_000 }).toBeDefined()
    await store(stream, ['1'])
    expect(await job.ended).toMatchObject(failed(/is a stream; read it with rabbitmq\.readJson/))
  })

  test('a queue that is deleted while it is read cancels the consumer, and fails the job with a clear error', async () => {
    const [input, output] = [await freshQueue(), await freshQueue()]
    const warnings: string[] = []
    const job = startOn(copying(input, output), await dataDirectory(), { warnings })
    await store(input, ['1'])
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(1)
    // An acknowledgement asks about the queue, and the answer that it is gone may come before the cancellation.
    const checkpoint = (): number => job.status().lastCheckpoint?.checkpoint ?? 0
    const written = checkpoint()
    await expect.poll(checkpoint, { timeout: 300_000 }).toBeGreaterThan(written + 3)
    await use((channel) => channel.deleteQueue(input))
    expect(await job.ended).toMatchObject(failed(/no queue .*; create it first/))
    expect(warnings.join()).toMatch(/has cancelled the consumer of queue/)
  })

  test.skipIf(server.directory === '')(
    'a channel that the broker closes because nothing was acknowledged in time is said, and read again',
    async () => {
      const [input, output] = [await freshQueue(), await freshQueue()]
      await askRabbit(server, 'application set_env [rabbit,consumer_timeout,500]')
      const warnings: string[] = []
      let isSlow = true
      const slow = pipeline('slow', (p) => {
        p.from('in', rabbitmq.receiveJson<number>({ url, queue: input, ...once }))
          .mapAsync('wait', async (n) => {
            while (isSlow) await new Promise((resolve) => setTimeout(resolve, 20))
            return n
          })
          .to('out', rabbitmq.writeJson({ url, queue: output }))
      })
      // Without checkpoints nothing is acknowledged.
      const job = startOn(slow, await dataDirectory(), { warnings, checkpoints: { everyMs: 3_600_000 } })
      await store(input, texts(0, 3), { ids })
      await expect
        .poll(() => warnings.join(), { timeout: 300_000 })
        .toMatch(
          /was not acknowledged in time; its messages come again\. Make checkpoints more often, or raise consumer_timeout/,
        )
      await askRabbit(server, 'application set_env [rabbit,consumer_timeout,1800000]')
      isSlow = false
      await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(3)
      await job.stop()
      expect(sorted(await numbersIn(output))).toEqual([0, 1, 2])
      expect(await countIn(input)).toBe(0)
    },
  )

  test.skipIf(server.directory === '')(
    'a broker that is low on memory holds up the sink, which says so, and nothing is lost',
    async () => {
      const [input, output] = [await freshQueue(), await freshQueue()]
      const warnings: string[] = []
      await store(input, texts(0, 30))
      await askRabbit(server, 'vm_memory_monitor set_vm_memory_high_watermark [{absolute,1}]')
      const job = startOn(copying(input, output), await dataDirectory(), { warnings })
      await expect
        .poll(() => warnings.join(), { timeout: 300_000 })
        .toMatch(/takes no messages: low on memory/)
      await askRabbit(server, 'vm_memory_monitor set_vm_memory_high_watermark [0.4]')
      await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(30)
      await job.stop()
      expect(await numbersIn(output)).toEqual(upTo(30))
    },
  )
})
