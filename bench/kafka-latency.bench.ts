/**
 * How many records a second does a job bring from Kafka to Kafka in transactions, with a checkpoint every 100 ms, and how long is a
 * record on its way at half of that rate? The broker is a real one on this machine, and so is the process that writes and reads.
 */
import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { kafka } from '@millrace/connector-kafka'
import { pipeline, type Pipeline } from '@millrace/flow'
import { makeTopicWithJava } from '../scripts/services/kafka-console.ts'
import { service } from '../scripts/services/service.ts'
import { sizes, textsOf, writeAll } from './broker-jobs.ts'
import { runFor, runToEnd } from './engine-run.ts'
import type { Latencies } from './kafka-load.ts'
import { median, report } from './measure.ts'

const run = promisify(execFile)

const records = 200_000
const turns = 3
const checkpointMs = 100
const secondsOfLoad = 8

const server = await service('kafka')
if ('missing' in server) throw new Error('Kafka cannot be started here')
const brokers = server.url

function copying(from: string, to: string): Pipeline {
  return pipeline('bench', (p) =>
    p.from('in', kafka.readText({ brokers, topic: from })).to('out', kafka.writeText({ brokers, topic: to })),
  )
}

/** How long records are on their way through a job that runs, at a rate in records a second. */
async function latenciesAt(size: number, rate: number): Promise<Latencies> {
  const [input, output] = [`load-${size}`, `loaded-${size}`]
  let printed = ''
  await runFor(copying(input, output), checkpointMs, async () => {
    const file = path.join(import.meta.dirname, 'kafka-load.ts')
    const args = [brokers, input, output, size, rate, secondsOfLoad].map(String)
    const { stdout } = await run(process.execPath, ['--import', 'tsx', file, ...args])
    printed = stdout
  })
  return JSON.parse(printed) as Latencies
}

const measurements = []
for (const size of sizes) {
  const input = `input-${size}`
  for (const topic of [input, `load-${size}`, `loaded-${size}`]) await makeTopicWithJava(brokers, topic)
  await writeAll(textsOf(size), kafka.writeText({ brokers, topic: input }), records)
  const costs: number[] = []
  for (let turn = 0; turn <= turns; turn++) {
    const output = `output-${size}-${turn}`
    await makeTopicWithJava(brokers, output)
    const { elapsedMs } = await runToEnd(copying(input, output), checkpointMs)
    if (turn > 0) costs.push((elapsedMs * 1e6) / records)
  }
  const nanoseconds = median(costs)
  const rate = Math.round(5e8 / nanoseconds)
  const { p50, p99 } = await latenciesAt(size, rate)
  const full = `${Math.round(1e6 / nanoseconds)} thousand records/s`
  const half = `at ${Math.round(rate / 1e3)} thousand: p50 ${p50} ms, p99 ${p99} ms`
  measurements.push({ name: `a copy, ${size} bytes`, nanoseconds, runs: turns, note: `${full}; ${half}` })
}
report(measurements)
await server.stop()
