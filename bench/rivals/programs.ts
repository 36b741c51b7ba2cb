import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { cached } from '../../scripts/services/cache.ts'
import type { BidJobName } from '../bid-jobs.ts'
import { mavenBuild } from '../maven-build.ts'

const execute = promisify(execFile)
const folder = import.meta.dirname

/** A program that does the jobs. It takes the arguments of `turns.ts`. */
export interface Program {
  /** What it is, with its version. */
  readonly title: string
  /** The command and its first arguments. */
  readonly command: readonly string[]
  /** Why it is not run for a job at a parallelism; undefined if it is. */
  readonly lacks?: (job: BidJobName, parallelism: number) => string | undefined
}

/** What is compared, by the name on the command line. Each is prepared when it is wanted; the error says why it cannot be had. */
export const programs: Readonly<Record<string, () => Promise<Program>>> = {
  millrace: async () => nodeProgram('Millrace', 'millrace.ts'),
  node: async () => ({
    ...nodeProgram(`loop by hand, Node ${process.versions.node}`, 'loop-by-hand.ts'),
    lacks: oneThread,
  }),
  go,
  flink,
  bytewax,
  duckdb: async () => nodeProgram(`DuckDB ${versionOf('@duckdb/node-api')} (batch)`, 'duckdb.ts'),
}

function oneThread(_job: BidJobName, parallelism: number): string | undefined {
  return parallelism === 1 ? undefined : 'it has one thread'
}

function nodeProgram(title: string, file: string): Program {
  return { title, command: [process.execPath, '--import', 'tsx', path.join(folder, file)] }
}

function versionOf(name: string): string {
  return (createRequire(import.meta.url)(`${name}/package.json`) as { version: string }).version
}

async function go(): Promise<Program> {
  const program = path.join(os.tmpdir(), `millrace-bench-bids-go-${process.pid}`)
  // The installed version: Go would otherwise download a newer one if the module requires it.
  const env = { ...process.env, GOTOOLCHAIN: 'local' }
  await execute('go', ['build', '-o', program, '.'], { cwd: path.join(folder, 'go'), env })
  const { stdout } = await execute('go', ['env', 'GOVERSION'], { env })
  return {
    title: `loop by hand, Go ${stdout.trim().replace(/^go/, '')}`,
    command: [program],
    lacks: oneThread,
  }
}

/** Flink reflects on classes of the JDK: these are the packages that its own configuration opens. */
const opened = [
  'java.base/java.util',
  'java.base/java.lang',
  'java.base/java.net',
  'java.base/java.nio',
  'java.base/java.time',
  'java.base/java.util.concurrent',
]

async function flink(): Promise<Program> {
  const classPath = await mavenBuild('bench-flink-2.3.0', path.join(folder, 'flink'))
  const open = opened.map((name) => `--add-opens=${name}=ALL-UNNAMED`)
  return {
    title: 'Apache Flink 2.3.0',
    command: ['java', '-Xmx4g', ...open, '-cp', classPath, 'bids.Main'],
  }
}

async function bytewax(): Promise<Program> {
  const version = '0.21.1'
  const home = await cached(`bench-bytewax-${version}`, async (work) => {
    const packages = path.join(work, 'packages')
    const pip = ['-m', 'pip', 'install', '--quiet', '--target', packages, `bytewax==${version}`]
    await execute('python3', pip)
    return packages
  })
  return {
    title: `Bytewax ${version}`,
    command: ['env', `PYTHONPATH=${home}`, 'python3', path.join(folder, 'bytewax_bids.py')],
    lacks: (job, parallelism) => oneThread(job, parallelism) ?? manyKeys(job),
  }
}

/** It visits every key with an open window for each batch: 30,000 bids of 10,000 auctions took 26 s, of a million 120 s. */
function manyKeys(job: BidJobName): string | undefined {
  return job === 'tumbling' || job === 'total' ? `${job} takes minutes, since it has many keys` : undefined
}
