/**
 * How many state queries does a running job answer in a second, on one core, and is every answer right? `npm run state-queries`.
 *
 * The job runs on one core and is asked from another. Then it is killed and started again with other parallelism, again and
 * again, while queries continue. Every answer is compared with what the record count of a key implies, and every checkpoint
 * with one cut through the input.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { answering, query, wrongCut, type Tally } from './queries.ts'

const root = path.resolve(import.meta.dirname, '../..')
const seconds = Number(process.argv[2] ?? 10)
const restarts = Number(process.argv[3] ?? 6)
/** What one core must answer in a second beside the job. */
const leastRate = 1_000

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

function start(directory: string, port: number, parallelism: number): ChildProcess {
  const command = [
    path.join(root, 'packages/millrace/bin/millrace.js'),
    'run',
    path.join(import.meta.dirname, 'pipeline.ts'),
    `--data-dir=${directory}/data`,
    `--control=${port}`,
    `--parallelism=${parallelism}`,
    '--threads=1',
  ]
  return spawn('taskset', ['-c', '0', process.execPath, ...command], { stdio: 'ignore' })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The CPU time of a process so far, in milliseconds. */
async function cpuMs({ pid }: ChildProcess): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return (user! + system!) * (1_000 / Number(execFileSync('getconf', ['CLK_TCK'])))
}

function report(
  what: string,
  { answers, unready, unreachable, serverErrors, wrong }: Tally,
  more: string,
): void {
  print(
    `${what}: ${answers} answers, ${unready} while it starts or stops, ${unreachable} without a server, ${serverErrors} of 5xx, ${wrong.length} wrong${more}`,
  )
  for (const each of wrong.slice(0, 5)) print(`  ${each}`)
  if (wrong.length > 0 || serverErrors > 0) process.exitCode = 1
}

const directory = await mkdtemp(path.join(tmpdir(), 'millrace-queries-'))
const port = await freePort()
const base = `http://127.0.0.1:${port}`
let job = start(directory, port, 1)
try {
  await answering(base)
  const before = await cpuMs(job)
  const until = performance.now() + seconds * 1_000
  const tally = await query(
    () => base,
    () => performance.now() >= until,
  )
  const share = ((await cpuMs(job)) - before) / (seconds * 1_000)
  const rate = Math.round(tally.answers / seconds)
  report(
    'running',
    tally,
    `; ${rate} a second, the job used ${Math.round(share * 100)} % of its core, load ${loadavg()[0]!.toFixed(1)}`,
  )

  if (rate < leastRate) {
    print(`  fewer than ${leastRate} a second`)
    process.exitCode = 1
  }

  let isOver = false
  const asking = query(
    () => base,
    () => isOver,
  )
  const cuts: string[] = []
  for (let n = 0; n < restarts; n++) {
    job.kill('SIGKILL')
    await once(job, 'exit')
    job = start(directory, port, [2, 4, 1][n % 3]!)
    await answering(base)
    for (let look = 0; look < 5; look++) {
      const wrong = await wrongCut(base)
      if (wrong !== undefined) cuts.push(wrong)
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
  }
  isOver = true
  report(`killed ${restarts} times and rescaled`, await asking, `; ${cuts.length} checkpoints are no cut`)
  for (const each of cuts.slice(0, 5)) print(`  ${each}`)
  if (cuts.length > 0) process.exitCode = 1
} finally {
  job.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
}
process.exit()
