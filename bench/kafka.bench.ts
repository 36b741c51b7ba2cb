/**
 * What does it cost to read a record from Kafka, and to write one in a transaction, beside librdkafka alone, through its binding
 * for Node? The broker is a real one on this machine, and takes a part of its cores.
 */
import { createRequire } from 'node:module'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { kafka } from '@millrace/connector-kafka'
import { kafkaClient } from '../scripts/services/kafka-client.ts'
import { service } from '../scripts/services/service.ts'
import { sizes, textsOf } from './broker-jobs.ts'
import { batchOf, contextIn } from './connector-parts.ts'
import { measureInTurns } from './measure.ts'

const operations = 200_000
const batchRecords = 1_000
/** As often as a checkpoint every 100 ms at 200,000 records a second. */
const checkpointBatches = 20

const found = await kafkaClient()
const server = await service('kafka')
if ('missing' in found || 'missing' in server) throw new Error('Kafka cannot be started here')
const brokers = server.url
const client = createRequire(import.meta.url)(found.file) as Readonly<
  Record<'Producer' | 'KafkaConsumer' | 'AdminClient', unknown>
>

type Callback = (error: Error | null | undefined, result?: unknown) => void
type Methods = Record<string, (...args: unknown[]) => unknown>
type Make = new (settings: object) => Methods

const directory = await mkdtemp(`${tmpdir()}/millrace-bench-`)
const context = contextIn(`${directory}/data`, true)

function ask(of: Methods, name: string, ...args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const callback: Callback = (error, result) =>
      error === null || error === undefined ? resolve(result) : reject(error)
    of[name]!(...args, callback)
  })
}

async function opened(Client: unknown, settings: object): Promise<Methods> {
  const made = new (Client as Make)({ 'bootstrap.servers': brokers, log_level: 0, ...settings })
  await ask(made, 'connect', {})
  return made
}

async function makeTopic(topic: string): Promise<void> {
  const { AdminClient } = client as { readonly AdminClient: { create(settings: object): Methods } }
  const admin = AdminClient.create({ 'bootstrap.servers': brokers, log_level: 0 })
  await ask(admin, 'createTopic', { topic, num_partitions: 1, replication_factor: 1 }, 30_000)
  admin['disconnect']!()
}

/** Writes all records in transactions of as many as a checkpoint has. */
async function produceAlone(topic: string, texts: readonly string[]): Promise<void> {
  const settings = {
    'transactional.id': topic,
    partitioner: 'murmur2_random',
    'linger.ms': 5,
    'compression.type': 'lz4',
  }
  const producer = await opened(client.Producer, settings)
  await ask(producer, 'initTransactions', 30_000)
  for (let at = 0; at < operations;) {
    await ask(producer, 'beginTransaction')
    for (const end = at + batchRecords * checkpointBatches; at < end && at < operations; at++) {
      producer['produce']!(topic, -1, Buffer.from(texts[at % batchRecords]!), null, 0)
    }
    await ask(producer, 'commitTransaction', 30_000)
  }
  await ask(producer, 'disconnect', 1_000)
}

async function consumeAlone(topic: string): Promise<void> {
  const settings = { 'group.id': 'bench', 'enable.auto.commit': false, 'isolation.level': 'read_committed' }
  const consumer = await opened(client.KafkaConsumer, settings)
  consumer['assign']!([{ topic, partition: 0, offset: 0 }])
  consumer['setDefaultConsumeTimeout']!(100)
  let count = 0
  while (count < operations) {
    for (const { value } of (await ask(consumer, 'consume', batchRecords)) as { value: Buffer }[]) {
      if (value.toString() !== '') count++
    }
  }
  await ask(consumer, 'disconnect')
}

async function read(topic: string): Promise<void> {
  const source = kafka.readText({ brokers, topic })
  const reader = await source.open(`${topic}-0`, undefined, context)
  let count = 0
  for (let poll = reader.poll(batchRecords); poll.kind !== 'end'; poll = reader.poll(batchRecords)) {
    if (poll.kind === 'records') count += poll.values.length
    else await reader.ready()
  }
  await reader.close()
  await source.close?.()
  if (count !== operations) throw new Error(`read ${count} of ${operations} records`)
}

let runs = 0
async function write(topic: string, values: readonly string[]): Promise<void> {
  const owner = { ...context.owner, job: `${directory}-${runs++}` }
  const writer = await kafka.writeText({ brokers, topic }).open(0, [], { ...context, owner })
  const batch = batchOf(values)
  for (let checkpoint = 1; checkpoint <= operations / batchRecords; checkpoint++) {
    await writer.write(batch, (_, error) => {
      throw error
    })
    if (checkpoint % checkpointBatches === 0) await writer.commit?.((await writer.prepare(checkpoint))!)
  }
  await writer.close()
}

const measurables = []
for (const size of sizes) {
  const [input, output] = [`input-${size}`, `output-${size}`]
  const texts = textsOf(size)
  for (const topic of [input, output]) await makeTopic(topic)
  await produceAlone(input, texts)
  measurables.push(
    { name: `readText, ${size} bytes`, operations, run: () => read(input) },
    { name: `the same records with the client alone`, operations, run: () => consumeAlone(input) },
    { name: `writeText in transactions, ${size} bytes`, operations, run: () => write(output, texts) },
    {
      name: `the same transactions with the client alone`,
      operations,
      run: () => produceAlone(output, texts),
    },
  )
}
await measureInTurns(measurables, 3)
await server.stop()
await rm(directory, { recursive: true, force: true })
