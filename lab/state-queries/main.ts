/**
 * How many state queries does a running job answer in a second, on one core, and is every answer right? `npm run state-queries`.
 *
 * The job runs on one core and is asked from another. Then it is killed and started again with other parallelism, again and
 * again, while queries continue. Every answer is compared with what the record count of a key implies, and every checkpoint
 * with one cut through the input.
 *
 * The rate is that of a second of the job's CPU time, records included: beside other processes a second of the clock has less.
 */
import { execFileSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import process from 'node:process'
import { CountingJob } from './counting-job.ts'
import { query, wrongCut, type Tally } from './queries.ts'

const seconds = Number(process.argv[2] ?? 10)
const restarts = Number(process.argv[3] ?? 6)
/** What one core must answer in a second beside the job. */
const leastRate = 1_000

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** The CPU time of a process so far, in milliseconds. */
async function cpuMs(pid: number): Promise<number> {
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

const job = await CountingJob.make(['taskset', '-c', '0'])
try {
  await job.start('--threads=1')
  const before = await cpuMs(job.pid)
  const until = performance.now() + seconds * 1_000
  const tally = await query(
    () => job.url,
    () => performance.now() >= until,
  )
  const share = ((await cpuMs(job.pid)) - before) / (seconds * 1_000)
  const rate = Math.round(tally.answers / (share * seconds))
  report(
    'running',
    tally,
    `; ${rate} in a second of CPU time, ${Math.round(tally.answers / seconds)} in one of the clock; the job used ${Math.round(share * 100)} % of its core, load ${loadavg()[0]!.toFixed(1)}`,
  )

  if (rate < leastRate) {
    print(`  fewer than ${leastRate} in a second of CPU time`)
    process.exitCode = 1
  }

  let isOver = false
  const asking = query(
    () => job.url,
    () => isOver,
  )
  const cuts: string[] = []
  for (let n = 0; n < restarts; n++) {
    await job.kill()
    await job.start('--threads=1', `--parallelism=${[2, 4, 1][n % 3]!}`)
    for (let look = 0; look < 5; look++) {
      const cut = await wrongCut(job.url)
      if (typeof cut === 'string') cuts.push(cut)
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
  }
  isOver = true
  report(`killed ${restarts} times and rescaled`, await asking, `; ${cuts.length} checkpoints are no cut`)
  for (const each of cuts.slice(0, 5)) print(`  ${each}`)
  if (cuts.length > 0) process.exitCode = 1
} finally {
  await job.remove()
}
process.exit()
