/**
 * Writes records to a topic of Kafka at a steady rate, and reads what a job makes of them from another one, as a consumer of
 * committed records. Prints how long each was on its way, as JSON.
 *
 * `kafka-load.ts BROKERS INPUT OUTPUT SIZE RATE SECONDS`, in a process of its own, so that it is no part of the cost of the job.
 */
import process from 'node:process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { kafka } from '@millrace/connector-kafka'
import { textsOf } from './broker-jobs.ts'
import { batchOf, contextIn } from './connector-parts.ts'

/** What a run has found. */
export interface Latencies {
  readonly records: number
  /** From the time at which a record is written to the time at which it is read, in milliseconds. */
  readonly p50: number
  readonly p99: number
}

const [brokers, input, output] = process.argv.slice(2, 5) as [string, string, string]
const [size, rate, seconds] = process.argv.slice(5).map(Number) as [number, number, number]
/** Records of the first seconds are not counted: the job and its code are cold. */
const warmUpSeconds = 3
const total = Math.floor(rate * (seconds + warmUpSeconds))
const warmUp = rate * warmUpSeconds
const tickMs = 2

const directory = await mkdtemp(`${tmpdir()}/millrace-bench-`)
const context = contextIn(directory, false)
const source = kafka.readText({ brokers, topic: output, from: 'latest' })
const reader = await source.open(`${output}-0`, undefined, context)
const writer = await kafka
  .writeText({ brokers, topic: input, guarantee: 'at-least-once' })
  .open(0, [], context)

const contents = textsOf(size)

/** A record begins with the time at which it is due, so that a writer that is late hides nothing. */
function recordOf(number: number, dueAt: number): string {
  return `${dueAt.toFixed(3)} ${contents[number % contents.length]!}`.slice(0, size)
}

async function write(): Promise<void> {
  const startedAt = performance.now()
  for (let sent = 0; sent < total;) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) * rate) / 1e3))
    const texts: string[] = []
    for (; sent < due; sent++) texts.push(recordOf(sent, startedAt + (sent * 1e3) / rate))
    if (texts.length > 0) {
      await writer.write(batchOf(texts), (_, error) => {
        throw error
      })
    }
    await delay(tickMs)
  }
  await writer.prepare(1)
}

async function read(): Promise<Latencies> {
  const latencies = new Float64Array(total)
  let count = 0
  while (count < total) {
    const poll = reader.poll(1_000)
    if (poll.kind === 'records') {
      const now = performance.now()
      for (const text of poll.values) latencies[count++] = now - Number.parseFloat(text)
    } else await reader.ready()
  }
  const counted = latencies.slice(warmUp).sort()
  const at = (part: number): number => Math.round(counted[Math.floor(counted.length * part)]!)
  return { records: counted.length, p50: at(0.5), p99: at(0.99) }
}

const [latencies] = await Promise.all([read(), write()])
console.log(JSON.stringify(latencies))
await reader.close()
await source.close?.()
await writer.close()
await rm(directory, { recursive: true, force: true })
