/**
 * `npm run nexmark -- [QUERY ...]`: what each query costs, on one thread, with a checkpoint every second.
 *
 * `--events 10000000` and `--rate 100000` choose the input, `--from ndjson` the other file, `--runs 3` the number of
 * runs, of which the median is printed. `--json` prints JSON instead of a table; `--write` stores it in
 * `bench/results/`. For another version of Node run it with that one.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { inputFiles, type Input } from './input.ts'
import type { Cost } from './measure-query.ts'
import { queries } from './queries/all.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '10000000' },
    rate: { type: 'string', default: '100000' },
    from: { type: 'string', default: 'binary' },
    runs: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})

/** What one query costs, and how that compares. */
interface Measured extends Cost {
  readonly query: string
  readonly eventsPerCpuSecond: number
  /** How many times as fast as the best published Flink. */
  readonly timesFlink: number
}

/** Bytes of heap that a query may use: the largest keeps millions of counters. */
const heapMegabytes = 12_000

function run(query: string, { binary, ndjson }: Input): Cost {
  const program = path.join(import.meta.dirname, 'measure-query.ts')
  const args = ['--import', 'tsx', program, query, values.from, binary, ndjson]
  const output = execFileSync(process.execPath, [`--max-old-space-size=${heapMegabytes}`, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return JSON.parse(output) as Cost
}

function measure(query: string, input: Input): Measured {
  const costs = Array.from({ length: Number(values.runs) }, () => run(query, input))
  const cost = costs.toSorted((a, b) => a.cpuMs - b.cpuMs)[Math.floor(costs.length / 2)]!
  const eventsPerCpuSecond = Math.round((Number(values.events) * 1e3) / cost.cpuMs)
  const timesFlink = Number((eventsPerCpuSecond / (queries[query]?.flink ?? Number.NaN)).toFixed(1))
  return { query, eventsPerCpuSecond, timesFlink, ...cost }
}

const headings = [
  'query',
  'K/CPU s',
  'x Flink',
  // Three times as fast as Flink, from the binary file.
  ...(values.from === 'binary' ? ['bar 3'] : []),
  'ns/event',
  'less read',
  'CPU s',
  'peak MB',
  '     rows',
  '  checkpoints',
]

function line(cells: readonly string[]): string {
  return cells.map((cell, i) => (i === 0 ? cell.padEnd(6) : cell.padStart(headings[i]!.length + 2))).join('')
}

/** `readNs` is what reading and decoding alone costs for each event. */
function row({ query, eventsPerCpuSecond, timesFlink, ...cost }: Measured, readNs: number): string {
  const isRead = query === 'read'
  const ns = 1e9 / eventsPerCpuSecond
  return line([
    query,
    String(Math.round(eventsPerCpuSecond / 1e3)),
    isRead ? '' : timesFlink.toFixed(1),
    ...(values.from === 'binary' ? [isRead ? '' : timesFlink >= 3 ? 'met' : 'missed'] : []),
    String(Math.round(ns)),
    isRead ? '' : String(Math.round(ns - readNs)),
    (cost.cpuMs / 1e3).toFixed(1),
    String(Math.round(cost.peakBytes / 1e6)),
    String(cost.rows),
    `${cost.checkpoints}, ${Math.round(cost.longestCheckpointMs)} ms`,
  ])
}

const input = await inputFiles({ events: Number(values.events), rate: Number(values.rate) })
const machine = {
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  load: loadavg()[0] ?? Number.NaN,
}
const settings = { ...machine, events: Number(values.events), rate: Number(values.rate), from: values.from }
if (!values.json) {
  const { node, cores, processor, load, events, from } = settings
  console.log(`${events} events from ${from}, node ${node}, ${cores} cores, ${processor}, load ${load}`)
  console.log(`sha256 ${input.sha256}\n${line(headings)}`)
}
const measured: Measured[] = []
for (const query of ['read', ...(positionals.length === 0 ? Object.keys(queries) : positionals)]) {
  const each = measure(query, input)
  measured.push(each)
  if (!values.json) console.log(row(each, 1e9 / measured[0]!.eventsPerCpuSecond))
}
const report = JSON.stringify({ ...settings, sha256: input.sha256, measured }, null, 2)
if (values.json) console.log(report)
if (values.write) {
  writeFileSync(path.join(import.meta.dirname, `../results/nexmark-${values.from}.json`), `${report}\n`)
}
