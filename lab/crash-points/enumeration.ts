/** All crash-point parts, with the effort that a level allows. */
import { runCases, type Case } from './cases.ts'
import { CrashPoints, emptyBeginning, type Beginning, type CrashOptions } from './crash-points.ts'
import { damages } from './damage.ts'
import { failingOperations, fullDisks, shortWrites } from './disk-faults.ts'
import { secondProcesses } from './second-process.ts'

/**
 * `short` tries some crash points, for a quick run on another platform; `default` tries every one, in a
 * minute; `full` tries more random disk states, and every crash point of other runs.
 */
export type Level = 'short' | 'default' | 'full'

/** The result of one part. */
export interface PartReport {
  /** One line for people. */
  readonly summary: string
  readonly failures: readonly string[]
}

interface Effort {
  readonly crashes: Pick<CrashOptions, 'chances' | 'skipsKnownDisks'>
  /** The interval of operations to try. */
  readonly step: number
  readonly stepOfOthers: number
  /** The interval of damaged bytes. */
  readonly damageStep: number
}

const efforts: Readonly<Record<Level, Effort>> = {
  short: { crashes: { chances: 1, skipsKnownDisks: true }, step: 20, stepOfOthers: 200, damageStep: 2_503 },
  default: { crashes: { chances: 2, skipsKnownDisks: true }, step: 1, stepOfOthers: 14, damageStep: 199 },
  full: { crashes: { chances: 6, skipsKnownDisks: false }, step: 1, stepOfOthers: 1, damageStep: 7 },
}

/** Different runs: in randomness, in write sizes, in the number of subtasks before and after. */
const otherLives: readonly Partial<CrashOptions>[] = [
  { seed: 2 },
  { seed: 3, writeBytesMax: 250 },
  { seed: 4, parallelism: 2 },
  { seed: 5, parallelism: 2, parallelismAfter: 1 },
  { seed: 6, parallelism: 1, parallelismAfter: 3 },
]

/** The parts by name. */
export const parts = {
  'crash points': async (level) => {
    const { crashes, step } = efforts[level]
    const points = new CrashPoints(crashes)
    await points.everywhere(emptyBeginning(), (lines) => everyNth(lines, step))
    return reportOf('crash points', [points])
  },
  'crash points of other lives': async (level) => {
    const { crashes, stepOfOthers } = efforts[level]
    const all: CrashPoints[] = []
    for (const other of otherLives) {
      const points = new CrashPoints({ ...crashes, ...other })
      await points.everywhere(emptyBeginning(other), (lines) => everyNth(lines, stepOfOthers))
      all.push(points)
    }
    return reportOf('crash points of other lives', all)
  },
  'crash points of a recovery': async (level) => {
    const points = new CrashPoints({ chances: 1, skipsKnownDisks: true })
    const lines = await points.calmLife(emptyBeginning())
    for (const first of level === 'full' ? everyNth(lines, 3) : turningPoints(lines)) {
      const second = await points.afterKillAt(emptyBeginning(), first)
      await points.everywhere(second, (all) => everyNth(all.slice(0, 40), efforts[level].step))
    }
    return reportOf('crash points of a recovery', [points])
  },
  'failing operations': async (level) =>
    reportOn('failing operations', failingOperations(await calmLife()), level),
  'full disks': async (level) => reportOn('full disks', fullDisks(await calmLife()), level),
  'short writes': () => reportOn('short writes', shortWrites(), 'full'),
  damage: async (level) => {
    const cases: Case[] = []
    for (const killed of await killedJobs()) cases.push(...damages(killed.disk(), efforts[level].damageStep))
    return reportOn('damage', cases, 'full')
  },
  'second processes': () => reportOn('second processes', secondProcesses(), 'full'),
} as const satisfies Record<string, (level: Level) => Promise<PartReport>>

/** Every `n`th index of a list, from 1. */
function everyNth(list: readonly unknown[], n: number): readonly number[] {
  return list.map((_, index) => index + 1).filter((place) => place % n === 0)
}

function calmLife(): Promise<readonly string[]> {
  return new CrashPoints(efforts.default.crashes).calmLife(emptyBeginning())
}

/** Points in the middle of a run after which the next one has work to finish. */
function turningPoints(lines: readonly string[]): readonly number[] {
  const published = lines.findIndex((line) => /rename .*checkpoint-0+4\.1\.json/.test(line))
  const after = (pattern: RegExp): number =>
    lines.findIndex((line, index) => index > published && pattern.test(line)) + 1
  return [published + 1, after(/write out\/live/), after(/rename .*staged/), after(/remove .*\.seg/)]
}

/** Jobs killed right after a checkpoint was published, and right after older ones were removed. */
async function killedJobs(): Promise<readonly Beginning[]> {
  const points = new CrashPoints(efforts.default.crashes)
  const [published, , , removed] = turningPoints(await calmLife())
  return Promise.all([published!, removed!].map((place) => points.afterKillAt(emptyBeginning(), place)))
}

function reportOf(name: string, all: readonly CrashPoints[]): PartReport {
  const sum = (count: (points: CrashPoints) => number): string =>
    figure(all.reduce((total, each) => total + count(each), 0))
  const operations = sum(({ report }) => report.operations)
  const outcomes = sum(({ report }) => report.outcomes)
  const disks = sum(({ report }) => report.disks)
  const failures = all.flatMap(({ report }) => report.failures)
  const counts = `${operations} operations, ${outcomes} outcomes (${disks} different disks), ${failures.length} failures`
  return { summary: `${name}: ${counts}`, failures }
}

async function reportOn(name: string, cases: Iterable<Case>, level: Level): Promise<PartReport> {
  const all = [...cases]
  const chosen = everyNth(all, efforts[level].step).map((place) => all[place - 1]!)
  const { cases: count, outcomes, failures } = await runCases(chosen)
  const list = [...outcomes].map(([outcome, times]) => `${figure(times)} ${outcome}`).join(', ')
  return { summary: `${name}: ${figure(count)} cases (${list}), ${failures.length} failures`, failures }
}

function figure(count: number): string {
  return count.toLocaleString('en-US')
}
