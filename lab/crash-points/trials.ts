/**
 * The job under one kind of fault, arranged so that a bug shows soon. The full enumeration tries all places.
 */
import { BrokenPromise } from './broken-promise.ts'
import { runCases, type Case } from './cases.ts'
import { CrashPoints, emptyBeginning, type Beginning, type CrashOptions } from './crash-points.ts'
import { damages } from './damage.ts'
import { failingOperations, shortWrites } from './disk-faults.ts'
import type { Surroundings } from './life.ts'
import { secondProcesses } from './second-process.ts'

/**
 * Rejects with the first `BrokenPromise` found. Begins where the name of a case, or the disk operation,
 * matches `near`.
 */
export type Trial = (near: RegExp, around?: Surroundings) => Promise<void>

/** The trials by the names that planted bugs use. */
export const trials = {
  'a crash': async (near, around = {}) => {
    const hunt = new Hunt({ around })
    await hunt.points.everywhere(hunt.beginning, (lines) => scattered(lines, near))
    hunt.raise()
  },
  'a second crash': async (near, around = {}) => {
    const hunt = new Hunt({ around })
    const second = await hunt.afterKillOnce(/rename .*checkpoint-0+4\.1\.json/)
    await hunt.points.everywhere(second, (lines) => scattered(lines.slice(0, 30), near))
    hunt.raise()
  },
  'a rescale': async (near, around = {}) => {
    const hunt = new Hunt({ seed: 5, parallelism: 2, parallelismAfter: 1, around })
    await hunt.points.everywhere(hunt.beginning, (lines) => scattered(lines, near))
    hunt.raise()
  },
  damage: async (near, around = {}) => {
    const killed = await new Hunt({ around }).afterKillOnce(/rename .*checkpoint-0+5\.1\.json/)
    await raising([...damages(killed.disk(), 61, { around })], near)
  },
  'failing operations': async (near, around = {}) => {
    const hunt = new Hunt({ around })
    await raising([...failingOperations(await hunt.lines(), { around })], near)
  },
  'short writes': (near, around = {}) => raising([...shortWrites({ around })], near),
  'a second process': (near, around = {}) => raising([...secondProcesses({ around })], near),
} as const satisfies Record<string, Trial>

/**
 * Numbers from 1, those of lines that match `near` first; neighbours far apart, so that frequent failures are
 * found soon.
 */
function scattered(lines: readonly string[], near: RegExp): readonly number[] {
  const step = 61
  const all = lines.map((_, index) => ((index * step) % lines.length) + 1)
  const isNear = (place: number): boolean => near.test(lines[place - 1]!)
  return [...all.filter(isNear), ...all.filter((place) => !isNear(place))]
}

/** Tries crash points until one fails. */
class Hunt {
  readonly points: CrashPoints
  readonly beginning: Beginning

  constructor(options: Partial<CrashOptions>) {
    this.points = new CrashPoints({ chances: 4, skipsKnownDisks: true, failuresMax: 1, ...options })
    this.beginning = emptyBeginning(options)
  }

  lines(): Promise<readonly string[]> {
    return this.points.calmLife(this.beginning)
  }

  /** The start after a run that was killed right after a matching operation. */
  async afterKillOnce(pattern: RegExp): Promise<Beginning> {
    const index = (await this.lines()).findIndex((line) => pattern.test(line))
    if (index < 0) throw new Error(`no operation is like ${pattern}`)
    return this.points.afterKillAt(this.beginning, index + 1)
  }

  raise(): void {
    for (const failure of this.points.report.failures) throw new BrokenPromise(failure)
  }
}

async function raising(cases: readonly Case[], near: RegExp): Promise<void> {
  const places = scattered(
    cases.map(({ name }) => name),
    near,
  )
  const { failures } = await runCases(
    places.map((place) => cases[place - 1]!),
    1,
  )
  for (const failure of failures) throw new BrokenPromise(failure)
}
