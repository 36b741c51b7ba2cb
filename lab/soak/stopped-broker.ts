import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connectPort, startWorker, type WorkerEvent } from '@millrace/cluster-kafka'
import { generator } from '@millrace/connector-generator'
import { kafka } from '@millrace/connector-kafka'
import { startJob, type JobEvent, type JobOptions } from '@millrace/core/job'
import { memoryStore, nodePlatform, pipeline, type Pipeline } from 'millrace'
import { Outside } from '../../packages/connector-kafka/test/outside.ts'
import { readWithJava } from '../../scripts/services/kafka-console.ts'
import { service } from '../../scripts/services/service.ts'
import { settle, watch } from './footprint.ts'
import type { SoakReport } from './report.ts'

/** Times are in milliseconds. */
export interface OutagePlan {
  readonly records: number
  readonly recordsPerSecond: number
  /** How long the jobs run before the broker is stopped. */
  readonly beforeMs: number
  readonly stoppedMs: number
  readonly sampleEveryMs: number
}

const partitions = 4
const keys = 50
const leases = 4
const checkpoints = { everyMs: 200 }
/** How long the jobs may take to write what was left, after the broker is back. */
const patienceMs = 300_000

interface Numbered {
  readonly n: number
  readonly k: string
}

interface Counted {
  readonly key: string
  readonly value: { readonly count: number; readonly n: number }
}

/**
 * Stops the only broker of three jobs in the middle of their work: one writes records, one counts them on its own, and one counts
 * them as a member of a group. Measures what the outage costs, and whether every record is counted once.
 */
export async function soakStoppedBroker(plan: OutagePlan): Promise<SoakReport> {
  const server = await service('kafka')
  if ('missing' in server) throw new Error(server.missing)
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-soak-'))
  const outside = new Outside(server.url)
  const jobs = await start(plan, server.url, outside, directory)
  try {
    await pause(plan.beforeMs)
    const members = await outside.members(jobs.group)
    const [broker] = server.members
    await broker!.kill()
    await settle(plan.stoppedMs)
    const footprint = await watch(plan.stoppedMs, plan.sampleEveryMs, 2e6)
    await broker!.start()
    const broken: string[] = [...footprint.growth()]
    const outputs: string[] = []
    for (const output of jobs.outputs) {
      const { text, problems } = await checked(server.url, output, plan.records)
      outputs.push(`${output}: ${text}`)
      broken.push(...problems)
    }
    const after = await outside.members(jobs.group)
    if (members.length === 0 || members.join() !== after.join())
      broken.push(`the group had the members ${members.join()}, and then ${after.join()}`)
    broken.push(...jobs.log.mistakes())
    const figures = `${plan.stoppedMs / 1_000} s stopped: ${footprint.summary()}; ${jobs.log.summary()}; ${outputs.join('; ')}`
    return { figures, broken }
  } finally {
    await jobs.stop()
    await outside.close()
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

interface RunningJobs {
  readonly group: string
  readonly outputs: readonly string[]
  readonly log: EventLog
  stop(): Promise<void>
}

async function start(
  plan: OutagePlan,
  brokers: string,
  outside: Outside,
  directory: string,
): Promise<RunningJobs> {
  const log = new EventLog()
  const [input, alone, shared] = ['input', 'alone', 'shared'] as const
  for (const name of [input, alone, shared]) await outside.create({ name, partitions, settings: {} })
  const optionsOf = (name: string): Omit<JobOptions, 'graph' | 'observer'> => ({
    platform: nodePlatform(),
    store: memoryStore(),
    directory: path.join(directory, name),
    isBounded: false,
    checkpoints,
  })
  const startAlone = (built: Pipeline): { stop(): Promise<unknown> } =>
    startJob({
      ...optionsOf(built.name),
      graph: built.describe({}).graph,
      observer: (event) => log.note(built.name, event),
    })
  const jobs = [
    startAlone(feeding(plan, brokers, input)),
    startAlone(counting('alone', brokers, input, alone)),
    startWorker({
      job: optionsOf('shared'),
      graphOf: () => counting('shared', brokers, input, shared).describe({}).graph,
      connect: connectPort({ brokers }),
      leases,
      sessionMs: 10_000,
      observer: (event) => log.noteWorker(event),
    }),
  ]
  return {
    group: 'millrace-shared',
    outputs: [alone, shared],
    log,
    stop: async () => void (await Promise.all(jobs.map((job) => job.stop()))),
  }
}

function feeding({ records, recordsPerSecond }: OutagePlan, brokers: string, topic: string): Pipeline {
  return pipeline('feed', (p) => {
    const make = ({ index }: { readonly index: number }): Numbered => ({ n: index, k: `k${index % keys}` })
    p.from('numbers', generator.generate({ seed: 1, count: records, rate: recordsPerSecond, make })).to(
      'out',
      kafka.writeJson({ brokers, topic, key: ({ k }) => k }),
    )
  })
}

function counting(name: string, brokers: string, from: string, to: string): Pipeline {
  return pipeline(name, (p) => {
    p.from('in', kafka.readJson<Numbered>({ brokers, topic: from }))
      .keyBy(({ k }) => k)
      .scan(
        'count',
        () => ({ count: 0, n: -1 }),
        ({ count }, { n }) => ({ count: count + 1, n }),
      )
      .to('out', kafka.writeJson({ brokers, topic: to, key: ({ key }) => key }))
  })
}

/** What the jobs have said. */
class EventLog {
  readonly #lines: string[] = []
  readonly #breakers = new Map<string, number>()
  #gained = 0
  #outages = 0
  #recoveries = 0

  note(job: string, event: JobEvent): void {
    if (event.kind === 'outage') this.#outages++
    if (event.kind === 'recovered') this.#recoveries++
    if (event.kind === 'breaker') {
      this.#breakers.set(event.state, (this.#breakers.get(event.state) ?? 0) + 1)
    }
    if (event.kind === 'failed') this.#lines.push(`${job} has failed: ${String(event.error)}`)
  }

  noteWorker(event: WorkerEvent): void {
    if (event.kind === 'job') this.note('shared', event.event)
    else if (event.kind === 'gained') this.#gained++
    else if (event.kind === 'removed') this.#lines.push(`the group has removed the worker: ${event.reason}`)
    else if (event.kind === 'releasing') this.#lines.push(`the worker had to release lease ${event.lease}`)
    else if (event.kind === 'leaseEnded')
      this.#lines.push(`lease ${event.lease} has ended: ${event.end.outcome}`)
  }

  mistakes(): readonly string[] {
    const silent = ['open', 'half-open', 'closed'].filter((state) => !this.#breakers.has(state))
    return [
      ...this.#lines,
      ...(this.#gained === leases ? [] : [`the worker has got ${this.#gained} leases of ${leases}`]),
      ...silent.map((state) => `no breaker was ${state}`),
      ...(this.#outages === 0 || this.#recoveries === 0 ? ['no outage was said, or no end of one'] : []),
    ]
  }

  summary(): string {
    const states = [...this.#breakers].map(([state, times]) => `${state} ${times} times`)
    return `${this.#outages} outages, ${this.#recoveries} recoveries, breakers ${states.join(', ')}`
  }
}

/** Reads an output with Java until it has every record, and compares it with what it must have. */
async function checked(
  brokers: string,
  topic: string,
  records: number,
): Promise<{ readonly text: string; readonly problems: readonly string[] }> {
  const until = performance.now() + patienceMs
  let found = await readWithJava(brokers, topic, 2 * records)
  while (found.length < records && performance.now() < until)
    found = await readWithJava(brokers, topic, 2 * records)
  const results = found.map(({ value }) => JSON.parse(value) as Counted)
  const wrong = results.filter(({ value: { n, count } }) => count !== Math.floor(n / keys) + 1)
  const seen = new Set(results.map(({ value }) => value.n))
  const [lost, double] = [records - seen.size, results.length - seen.size]
  const text = `${results.length} results, ${lost} lost, ${double} double, ${wrong.length} wrong`
  return { text, problems: lost + double + wrong.length === 0 ? [] : [`${topic} has ${text}`] }
}
