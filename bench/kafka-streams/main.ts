/**
 * What does the same job over Kafka cost in Millrace and in Kafka Streams? Both run as processes of a cluster, exactly once, with a
 * commit every 100 ms, state on the heap, and records that change their partition on the way.
 *
 * `npm run kafka-streams -- [--records 1000000] [--jobs count,join] [--processes 1,2] [--rounds 2] [--rate 5000] [--seconds 20]`.
 * Prints records per CPU-second of all processes of the job (user and system time, compilers and garbage collectors included) after
 * the first fifth, and per second; then how long a record is on its way at a rate. The broker and the writer are not counted.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { generator } from '@millrace/connector-generator'
import { connectPort, type KafkaPort } from '@millrace/connector-kafka/port'
import { kafka } from '@millrace/connector-kafka'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { service } from '../../scripts/services/service.ts'
import { CountingSink, runToEnd } from '../engine-run.ts'
import { median } from '../measure.ts'
import type { Latencies } from './load.ts'
import { kafkaStreams, millrace, Running, type Program } from './programs.ts'
import {
  partitions,
  paymentOf,
  saleOf,
  type Assignment,
  type JobName,
  type Result,
  type Sale,
} from './sales.ts'

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    jobs: { type: 'string', default: 'count,join' },
    processes: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '2' },
    rate: { type: 'string', default: '5000' },
    seconds: { type: 'string', default: '20' },
  },
})
const [records, rounds, rate, seconds] = [options.records, options.rounds, options.rate, options.seconds].map(
  Number,
) as [number, number, number, number]

const server = await service('kafka')
if ('missing' in server) throw new Error('Kafka cannot be started here')
const brokers = server.url
const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-bench-streams-'))
let runs = 0

/** What a run has cost, of a record. */
interface Cost {
  readonly cpuNs: number
  readonly wallNs: number
}

const port = await connectPort({ brokers })('bench', {
  clock: nodePlatform().clock,
  signal: new AbortController().signal,
  warn: () => {},
  down: () => {},
  trying: () => {},
  up: () => {},
})

try {
  await main(port)
} finally {
  await port.close()
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}

async function main(admin: KafkaPort): Promise<void> {
  const programs = [millrace, await kafkaStreams()]
  await makeTopics(admin, ['sales', 'payments'])
  await fill('sales', saleOf)
  await fill('payments', paymentOf)
  for (const job of options.jobs.split(',') as JobName[]) {
    for (const processes of options.processes.split(',').map(Number)) {
      const costs = new Map<Program, Cost[]>(programs.map((program) => [program, []]))
      for (let round = 0; round < rounds; round++) {
        for (const program of programs)
          costs.get(program)!.push(await measure(admin, program, job, processes))
      }
      print(`${job}, ${records} records, ${processes} processes`, costs)
    }
  }
  for (const program of programs) {
    const { p50, p99 } = await latenciesOf(admin, program)
    console.log(`count at ${rate} records/s: ${program.title} p50 ${p50} ms, p99 ${p99} ms`)
  }
}

async function makeTopics(admin: KafkaPort, names: readonly string[]): Promise<void> {
  await admin.createTopics(names.map((name) => ({ name, partitions, settings: {} })))
}

async function fill(topic: string, make: (n: number) => Sale): Promise<void> {
  const source = generator.generate({ seed: 1, every: 1, count: records, make: ({ index }) => make(index) })
  const sink = kafka.writeJson<Sale>({ brokers, topic, key: ({ id }) => id })
  await runToEnd(
    pipeline('fill', (p) => p.from('numbers', source).to('out', sink)),
    1_000,
  )
}

/** Makes the output of a run, and says what its processes need to know. */
async function assign(admin: KafkaPort, job: JobName, sales: string): Promise<Assignment> {
  const application = `bench-${++runs}`
  const output = `${application}-output`
  await makeTopics(admin, [output])
  return {
    brokers,
    job,
    application,
    sales,
    payments: 'payments',
    output,
    directory: path.join(directory, application),
  }
}

function launch(program: Program, assignment: Assignment, processes: number): readonly Running[] {
  return Array.from({ length: processes }, (_, at) => {
    const own = { ...assignment, directory: `${assignment.directory}-${at}` }
    return new Running(program.command(own))
  })
}

async function measure(admin: KafkaPort, program: Program, job: JobName, processes: number): Promise<Cost> {
  const assignment = await assign(admin, job, 'sales')
  const running = launch(program, assignment, processes)
  try {
    const begun = await reached(running, records / 5)
    const ended = await reached(running, records)
    await Promise.all(running.map((each) => each.stop()))
    await requireResults(assignment.output)
    const count = ended.results - begun.results
    return {
      cpuNs: ((ended.cpuMs - begun.cpuMs) * 1e6) / count,
      wallNs: ((ended.at - begun.at) * 1e6) / count,
    }
  } finally {
    await Promise.all(running.map((each) => each.stop()))
  }
}

/** Waits for so many results of all processes. */
async function reached(
  running: readonly Running[],
  results: number,
): Promise<{ readonly results: number; readonly cpuMs: number; readonly at: number }> {
  for (;;) {
    const sum = (of: 'results' | 'cpuMs'): number =>
      running.reduce((total, each) => total + each.progress[of], 0)
    if (sum('results') >= results)
      return { results: sum('results'), cpuMs: sum('cpuMs'), at: performance.now() }
    for (const each of running) each.requireAlive()
    await delay(20)
  }
}

/** Throws if the output has not each result once. */
async function requireResults(output: string): Promise<void> {
  const sink = new CountingSink()
  await runToEnd(
    pipeline('check', (p) =>
      p.from('in', kafka.readJson<Result>({ brokers, topic: output })).to('out', sink),
    ),
  )
  if (sink.records !== records) throw new Error(`${output} has ${sink.records} results; expected ${records}`)
}

async function latenciesOf(admin: KafkaPort, program: Program): Promise<Latencies> {
  const sales = `load-${++runs}`
  await makeTopics(admin, [sales])
  const assignment = await assign(admin, 'count', sales)
  const running = launch(program, assignment, 1)
  try {
    const file = path.join(import.meta.dirname, 'load.ts')
    const args = [brokers, sales, assignment.output, String(rate), String(seconds)]
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', file, ...args])
    return JSON.parse(stdout) as Latencies
  } finally {
    await Promise.all(running.map((each) => each.stop()))
  }
}

function print(title: string, costs: ReadonlyMap<Program, readonly Cost[]>): void {
  console.log(`\n${title}`)
  const medians = [...costs].map(([program, all]) => ({
    title: program.title,
    cpuNs: median(all.map(({ cpuNs }) => cpuNs)),
    wallNs: median(all.map(({ wallNs }) => wallNs)),
  }))
  for (const { title: name, cpuNs, wallNs } of medians) {
    const thousands = (ns: number): string => `${Math.round(1e6 / ns)} K`.padStart(7)
    const ratio = (cpuNs / medians[0]!.cpuNs).toFixed(2)
    console.log(
      `  ${name.padEnd(22)} ${thousands(cpuNs)} records/CPU s  ${thousands(wallNs)} records/s  CPU ${ratio}x`,
    )
  }
}
