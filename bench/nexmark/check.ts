/**
 * Compares the rows of each query with those of DuckDB over the same events.
 *
 * `npm run nexmark:check -- [QUERY ...] [--events 1000000] [--rate 100000] [--group 1] [--parallelism 1] [--kill]`: with
 * `--kill` each job is killed twice while it runs, and started again.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os, { availableParallelism } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { inputFiles, type Input } from './input.ts'
import { DuckOracle } from './oracle/duck-oracle.ts'
import { queries } from './queries/all.ts'
import type { Query } from './queries/query.ts'
import { finalLines, isFolded } from './row-text.ts'

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    events: { type: 'string', default: '1000000' },
    rate: { type: 'string', default: '100000' },
    group: { type: 'string', default: '1' },
    parallelism: { type: 'string', default: '1' },
    kill: { type: 'boolean', default: false },
  },
})

const program = path.join(import.meta.dirname, 'check-query.ts')

/** A job is killed some time after this many checkpoints. */
const checkpointsBeforeKill = 3
/** Often enough that a short job is killed in the middle. */
const checkpointEveryMs = values.kill ? 50 : 1_000

/** Runs a query in a process of its own, to its end or until it is killed. Returns whether it was. */
async function run(name: string, input: Input, folder: string, isToBeKilled: boolean): Promise<boolean> {
  const settings = [name, input.binary, folder, String(checkpointEveryMs), values.parallelism]
  const child = spawn(
    process.execPath,
    ['--max-old-space-size=12000', '--import', 'tsx', program, ...settings],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  let checkpoints = 0
  // A line of the output is a completed checkpoint.
  child.stdout.on('data', (lines: Buffer) => {
    checkpoints += lines.toString().split('\n').length - 1
    if (!isToBeKilled || checkpoints < checkpointsBeforeKill) return
    isToBeKilled = false
    setTimeout(() => child.kill('SIGKILL'), Math.random() * 2 * checkpointEveryMs)
  })
  const [code, signal] = await ended
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${name} failed with exit code ${code ?? signal}`)
  return signal !== null
}

/** Runs a query to its end. Returns how often it was killed before. */
async function runAndKill(name: string, input: Input, folder: string): Promise<number> {
  let kills = 0
  for (let lives = values.kill ? 2 : 0; lives > 0; lives--) if (await run(name, input, folder, true)) kills++
  await run(name, input, folder, false)
  return kills
}

/** The files with the final rows. */
async function finalRows(query: Query, folder: string): Promise<readonly string[]> {
  // Each subtask writes a file of its own.
  const names = (await readdir(folder)).filter((name) => name.startsWith('rows'))
  const written = names.map((name) => path.join(folder, name))
  if (!isFolded(query)) return written
  const lines = await finalLines(query, linesOf(written))
  const final = path.join(folder, 'final.txt')
  await writeFile(final, inParts(lines))
  return [final]
}

/** The text of lines in parts: that of millions of rows is longer than a string can be. */
function* inParts(lines: readonly string[]): Generator<string> {
  for (let i = 0; i < lines.length; i += 10_000) yield `${lines.slice(i, i + 10_000).join('\n')}\n`
}

async function* linesOf(files: readonly string[]): AsyncGenerator<string> {
  for (const file of files) yield* createInterface({ input: createReadStream(file) })
}

/** Comparisons, one after another: each uses both cores. */
let comparisons = Promise.resolve<unknown>(undefined)

async function check(name: string, input: Input, oracle: DuckOracle): Promise<boolean> {
  const query = queries[name]!
  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-nexmark-check-'))
  try {
    const kills = await runAndKill(name, input, folder)
    const files = await finalRows(query, folder)
    const comparison = comparisons.then(() => oracle.compare(name, files))
    comparisons = comparison
    const { rows, missing, unexpected, samples } = await comparison
    const isEqual = missing === 0 && unexpected === 0
    const killed = values.kill ? `, killed ${kills} times` : ''
    console.log(
      `${name}: ${rows} rows${killed}, ${isEqual ? 'equal' : `${missing} missing, ${unexpected} unexpected`}`,
    )
    for (const sample of samples) console.log(`  ${sample}`)
    return isEqual
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const input = await inputFiles({
  events: Number(values.events),
  rate: Number(values.rate),
  outOfOrderGroup: Number(values.group),
})
const oracle = await DuckOracle.open(input.ndjson)
const names = positionals.length === 0 ? Object.keys(queries) : positionals
const left = [...names]
let wrong = 0

/** Checks one query after another until none is left. */
async function checkNext(): Promise<void> {
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (!(await check(name, input, oracle))) wrong++
  }
}

await Promise.all(Array.from({ length: availableParallelism() }, checkNext))
oracle.close()
console.log(`${names.length - wrong} of ${names.length} queries agree with the oracle`)
process.exitCode = wrong === 0 ? 0 : 1
