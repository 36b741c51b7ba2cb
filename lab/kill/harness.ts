import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@millrace/world'
import { Command } from '../../packages/millrace/test/command.ts'
import { writeInput } from './input.ts'
import { compare, expected, type Verdict } from './oracle.ts'
import { OutputReader } from './reader.ts'

/** The plan of a kill test. */
export interface KillPlan {
  readonly seed: number
  readonly records: number
  /** SIGKILLs at random moments of a run. */
  readonly kills: number
  /** SIGKILLs while the process starts and recovers. */
  readonly recoveryKills: number
  /** The longest time before a kill, in milliseconds from the end of recovery. */
  readonly longestRunMs: number
  /** Records a second, or 0 for no limit. */
  readonly rate?: number
  /** A planted bug, by its name in `planted.ts`. */
  readonly mistake?: string
}

export interface KillReport extends Verdict {
  readonly plan: KillPlan
  /** How many kills hit a running process. */
  readonly killed: number
  readonly starts: number
  readonly looks: number
  /** Violations seen by a reader. */
  readonly violations: readonly string[]
  /** How the last run failed, if it did. */
  readonly failure: string | undefined
}

const program = fileURLToPath(new URL('pipeline.ts', import.meta.url))

/** Runs the job repeatedly, kills it, finally lets it finish, and checks its output. */
export async function killTest(plan: KillPlan): Promise<KillReport> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-kill-'))
  try {
    await writeInput(path.join(directory, 'in'), plan.records)
    const reader = new OutputReader(path.join(directory, 'out'), path.join(directory, 'data'))
    const lives = new Lives(plan, directory, reader)
    const failure = await lives.run()
    reader.compareAll()
    const verdict = compare(expected(plan.records), reader.everything())
    const { killed, starts } = lives
    return { plan, killed, starts, looks: reader.looks, violations: reader.violations, failure, ...verdict }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** When a process is killed: a time after it has recovered, or at a fraction of the last recovery time. */
type Moment =
  | { readonly kind: 'running'; readonly afterMs: number }
  | { readonly kind: 'recovering'; readonly share: number }

class Lives {
  readonly #plan: KillPlan
  readonly #directory: string
  readonly #reader: OutputReader
  killed = 0
  starts = 0
  #startMs = 1_000

  constructor(plan: KillPlan, directory: string, reader: OutputReader) {
    this.#plan = plan
    this.#directory = directory
    this.#reader = reader
  }

  async run(): Promise<string | undefined> {
    const { seed, kills, recoveryKills, longestRunMs } = this.#plan
    const random = seededRandom(seed)
    const moments = [
      ...Array.from({ length: kills }, (): Moment => ({
        kind: 'running',
        afterMs: random.int(longestRunMs),
      })),
      ...Array.from({ length: recoveryKills }, (): Moment => ({
        kind: 'recovering',
        share: 0.5 + random.next() / 2,
      })),
    ]
    // Kills during recovery are mixed with the others, where there is something to recover.
    for (let i = moments.length - 1; i > 0; i--) {
      const other = random.int(i + 1)
      ;[moments[i], moments[other]] = [moments[other]!, moments[i]!]
    }
    for (const moment of moments) {
      const ended = await this.#live(moment)
      if (ended !== 'killed') return ended
    }
    const ended = await this.#live(undefined)
    return ended === 'killed' ? 'killed by another process' : ended
  }

  /** Runs one process: `'killed'`, or the failure, or undefined if it finished. */
  async #live(moment: Moment | undefined): Promise<string | undefined> {
    this.starts++
    const { rate = 0, mistake = 'none' } = this.#plan
    const directory = this.#directory
    const parameters = [`directory=${directory}`, `rate=${rate}`, `mistake=${mistake}`]
    const command = new Command([
      'run',
      program,
      '--bounded',
      '--json',
      '--data-dir',
      path.join(directory, 'data'),
      ...parameters.flatMap((parameter) => ['--parameter', parameter]),
    ])
    let isOver = false
    const watching = this.#watch(() => isOver)
    const startedAt = performance.now()
    if (moment !== undefined) {
      if (moment.kind === 'recovering')
        await Promise.race([pause(this.#startMs * moment.share), command.ended])
      else {
        await command.says(/"event":"started"/).catch(() => {})
        this.#startMs = performance.now() - startedAt
        await Promise.race([pause(moment.afterMs), command.ended])
      }
      command.kill('SIGKILL')
    }
    const { code, err, out } = await command.ended
    isOver = true
    await watching
    if (code === 'SIGKILL') {
      this.killed++
      this.#reader.lookAfterKill()
      return 'killed'
    }
    return code === 0 ? undefined : `exit code ${String(code)}: ${err.slice(-2_000)}${out.slice(-500)}`
  }

  async #watch(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.#reader.look()
      await pause(20)
    }
    this.#reader.look()
  }
}

/** One line for people and logs. */
export function summary(report: KillReport): string {
  const { plan, killed, starts, lines, lost, double, violations, looks } = report
  return `kill test: seed ${plan.seed}, ${killed} kills, ${starts} starts, ${plan.records} records in, ${lines} lines out, ${lost} lost, ${double} double, ${violations.length} uncommitted or changed lines in ${looks} looks`
}
