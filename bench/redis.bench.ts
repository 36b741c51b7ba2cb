/**
 * What does a job add to the cost of reading a record from a stream of Redis, and of writing one exactly once, beside its client
 * alone?
 */
import { redis } from '@millrace/connector-redis'
import { Redis } from 'ioredis'
import { service } from '../scripts/services/service.ts'
import { measurablesOf, readAll, sentAtOnce, sizes, textsOf, writeAll, type Pair } from './broker-jobs.ts'
import { measureCpuInTurns } from './measure.ts'

const operations = 100_000

const server = await service('redis')
if ('missing' in server) throw new Error('Redis cannot be started here')
const { url } = server

async function withClient<R>(action: (client: Redis) => Promise<R>): Promise<R> {
  const client = new Redis(url)
  try {
    return await action(client)
  } finally {
    client.disconnect()
  }
}

/** Reads as the source does: its position is in the hands of the reader, and nothing is acknowledged. */
function readAlone(stream: string): Promise<void> {
  return withClient(async (client) => {
    let count = 0
    for (let from = '0-0'; count < operations;) {
      const [[, entries]] = (await client.xread('COUNT', sentAtOnce, 'STREAMS', stream, from)) as [
        [string, [id: string, fields: [name: string, text: string]][]],
      ]
      for (const [id, [field, text]] of entries) {
        const record = { id, fields: { [field]: text } }
        if (record.fields['data'] !== '') count++
        from = id
      }
    }
  })
}

/** Entries and how far they were written in one transaction, so that neither is there without the other. */
function writeAlone(stream: string, texts: readonly string[]): Promise<void> {
  return withClient(async (client) => {
    for (let at = 0; at < operations;) {
      const transaction = client.multi()
      for (const end = at + sentAtOnce; at < end; at++) {
        transaction.xadd(stream, '*', 'data', texts[at % texts.length]!)
      }
      await transaction.set(`${stream}:written`, at).exec()
    }
  })
}

const pairs: Pair[] = []
for (const size of sizes) {
  const [input, output] = [`input-${size}`, `output-${size}`]
  const texts = textsOf(size)
  await writeAlone(input, texts)
  pairs.push(
    {
      name: `readEntries, ${size} bytes`,
      operations,
      job: () => readAll(redis.readEntries(input, { url }), operations),
      client: 'XREAD',
      alone: () => readAlone(input),
    },
    {
      name: `writeEntries, ${size} bytes`,
      operations,
      before: () => withClient(async (client) => void (await client.del(output))),
      job: () =>
        writeAll(
          texts,
          redis.writeEntries<string>(output, (data) => ({ data }), { url }),
          operations,
        ),
      client: 'XADD in transactions',
      alone: () => writeAlone(output, texts),
    },
  )
}
await measureCpuInTurns(measurablesOf(pairs), 3)
await server.stop()
