/**
 * `npm run cluster-moves -- [--megabytes 1000] [--rate 200]`: how long records wait while leases move between workers of a cluster, and
 * how long a worker takes to come back.
 *
 * A broker is started, and a job with so much state over four leases. Under a steady load it prints, for each event, the latency of
 * records that came through leases that moved and of all others, from the time at which a record is due to the time at which its
 * result is read as committed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generator } from '@millrace/connector-generator'
import { kafka } from '@millrace/connector-kafka'
import { connectPort } from '@millrace/connector-kafka/port'
import { subtaskOfSplit } from '@millrace/core/connector'
import { defaultKeyGroups, keyGroup, subtaskOfGroup } from '@millrace/core/store'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { contextIn } from '../../bench/connector-parts.ts'
import { runFor, runToEnd } from '../../bench/engine-run.ts'
import { service } from '../../scripts/services/service.ts'
import { leases, partitions, type Assignment, type Sample } from './assignment.ts'
import { ArrivalSink, textLength, updateOf, updatesTo, write, type Arrival } from './load.ts'
import { WorkerProcess } from './worker-process.ts'

const { values: options } = parseArgs({
  options: { megabytes: { type: 'string', default: '1000' }, rate: { type: 'string', default: '200' } },
})
const megabytes = Number(options.megabytes)
const rate = Number(options.rate)
const keys = Math.ceil((megabytes * 1e6) / (textLength + 60))
const [input, output] = ['updates', 'samples']

const server = await service('kafka')
if ('missing' in server) throw new Error('Kafka cannot be started here')
const brokers = server.url
const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-moves-'))
const workers = new Set<WorkerProcess>()
try {
  await makeTopics()
  const sink = new ArrivalSink()
  const reading = pipeline('moves', (p) =>
    p.from('samples', kafka.readJson<Sample>({ brokers, topic: output })).to('arrivals', sink),
  )
  await runFor(reading, 1_000, () => measure(sink))
} finally {
  for (const worker of workers) await worker.kill()
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}

async function makeTopics(): Promise<void> {
  const none = (): void => {}
  const { clock } = nodePlatform()
  const world = {
    clock,
    signal: new AbortController().signal,
    warn: none,
    down: none,
    trying: none,
    up: none,
  }
  const port = await connectPort({ brokers })('moves', world)
  await port.createTopics([input, output].map((name) => ({ name, partitions, settings: {} })))
  await port.close()
}

function start(disk: string, name?: string): WorkerProcess {
  const own = path.join(directory, disk)
  const assignment: Assignment = { brokers, job: 'moves', input, output, directory: own, name, standbys: 1 }
  const worker = new WorkerProcess(assignment)
  workers.add(worker)
  return worker
}

async function measure(sink: ArrivalSink): Promise<void> {
  await fill()
  const first = start('first')
  await until(() => sink.count >= keys)
  say(`${keys} keys, ${megabytes} MB of values, ${leases} leases, ${rate} records/s`)
  const writer = await updatesTo(brokers, input).open(0, [], contextIn(directory, false))
  const ending = new AbortController()
  const writing = write(writer, { rate, keys, signal: ending.signal })
  await delay(5_000)
  sink.arrivals.length = 0
  await delay(10_000)
  print('nothing happens', sink.arrivals.splice(0), new Set())

  const second = start('second')
  const came = await second.runs(leases / 2)
  await delay(5_000)
  print(`a worker comes, and has its leases after ${seconds(came)}`, sink.arrivals.splice(0), second.moved)

  // Until each has copies of what the other runs.
  await delay(15_000 + megabytes * 10)
  sink.arrivals.length = 0
  const moved = second.leases
  await second.stop()
  await first.runs(leases)
  await delay(5_000)
  print('a worker leaves, and the other one has copies', sink.arrivals.splice(0), moved)

  await comesBack('on its own disk', 'second', sink)
  await comesBack('on an empty disk', 'empty', sink)
  ending.abort()
  await writing
  await writer.close()
  await first.stop()
}

/** A worker that has its leases is killed, and started again under its name. */
async function comesBack(how: string, disk: string, sink: ArrivalSink): Promise<void> {
  const before = start('second', 'second')
  await before.runs(leases / 2)
  await delay(10_000)
  await before.kill()
  sink.arrivals.length = 0
  const after = start(disk, 'second')
  const took = await after.runs(leases / 2)
  await delay(5_000)
  print(
    `a worker is killed and started ${how}: its leases run after ${seconds(took)}`,
    sink.arrivals.splice(0),
    after.moved,
  )
  await after.stop()
}

async function fill(): Promise<void> {
  const source = generator.generate({
    seed: 1,
    every: 1,
    count: keys,
    make: ({ index }) => updateOf(index, keys, 0),
  })
  await runToEnd(
    pipeline('fill', (p) => p.from('numbers', source).to('updates', updatesTo(brokers, input))),
    1_000,
  )
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(50)
}

/** The leases that a record passes: that of its partition, and that of its key. */
function leasesOf({ key, partition }: Sample): readonly number[] {
  const groups = defaultKeyGroups(leases)
  return [
    subtaskOfSplit(`${input}-${partition}`, leases, groups),
    subtaskOfGroup(keyGroup(key, groups), leases, groups),
  ]
}

function print(what: string, arrivals: readonly Arrival[], moved: ReadonlySet<number>): void {
  say(`\n${what}; leases that moved: ${[...moved].toSorted((a, b) => a - b).join(', ') || 'none'}`)
  const isAffected = ({ sample }: Arrival): boolean => leasesOf(sample).some((lease) => moved.has(lease))
  summarise('through leases that moved', arrivals.filter(isAffected))
  summarise(
    'through other leases',
    arrivals.filter((arrival) => !isAffected(arrival)),
  )
}

function summarise(which: string, arrivals: readonly Arrival[]): void {
  if (arrivals.length === 0) return
  const sorted = arrivals.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b)
  const at = (part: number): string =>
    `${Math.round(sorted[Math.floor((sorted.length - 1) * part)]!)} ms`.padStart(9)
  say(
    `  ${which.padEnd(26)} ${String(sorted.length).padStart(6)} records  p50 ${at(0.5)}  p99 ${at(0.99)}  most ${at(1)}`,
  )
}

function seconds(ms: number): string {
  return `${(ms / 1e3).toFixed(1)} s`
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}
