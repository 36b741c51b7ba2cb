/**
 * What does the same job cost in Millrace, in other engines, and in loops that are written by hand? All read the same NDJSON
 * files and write NDJSON files; engines make a checkpoint every second, exactly once.
 *
 * `npm run rivals -- [--records 1000000] [--parallelism 1] [--jobs tumbling,total] [--programs millrace,flink] [--turns 3]
 * [--rounds 2] [--slope 0] [--write]`. Programs take turns in `rounds` rounds; in each a process does the job `turns` times, of which the
 * first is cold and the others are warm. With `--slope 10000000` each also does as many records, and the cost of one more record
 * is printed. The lines of all programs must be the same. `--write` stores the figures in `bench/results/rivals.json`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { bidJobs, type BidJobName } from '../bid-jobs.ts'
import { median } from '../measure.ts'
import { writeBids } from './input.ts'
import { programs, type Program } from './programs.ts'
import { runProgram, type ProcessCost } from './run-program.ts'

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    parallelism: { type: 'string', default: '1' },
    jobs: { type: 'string', default: Object.keys(bidJobs).join(',') },
    programs: { type: 'string', default: Object.keys(programs).join(',') },
    turns: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '2' },
    slope: { type: 'string', default: '0' },
    write: { type: 'boolean', default: false },
  },
})
const [records, turns, rounds, slope] = [options.records, options.turns, options.rounds, options.slope].map(
  Number,
) as [number, number, number, number]

/** What a program cost for a job. CPU time is of all threads of the process. */
interface Row {
  readonly job: string
  readonly parallelism: number
  readonly program: string
  /** From the start of the process to the end of its first turn. */
  readonly coldCpuMs: number
  readonly warmCpuMs: number
  readonly warmWallMs: number
  readonly peakBytes: number
  /** Of one more record, between `records` and `slope` records. */
  readonly slopeCpuNs?: number
}

const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-bench-rivals-'))
const skipped = new Set<string>()
const ready = await prepare(options.programs.split(','))
const rows: Row[] = []
try {
  for (const parallelism of options.parallelism.split(',').map(Number)) {
    for (const job of options.jobs.split(',')) {
      const measured = await compare(job as BidJobName, parallelism)
      print(measured)
      rows.push(...measured)
    }
  }
  if (options.write) await store(rows)
} finally {
  await rm(directory, { recursive: true })
}

async function prepare(names: readonly string[]): Promise<readonly Program[]> {
  const found: Program[] = []
  for (const name of names) {
    const make = programs[name]
    if (make === undefined)
      throw new Error(`no program '${name}'; there is ${Object.keys(programs).join(', ')}`)
    try {
      found.push(await make())
    } catch (error) {
      skip(`${name} cannot be had: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return found
}

/** Says once what is not compared. */
function skip(text: string): void {
  if (!skipped.has(text)) console.log(`skipped: ${text}`)
  skipped.add(text)
}

async function compare(job: BidJobName, parallelism: number): Promise<readonly Row[]> {
  const { keys } = bidJobs[job]
  const able = ready.filter((program) => {
    const reason = program.lacks?.(job, parallelism)
    if (reason !== undefined) skip(`${program.title}, parallelism ${parallelism}: ${reason}`)
    return reason === undefined
  })
  const costs = await inRounds(able, job, parallelism, await writeBids(directory, records, keys, parallelism))
  const far =
    slope > 0
      ? await inRounds(able, job, parallelism, await writeBids(directory, slope, keys, parallelism))
      : undefined
  return able.map((program) => {
    const row = rowOf(program, job, parallelism, costs.get(program)!)
    if (far === undefined) return row
    const more = rowOf(program, job, parallelism, far.get(program)!).warmCpuMs - row.warmCpuMs
    return { ...row, slopeCpuNs: (more * 1e6) / (slope - records) }
  })
}

type Costs = ReadonlyMap<Program, readonly ProcessCost[]>

/** Every program in turn, as often as there are rounds. Throws if two do not write the same lines. */
async function inRounds(
  able: readonly Program[],
  job: BidJobName,
  parallelism: number,
  inputs: readonly string[],
): Promise<Costs> {
  const costs = new Map<Program, ProcessCost[]>(able.map((program) => [program, []]))
  let expected: { readonly sums: string; readonly lines: number; readonly title: string } | undefined
  for (let round = 0; round < rounds; round++) {
    for (const program of able) {
      const cost = await runProgram(program, { job, parallelism, turns, inputs })
      const { lines, sums } = cost.output
      expected ??= { lines, sums, title: program.title }
      if (expected.sums !== sums) {
        throw new Error(
          `${job}: ${program.title} wrote ${lines} lines that differ from the ${expected.lines} of ${expected.title}`,
        )
      }
      costs.get(program)!.push(cost)
    }
  }
  return costs
}

function rowOf(program: Program, job: BidJobName, parallelism: number, costs: readonly ProcessCost[]): Row {
  const warm = costs.flatMap((cost) => (turns === 1 ? cost.turns : cost.turns.slice(1)))
  const cold = costs.map(
    ({ cpuMs, turns: [, ...later] }) => cpuMs - later.reduce((sum, turn) => sum + turn.cpuMs, 0),
  )
  return {
    job: bidJobs[job].title,
    parallelism,
    program: program.title,
    coldCpuMs: Math.round(median(cold)),
    warmCpuMs: Math.round(median(warm.map((turn) => turn.cpuMs))),
    warmWallMs: Math.round(median(warm.map((turn) => turn.wallMs))),
    peakBytes: Math.max(...warm.map((turn) => turn.peakBytes)),
  }
}

function print(measured: readonly Row[]): void {
  const [ours] = measured
  console.log(
    `\n${ours!.job}, ${records} records, parallelism ${ours!.parallelism} (ratios of CPU to ${ours!.program})`,
  )
  console.log(`  ${'program'.padEnd(34)}  cold CPU   warm CPU      warm wall     peak   one more record`)
  for (const row of measured) {
    const seconds = (ms: number) => `${(ms / 1e3).toFixed(2)} s`.padStart(8)
    const times = `${(row.warmCpuMs / ours!.warmCpuMs).toFixed(2)}x`.padStart(6)
    const more =
      row.slopeCpuNs === undefined
        ? ''
        : `${Math.round(row.slopeCpuNs)} ns, ${(row.slopeCpuNs / ours!.slopeCpuNs!).toFixed(2)}x`
    const figures = [seconds(row.coldCpuMs), `${seconds(row.warmCpuMs)} ${times}`, seconds(row.warmWallMs)]
    const memory = `${Math.round(row.peakBytes / 2 ** 20)} MB`.padStart(8)
    console.log(`  ${row.program.padEnd(34)}  ${figures.join('  ')}  ${memory}   ${more}`)
  }
}

async function store(measured: readonly Row[]): Promise<void> {
  const machine = {
    node: process.version,
    processor: os.cpus()[0]?.model,
    cores: os.availableParallelism(),
    load: os.loadavg()[0],
  }
  const file = path.join(import.meta.dirname, '..', 'results', 'rivals.json')
  await writeFile(file, `${JSON.stringify({ ...machine, records, slope, rows: measured }, null, 2)}\n`)
}
