import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import process from 'node:process'
import type { BidJobName } from '../bid-jobs.ts'

/** What one turn of a program cost: CPU time and memory of the whole process, the time that went by. */
export interface Turn {
  readonly cpuMs: number
  readonly wallMs: number
  readonly peakBytes: number
}

/** The arguments of every program that is compared: `JOB PARALLELISM TURNS OUT IN...`. */
export interface TurnArguments {
  readonly job: BidJobName
  readonly parallelism: number
  /** How often the job runs in the process. The first time is a cold start. */
  readonly turns: number
  /** A directory. Turn `n` writes its lines into files under `turn-n/lines`. */
  readonly out: string
  readonly inputs: readonly string[]
}

export function argumentsText({ job, parallelism, turns, out, inputs }: TurnArguments): readonly string[] {
  return [job, String(parallelism), String(turns), out, ...inputs]
}

/** Runs a job of a program in Node as often as its arguments say, and prints what each turn cost as a line of JSON. */
export async function takeTurns(
  run: (turn: TurnArguments & { readonly lines: string; readonly work: string }) => Promise<void>,
): Promise<void> {
  const [job, parallelism, turns, out, ...inputs] = process.argv.slice(2)
  const given = {
    job: job as BidJobName,
    parallelism: Number(parallelism),
    turns: Number(turns),
    out: out!,
    inputs,
  }
  for (let turn = 0; turn < given.turns; turn++) {
    const before = process.cpuUsage()
    const startedAt = performance.now()
    const work = path.join(given.out, `turn-${turn}`)
    const lines = path.join(work, 'lines')
    await mkdir(lines, { recursive: true })
    await run({ ...given, lines, work })
    const { user, system } = process.cpuUsage(before)
    const cost: Turn = {
      cpuMs: (user + system) / 1e3,
      wallMs: performance.now() - startedAt,
      peakBytes: process.resourceUsage().maxRSS * 1024,
    }
    process.stdout.write(`${JSON.stringify(cost)}\n`)
  }
}
