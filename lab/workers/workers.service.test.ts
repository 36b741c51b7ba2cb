import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, expect, test } from 'vitest'
import { kafkaPorts } from '../../scripts/services/kafka.ts'
import { readWithJava } from '../../scripts/services/kafka-console.ts'
import { LoopbackProxy } from '../../scripts/services/loopback-proxy.ts'
import { realBroker } from '../../packages/connector-kafka/test/real-broker.ts'
import { builtProgram } from '../servers/built-program.ts'
import { Expected, keyOf, last, refundsOf, salesOf, textOf, type Row } from './expected.ts'

/** `MILLRACE_CLUSTER=full` is the proof in its full size: an hour or two. */
const isFull = process.env['MILLRACE_CLUSTER'] === 'full'
/** `workers`: how many there are after each round, in turn. */
const size = isFull
  ? { records: 2_000_000, rounds: 50, workers: [3, 1, 4, 7, 5, 3] }
  : { records: 60_000, rounds: 5, workers: [3, 4, 2] }
/** What else happens, by the round: a broker is killed, a worker is frozen past its session, the network fails. */
const events = { brokerKilledEvery: 5, frozenEvery: 5, cutEvery: 3 }
const partitions = { sales: 12, refunds: 4, output: 4 }
const leases = 8
const timeout = isFull ? 10_800_000 : 300_000
const frozenMs = 9_000

const cluster = await realBroker('kafkaCluster')
const isOurs = cluster.missing === undefined && cluster.server.members.length > 1
const program = await builtProgram(new URL('program.ts', import.meta.url))
const running = new Set<ChildProcess>()
const directories: string[] = []
/** In front of each broker. Every second worker comes through them. */
const proxies = isOurs ? await proxiesOf() : []

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL')
  for (const directory of directories) await rm(directory, { recursive: true, force: true })
})
afterAll(() => {
  for (const proxy of proxies) proxy.close()
})

async function proxiesOf(): Promise<readonly LoopbackProxy[]> {
  return Promise.all(
    cluster.server.members.map(async ({ ports }) => {
      const { behind, proxy: port } = kafkaPorts(ports)
      const proxy = new LoopbackProxy(behind)
      await proxy.open(port)
      return proxy
    }),
  )
}

interface Job {
  readonly job: string
  readonly input: string
  readonly refunds: string
  readonly output: string
}

/** The workers of one job, the oldest first. */
class Workers {
  readonly #of: Job
  readonly #workers: ChildProcess[] = []
  #started = 0
  /** Why a worker ended that nothing had killed. */
  #failed: string | undefined

  constructor(of: Job) {
    this.#of = of
  }

  get count(): number {
    return this.#workers.length
  }

  /** Waits until a figure is higher than `least`. Throws if a worker fails meanwhile. */
  async untilAbove(least: number, figure: () => Promise<number>, everyMs: number): Promise<void> {
    while ((await figure()) <= least) {
      if (this.#failed !== undefined) throw new Error(this.#failed)
      await delay(everyMs)
    }
  }

  /** Starts one. Resolves when it has joined: one that starts while no broker answers ends with an error. */
  async add(): Promise<void> {
    const name = `worker-${this.#started++}`
    const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-worker-'))
    directories.push(directory)
    const isBehind = this.#started % 2 === 0
    const brokers = isBehind ? addressesOf('proxy') : cluster.brokers
    const setup = JSON.stringify({ ...this.#of, brokers, leases, directory, name })
    const child = spawn(process.execPath, ['--enable-source-maps', program, setup], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    running.add(child)
    child.once('exit', (code) => {
      running.delete(child)
      if (code !== null && code !== 0) this.#failed = `${name} ended with ${code}`
    })
    const lines = createInterface({ input: child.stdout })
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => line.includes('"kind":"joined"') && resolve())
      child.once('exit', (code) => reject(new Error(`${name} ended with ${code} before it had joined`)))
    })
    this.#workers.push(child)
  }

  async kill(): Promise<void> {
    const victim = this.#workers.shift()!
    victim.kill('SIGKILL')
    await once(victim, 'exit')
  }

  /** Stops the oldest one for longer than its session: others take over what it held, and it wakes up beside them. */
  freeze(): void {
    const victim = this.#workers.shift()!
    victim.kill('SIGSTOP')
    setTimeout(() => victim.kill('SIGCONT'), frozenMs)
    this.#workers.push(victim)
  }

  /** Stops the oldest one in order. */
  async remove(): Promise<void> {
    const leaving = this.#workers.shift()!
    leaving.kill('SIGTERM')
    const code = leaving.exitCode ?? ((await once(leaving, 'exit')) as [number | null])[0]
    expect(code).toBe(0)
  }
}

function addressesOf(port: 'plain' | 'proxy'): string {
  return cluster.server.members.map(({ ports }) => `127.0.0.1:${kafkaPorts(ports)[port]}`).join(',')
}

/** Cuts every connection through the proxies, or lets nothing through them for a while. */
async function failNetwork(isSilent: boolean): Promise<void> {
  if (!isSilent) {
    for (const proxy of proxies) proxy.cut()
    return
  }
  for (const proxy of proxies) proxy.silence(true)
  await delay(frozenMs)
  for (const proxy of proxies) proxy.silence(false)
}

async function killBroker(topic: string): Promise<void> {
  const leader = await cluster.leader(topic, 0)
  await leader.kill()
  await leader.start()
}

/** What goes wrong in a round: always something, and each of it more than once in a full run. */
async function disturb(round: number, workers: Workers, output: string): Promise<void> {
  if (round % events.brokerKilledEvery === 2) await killBroker(output)
  if (round % events.cutEvery === 1) await failNetwork(round % (2 * events.cutEvery) === 1)
  if (round % events.frozenEvery === 3) workers.freeze()
  await workers.kill()
  const wanted = size.workers[round % size.workers.length]!
  while (workers.count < wanted) await workers.add()
  while (workers.count > wanted) await workers.remove()
}

test.skipIf(!isOurs)(
  'workers that are killed, frozen, cut off, added and removed leave every result exactly once for the Java consumer',
  { timeout },
  async () => {
    const of: Job = {
      job: `sales-${process.pid}`,
      input: await cluster.freshTopic(partitions.sales),
      refunds: await cluster.freshTopic(partitions.refunds),
      output: await cluster.freshTopic(partitions.output),
    }
    const workers = new Workers(of)
    while (workers.count < 3) await workers.add()
    const each = Math.ceil(size.records / size.rounds)
    for (let round = 0; round < size.rounds; round++) {
      const before = await cluster.ends(of.output)
      const [from, end] = [round * each, Math.min(size.records, (round + 1) * each)]
      await cluster.produce(of.input, salesOf(from, end, partitions.sales))
      await cluster.produce(of.refunds, refundsOf(from, end, partitions.refunds))
      await workers.untilAbove(before, () => cluster.ends(of.output), 50)
      // A moment that no test chooses.
      await delay((round * 137) % 500)
      await disturb(round, workers, of.output)
      if (isFull) process.stdout.write(`round ${round + 1} of ${size.rounds}, ${workers.count} workers\n`)
    }
    await cluster.produce(of.input, last(size.records, partitions.sales))
    await cluster.produce(of.refunds, last(size.records, partitions.refunds))
    const expected = new Expected(size.records)
    await expect
      .poll(() => rowsIn(of.output, expected.count).then(({ length }) => length), {
        timeout,
        interval: 5_000,
      })
      .toBeGreaterThanOrEqual(expected.count)
    while (workers.count > 0) await workers.remove()
    await cluster.transactionsMarked()
    const verdict = expected.compare(await rowsIn(of.output, expected.count))
    process.stdout.write(
      `${expected.count} results: lost ${verdict.lost}, double ${verdict.double}, wrong ${verdict.wrong}\n`,
    )
    expect(verdict).toEqual({ lost: 0, double: 0, wrong: 0, examples: [] })
  },
)

/** What a consumer of committed records finds, except for the records that end event time. */
async function rowsIn(output: string, atMost: number): Promise<readonly string[]> {
  const found = await readWithJava(cluster.brokers, output, atMost * 2)
  return found
    .map(({ value }) => JSON.parse(value) as Row)
    .filter(({ key }) => key !== keyOf.last)
    .map(textOf)
}
