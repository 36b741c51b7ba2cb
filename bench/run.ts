/**
 * Runs the benchmarks, each in its own process, and compares them with the stored results.
 *
 * `npm run bench` runs all, `npm run bench channels` those whose name contains the word; `-- --write` stores
 * the results in `bench/results/`. A benchmark is a file `bench/<question>.bench.ts` that calls `measure`
 * once.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import path from 'node:path'
import type { Measurement } from './measure.ts'

/** Results are comparable only on the same machine. */
interface Results {
  readonly node: string
  readonly processor: string
  readonly cores: number
  /** The load of other processes: the load average of the minute before. Above 0.5, compare ratios only. */
  readonly load: number
  readonly measurements: readonly Measurement[]
}

const folder = import.meta.dirname

function run(question: string): Results {
  const file = path.join(folder, `${question}.bench.ts`)
  const load = loadavg()[0] ?? Number.NaN
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--expose-gc', file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return {
    node: process.version,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    load,
    measurements: JSON.parse(output) as Measurement[],
  }
}

function print(question: string, results: Results, stored: Results | undefined): void {
  console.log(
    `\n${question}: node ${results.node}, ${results.cores} cores, ${results.processor}, load ${results.load}`,
  )
  for (const measurement of results.measurements) {
    const { name, nanoseconds, runs, note = '' } = measurement
    const before = stored?.measurements.find((each) => each.name === name)?.nanoseconds
    const change =
      before === undefined ? '' : `${Math.round((nanoseconds / before - 1) * 100)} % against stored`
    console.log(
      `  ${name.padEnd(44)} ${String(nanoseconds).padStart(9)} ns  ${runs} runs  ${note}  ${change}`,
    )
    printRivals(measurement)
  }
}

/** One line for each rival: its cost, the ratio of ours to it, and whether this meets the limit. */
function printRivals({ nanoseconds, rivals = {}, bar }: Measurement): void {
  for (const [rival, theirs] of Object.entries(rivals)) {
    const ratio = nanoseconds / theirs
    const verdict =
      bar?.rival === rival ? `bar ${bar.times.toFixed(2)}: ${ratio <= bar.times ? 'met' : 'missed'}` : ''
    console.log(
      `    ${rival.padEnd(42)} ${String(theirs).padStart(9)} ns  ratio ${ratio.toFixed(2).padStart(5)}  ${verdict}`,
    )
  }
}

function main(args: readonly string[]): void {
  const words = args.filter((arg) => !arg.startsWith('--'))
  const questions = readdirSync(folder)
    .filter((file) => file.endsWith('.bench.ts'))
    .map((file) => file.replace('.bench.ts', ''))
    .filter((question) => words.every((word) => question.includes(word)))
  for (const question of questions) {
    const file = path.join(folder, 'results', `${question}.json`)
    const stored = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Results) : undefined
    const results = run(question)
    print(question, results, stored)
    if (!args.includes('--write')) continue
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`)
  }
}

main(process.argv.slice(2))
