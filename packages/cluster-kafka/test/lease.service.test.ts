import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectPort, type KafkaPort, type World } from '@millrace/connector-kafka/port'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { systemClock } from '@millrace/world'
import { afterAll, describe, expect, test } from 'vitest'
import { service } from '../../../scripts/services/service.ts'
import { changelogSettings, changelogTopic, openLease, openStandby, type Lease } from '../src/index.ts'
import { readLog } from '../src/replica/log-reader.ts'
import { contributingSink } from './contributing-sink.ts'
import { pacedNumbers } from './paced-numbers.ts'

const server = await service('kafka')
const isMissing = 'missing' in server
const count = 1_500
const stopping = new AbortController()
const root = await mkdtemp(join(tmpdir(), 'millrace-lease-'))

afterAll(async () => {
  stopping.abort(new Error('the tests are over'))
  await rm(root, { recursive: true })
  if (!isMissing) await server.stop()
})

async function connected(): Promise<KafkaPort> {
  const quiet = { warn: () => {}, down: () => {}, trying: () => {}, up: () => {} }
  const world: World = { clock: systemClock, signal: stopping.signal, ...quiet }
  return connectPort({ brokers: isMissing ? '' : server.url })('a test', world)
}

function opened(port: KafkaPort, directory: string, job: string, out: string): Lease {
  return openLease({
    port,
    platform: nodePlatform(),
    store: memoryStore(),
    graphOf: (transaction) =>
      pipeline('sums', (p) =>
        p
          .from('numbers', pacedNumbers(count))
          .keyBy((n) => n % 7)
          .scan(
            'sum',
            () => 0,
            (total, n) => total + n,
          )
          .to('out', contributingSink(transaction, out)),
      ).describe().graph,
    directory: join(root, directory),
    job,
    lease: 0,
    options: { isBounded: true, checkpoints: { everyMs: 100 } },
  })
}

async function untilCheckpoints(lease: Lease, checkpoints: number): Promise<void> {
  while ((lease.written?.commits ?? 0) < checkpoints && lease.status.phase !== 'ended') {
    await new Promise((resolve) => void setTimeout(resolve, 10))
  }
}

async function resultsOf(port: KafkaPort, out: string): Promise<readonly string[]> {
  const of = { topic: out, partition: 0 }
  const { first, end } = await port.range(of)
  const results: string[] = []
  for await (const { records } of readLog(port, of, { from: first, until: end, signal: stopping.signal })) {
    for (const { value } of records) results.push(new TextDecoder().decode(value ?? new Uint8Array(0)))
  }
  return results
}

function expected(): readonly string[] {
  const sums = new Map<number, number>()
  return Array.from({ length: count }, (_, n) => {
    const value = (sums.get(n % 7) ?? 0) + n
    sums.set(n % 7, value)
    return JSON.stringify({ key: n % 7, value })
  })
}

describe.skipIf(isMissing)('a real broker', () => {
  test('a lease moves between directories, by a release, a standby and a holder that does not know it, and loses nothing', async () => {
    const port = await connected()
    const job = `sums-${Date.now().toString(36)}`
    const out = `${job}-out`
    await port.createTopics([
      { name: changelogTopic(job), partitions: 1, settings: changelogSettings },
      { name: out, partitions: 1, settings: {} },
    ])
    const first = opened(port, 'a', job, out)
    await untilCheckpoints(first, 3)
    const standby = await openStandby({
      port,
      platform: nodePlatform(),
      directory: join(root, 'b'),
      job,
      lease: 0,
      signal: stopping.signal,
      warn: () => {},
    })
    expect(await first.release()).toEqual({ outcome: 'released' })
    await standby.close()
    const second = opened(port, 'b', job, out)
    await untilCheckpoints(second, 2)
    // The second one does not know that another one opens the lease.
    const third = opened(port, 'c', job, out)
    await untilCheckpoints(third, 1)
    expect(await second.lost('another worker has it')).toMatchObject({ outcome: 'lost' })
    await untilCheckpoints(third, 2)
    expect(await third.release()).toEqual({ outcome: 'released' })
    const last = opened(port, 'a', job, out)
    expect(await last.ended).toEqual({ outcome: 'finished' })
    expect(await resultsOf(port, out)).toEqual(expected())
    await port.close()
  }, 120_000)
})
