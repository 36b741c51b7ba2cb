/**
 * What does a job add to the cost of reading a record from a stream of JetStream, and of writing one, beside the client of NATS
 * alone?
 */
import { nats } from '@millrace/connector-nats'
import { AckPolicy, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { connect, nanos } from '@nats-io/transport-node'
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

const operations = 100_000

const server = await service('nats')
if ('missing' in server) throw new Error('NATS cannot be started here')
const { url } = server

async function withManager<R>(action: (manager: JetStreamManager) => Promise<R>): Promise<R> {
  const nc = await connect({ servers: new URL(url).host, noAsyncTraces: true })
  try {
    return await action(await jetstreamManager(nc))
  } finally {
    await nc.close()
  }
}

function remake(stream: string): Promise<void> {
  return withManager(async ({ streams }) => {
    await streams.delete(stream).catch(() => false)
    await streams.add({ name: stream, subjects: [stream] })
  })
}

/** Acknowledges all that was read, with one message for each checkpoint of a job. */
function readAlone(stream: string): Promise<void> {
  return withManager(async (manager) => {
    const { name } = await manager.consumers.add(stream, {
      ack_policy: AckPolicy.All,
      max_ack_pending: -1,
      inactive_threshold: nanos(30_000),
    })
    const consumer = await manager.jetstream().consumers.get(stream, name)
    const messages = await consumer.consume({ max_messages: sentAtOnce })
    let isDue = false
    const timer = setInterval(() => (isDue = true), checkpointMs)
    let count = 0
    for await (const message of messages) {
      if (message.string() !== '') count++
      if (count === operations) {
        await message.ackAck()
        break
      }
      if (!isDue) continue
      message.ack()
      isDue = false
    }
    clearInterval(timer)
    await consumer.delete()
  })
}

/** `idOf` names each message, so that the server drops one that comes twice within a window. */
function writeAlone(
  stream: string,
  texts: readonly string[],
  idOf?: (number: number) => string,
): Promise<void> {
  return withManager(async (manager) => {
    const client = manager.jetstream()
    for (let at = 0; at < operations;) {
      const sent: Promise<unknown>[] = []
      for (const end = at + sentAtOnce; at < end; at++) {
        const options = idOf === undefined ? {} : { msgID: idOf(at) }
        sent.push(client.publish(stream, texts[at % texts.length], options))
      }
      await Promise.all(sent)
    }
  })
}

const pairs: Pair[] = []
for (const size of sizes) {
  const [input, output] = [`input-${size}`, `output-${size}`]
  const texts = textsOf(size)
  await remake(input)
  await writeAlone(input, texts)
  const before = (): Promise<void> => remake(output)
  const sink = { url, stream: output, subject: output }
  pairs.push(
    {
      name: `readText, ${size} bytes`,
      operations,
      job: () => readAll(nats.readText({ url, stream: input }), operations),
      client: 'a consumer',
      alone: () => readAlone(input),
    },
    {
      name: `writeText at least once, ${size} bytes`,
      operations,
      before,
      job: () => writeAll(texts, nats.writeText({ ...sink, guarantee: 'at-least-once' }), operations),
      client: 'publish',
      alone: () => writeAlone(output, texts),
    },
    {
      name: `writeText exactly once, ${size} bytes`,
      operations,
      before,
      job: () => writeAll(texts, nats.writeText(sink), operations),
      client: 'publish with ids',
      alone: () => writeAlone(output, texts, (number) => `bench-${number}`),
    },
  )
}
await measureCpuInTurns(measurablesOf(pairs), 3)
await server.stop()
