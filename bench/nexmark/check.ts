/**
 * Compares the rows of each query with those of DuckDB over the same events.
 *
 * `npm run nexmark:check -- [QUERY ...] [--events 1000000] [--rate 100000] [--group 1] [--kill]`: with `--kill` each
 * job is killed in the middle, twice, and started again.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
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
    kill: { type: 'boolean', default: false },
  },
})

const program = path.join(import.meta.dirname, 'check-query.ts')

/** Runs a query in a process of its own; kills it after `killAfterMs`. Returns whether it ran to its end. */
async function run(name: string, input: Input, folder: string, killAfterMs?: number): Promise<boolean> {
  const everyMs = values.kill ? 100 : 1_000
  const args = [
    '--max-old-space-size=12000',
    '--import',
    'tsx',
    program,
    name,
    input.binary,
    folder,
    String(everyMs),
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  if (killAfterMs !== undefined) {
    await Promise.race([pause(killAfterMs), ended])
    child.kill('SIGKILL')
  }
  const [code, signal] = await ended
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(`${name} failed with exit code ${code ?? signal}`)
  return signal === null
}

/** Returns how many of two kills found the job running. */
async function runAndKill(name: string, input: Input, folder: string): Promise<number> {
  if (!values.kill) {
    await run(name, input, folder)
    return 0
  }
  // The first run, on a folder of its own, says how long it takes.
  const startedAt = performance.now()
  await run(name, input, path.join(folder, 'undisturbed'))
  const tookMs = performance.now() - startedAt
  let kills = 0
  for (const share of [0.5, 0.7]) if (!(await run(name, input, folder, tookMs * share))) kills++
  await run(name, input, folder)
  return kills
}

/** The file with the final rows. */
async function finalRows(query: Query, folder: string): Promise<string> {
  const written = path.join(folder, 'rows.txt')
  if (!isFolded(query)) return written
  const lines = await finalLines(query, createInterface({ input: createReadStream(written) }))
  const final = path.join(folder, 'final.txt')
  await writeFile(
    final,
    lines.map((line) => `${line}\n`),
  )
  return final
}

async function check(name: string, input: Input, oracle: DuckOracle): Promise<boolean> {
  const query = queries[name]!
  const folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-nexmark-check-'))
  try {
    const kills = await runAndKill(name, input, folder)
    const { rows, missing, unexpected, samples } = await oracle.compare(name, await finalRows(query, folder))
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
let wrong = 0
for (const name of names) if (!(await check(name, input, oracle))) wrong++
oracle.close()
console.log(`${names.length - wrong} of ${names.length} queries agree with the oracle`)
process.exitCode = wrong === 0 ? 0 : 1
