/**
 * What does a job add to the cost of receiving a record from RabbitMQ, from a queue and from a stream, and of writing one, beside
 * its client alone?
 */
import { rabbitmq } from '@millrace/connector-rabbitmq'
import { connect, type ConfirmChannel, type ConsumeMessage, type Message, type Options } from 'amqplib'
import { service } from '../scripts/services/service.ts'
import {
  checkpointMs,
  measurablesOf,
  readAll,
  sentAtOnce,
  sizes,
  textsOf,
  writeAll,
  type Pair,
} from './broker-jobs.ts'
import { measureCpuInTurns } from './measure.ts'

const operations = 60_000
/** A job acknowledges after a checkpoint what it has read before it, so all may be here at once. */
const prefetch = 65_535

const server = await service('rabbitmq')
if ('missing' in server) throw new Error('RabbitMQ cannot be started here')
const { url } = server

async function withChannel<R>(action: (channel: ConfirmChannel) => Promise<R>): Promise<R> {
  const connection = await connect(url)
  try {
    return await action(await connection.createConfirmChannel())
  } finally {
    await connection.close()
  }
}

/** `acknowledge` is called for the last message, and once for each checkpoint of a job. */
function receiveAlone(
  queue: string,
  credit: number,
  options: Options.Consume,
  acknowledgesEach?: number,
): Promise<void> {
  return withChannel(async (channel) => {
    await channel.prefetch(credit)
    let isDue = false
    const timer = setInterval(() => (isDue = true), checkpointMs)
    let count = 0
    await new Promise<void>((resolve, reject) => {
      const take = (message: ConsumeMessage | null): void => {
        if (message === null) return reject(new Error('the broker has cancelled the consumer'))
        if (message.content.toString() !== '') count++
        if (!isDue && count % (acknowledgesEach ?? operations) !== 0) return
        channel.ack(message, true)
        isDue = false
        if (count === operations) resolve()
      }
      channel.consume(queue, take, options).catch(reject)
    })
    clearInterval(timer)
    await channel.checkQueue(queue)
  })
}

/** Sends the same messages as the sink, by whose ids one that no queue takes is known, and waits until each is confirmed. */
function writeAlone(queue: string, texts: readonly string[]): Promise<void> {
  return withChannel(async (channel) => {
    const returned: unknown[] = []
    channel.on('return', ({ properties }: Message) => returned.push(properties.messageId))
    const constant = { contentType: 'text/plain; charset=utf-8', persistent: true, mandatory: true }
    for (let at = 0; at < operations;) {
      for (const end = at + sentAtOnce; at < end; at++) {
        const data = Buffer.from(texts[at % texts.length]!)
        channel.publish('', queue, data, { ...constant, messageId: `bench-${at}` })
      }
      await channel.waitForConfirms()
    }
    if (returned.length > 0) throw new Error(`${returned.length} messages came back`)
  })
}

const pairs: Pair[] = []
for (const size of sizes) {
  const [queue, stream] = [`queue-${size}`, `stream-${size}`]
  const texts = textsOf(size)
  await withChannel(async (channel) => {
    await channel.assertQueue(queue)
    await channel.assertQueue(stream, { arguments: { 'x-queue-type': 'stream' } })
  })
  await writeAlone(stream, texts)
  const purge = (): Promise<void> => withChannel(async (channel) => void (await channel.purgeQueue(queue)))
  const fill = async (): Promise<void> => {
    await purge()
    await writeAlone(queue, texts)
  }
  pairs.push(
    {
      name: `receiveText, ${size} bytes`,
      operations,
      before: fill,
      job: () => readAll(rabbitmq.receiveText({ url, queue, prefetch }), operations),
      client: 'a consumer',
      alone: () => receiveAlone(queue, prefetch, {}),
    },
    {
      name: `readText of a stream, ${size} bytes`,
      operations,
      job: () => readAll(rabbitmq.readText({ url, stream }), operations),
      client: 'a consumer',
      alone: () => receiveAlone(stream, 2_000, { arguments: { 'x-stream-offset': 'first' } }, 500),
    },
    {
      name: `writeText, ${size} bytes`,
      operations,
      before: purge,
      job: () => writeAll(texts, rabbitmq.writeText({ url, queue }), operations),
      client: 'publish with confirms',
      alone: () => writeAlone(queue, texts),
    },
  )
}
await measureCpuInTurns(measurablesOf(pairs), 3)
await server.stop()
