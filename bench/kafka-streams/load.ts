/**
 * Writes sales at a steady rate, and reads what a job counts from its output, as a consumer of committed records. Prints how long
 * each was on its way, as JSON: `load.ts BROKERS SALES OUTPUT RATE SECONDS`, in a process of its own.
 */
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { kafka } from '@millrace/connector-kafka'
import { pipeline } from '@millrace/flow'
import { runFor } from '../engine-run.ts'
import { batchOf, contextIn } from '../connector-parts.ts'
import { LatencySink } from './latency-sink.ts'
import { saleOf, type Result, type Sale } from './sales.ts'

/** From the time at which a sale is due to the time at which its count is read, in milliseconds. */
export interface Latencies {
  readonly results: number
  readonly p50: number
  readonly p99: number
}

const [brokers, topic, output] = process.argv.slice(2, 5) as [string, string, string]
const [rate, seconds] = process.argv.slice(5).map(Number) as [number, number]
/** Sales of the first seconds are not counted: the job and its code are cold. */
const warmUpSeconds = 10
const total = Math.floor(rate * (seconds + warmUpSeconds))
const tickMs = 2

async function write(directory: string): Promise<void> {
  const sink = kafka.writeJson<Sale>({ brokers, topic, guarantee: 'at-least-once', key: ({ id }) => id })
  const writer = await sink.open(0, [], contextIn(directory, false))
  const startedAt = performance.now()
  for (let sent = 0; sent < total;) {
    const until = Math.min(total, Math.floor(((performance.now() - startedAt) * rate) / 1e3))
    const sales: Sale[] = []
    // A sale has the time at which it is due, so that a writer that is late hides nothing.
    for (; sent < until; sent++) sales.push(saleOf(sent, startedAt + (sent * 1e3) / rate))
    if (sales.length > 0) {
      await writer.write(batchOf(sales), (_, error) => {
        throw error
      })
    }
    await delay(tickMs)
  }
  await writer.prepare(1)
  await writer.close()
}

const sink = new LatencySink(total)
const reading = pipeline('load', (p) => {
  p.from('results', kafka.readJson<Result>({ brokers, topic: output })).to('latencies', sink)
})
await runFor(reading, 1_000, async () => {
  await Promise.all([write(tmpdir()), sink.isFull])
})
const counted = sink.latencies.slice(rate * warmUpSeconds).toSorted()
const at = (part: number): number => Math.round(counted[Math.floor(counted.length * part)]!)
const latencies: Latencies = { results: counted.length, p50: at(0.5), p99: at(0.99) }
console.log(JSON.stringify(latencies))
