import { seededRandom } from '@millrace/world'
import type { Clock, Random, Scheduler } from '@millrace/world'
import { anyPolicy } from './schedule-policy.ts'
import type { SchedulePolicy } from './schedule-policy.ts'
import { SimWorld } from './sim-world.ts'
import { LeftOverTasks, TaskSimulationFailure } from './task-failures.ts'
import { taskRoster } from './task-context.ts'

/** The part of the world that a simulated test receives. */
export interface TaskWorld {
  /** The seed of this run. */
  readonly seed: number
  /** Virtual time. It starts at the beginning of 2026 and passes only while every task is durably blocked. */
  readonly clock: Clock
  /** Randomness from the seed. A select without its own source uses the seed as well. */
  readonly random: Random
  /** Gives the other tasks a turn. */
  readonly scheduler: Scheduler
  /**
   * Waits until every other task is durably blocked, without letting time pass: Go's `synctest.Wait`.
   *
   * After `sleep(world.clock, ms)` it waits for everything that is due at the same instant.
   */
  readonly settle: () => Promise<void>
}

/** The number of runs, and what counts as a failure. */
export interface SimulateTasksOptions {
  /** How many seeds: 0, 1, 2 ... Default 100. */
  readonly seeds?: number
  /** Runs this seed alone. */
  readonly seed?: number
  /** Runs each seed twice and fails when they differ, because something other than the seed had an influence. */
  readonly twice?: boolean
  /**
   * Allows tasks that still wait when the test ends. Default: they fail it, because a task that cannot resume is a
   * leak.
   */
  readonly mayLeaveTasks?: boolean
  /** A run that takes more steps than this is stuck in a loop. Default 1 million. */
  readonly stepsMax?: number
}

/** The result of all runs. */
export interface TaskSimulation {
  /** The number of seeds. */
  readonly seeds: number
  /** The number of different schedules among them. */
  readonly schedules: number
  /** The total number of steps. */
  readonly steps: number
}

/**
 * Runs a test of concurrent code under many schedules, each chosen by a seed.
 *
 * Only one task runs at a time: one that waits on a channel, a select, a scope, a group or a clock resumes when the
 * seed says so. Each seed also draws a policy: random, the oldest first, the newest first, strict priorities that
 * change at a few moments, or one starved task. Time is virtual and moves only when every task is durably blocked, that
 * is, waits for something that only another task or a timer can end; the definition is that of Go's `testing/synctest`.
 *
 * Meanwhile `systemClock`, `systemRandom` and `systemScheduler` are the world's, so code that uses them needs no
 * change; a turn of the system's scheduler lets every ready task run. The test must create everything it uses in each
 * run. The world does not control other sources, such as `Math.random` or a real timer.
 *
 * @throws TaskSimulationFailure for the first seed that fails, with the way to run that one alone, the last steps, and
 * as its cause what went wrong: what the test threw; SimDeadlock, when no step is possible any more, with which task
 * waits on what, since when, and at which line; OutsideWait, when the test waits for a real timer, file or socket;
 * LeftOverTasks, when others still wait at its end.
 *
 * @example
 * const { seeds } = await simulateTasks(async (world) => {
 *   const channel = new Channel<number>()
 *   await using scope = new Scope()
 *   scope.go((signal) => channel.send(1, signal))
 *   await sleep(world.clock, 1_000)
 *   assert((await channel.receive()).value === 1)
 * })
 * seeds // => 100
 */
export async function simulateTasks(
  test: (world: TaskWorld) => Promise<void>,
  options: SimulateTasksOptions = {},
): Promise<TaskSimulation> {
  const { seeds = 100, seed: only, twice = false } = options
  const schedules = new Set<number>()
  let steps = 0
  const first = only ?? 0
  const end = only === undefined ? seeds : only + 1
  for (let seed = first; seed < end; seed++) {
    const life = await liveOnce(test, seed, options)
    if (life.error !== undefined) throw await explain(test, options, life)
    if (twice) await compare(test, options, life)
    schedules.add(life.world.trace.digest)
    steps += life.world.steps
  }
  return { seeds: end - first, schedules: schedules.size, steps }
}

/** One run of one seed. */
interface Life {
  readonly seed: number
  readonly policy: SchedulePolicy
  readonly world: SimWorld
  readonly error: { readonly thrown: unknown } | undefined
}

async function liveOnce(
  test: (world: TaskWorld) => Promise<void>,
  seed: number,
  { stepsMax = 1_000_000, mayLeaveTasks = false }: SimulateTasksOptions,
  isWatched = false,
): Promise<Life> {
  const policy = anyPolicy(seededRandom(seed).fork('policy'))
  const roster = isWatched ? { roster: taskRoster } : {}
  const world = new SimWorld({ seed, stepsMax, policy, ...roster })
  let error: Life['error']
  try {
    await world.run(async () => {
      const { clock, scheduler } = world.current
      const random = world.random.fork('test')
      await test({ seed, clock, random, scheduler, settle: () => world.settle() })
      await world.settle()
    })
    if (!mayLeaveTasks && world.waits.length > 0) throw new LeftOverTasks(world.waits, world.waitsText)
  } catch (thrown) {
    error = { thrown }
  }
  return { seed, policy, world, error }
}

/** Repeats a failed seed with a roster, so that the failure shows where each task waits. */
async function explain(
  test: (world: TaskWorld) => Promise<void>,
  options: SimulateTasksOptions,
  { seed, policy, world, error }: Life,
): Promise<TaskSimulationFailure> {
  const again = await liveOnce(test, seed, options, true)
  const isSame = again.world.trace.digest === world.trace.digest
  const thrown = isSame && again.error !== undefined ? again.error.thrown : error!.thrown
  return new TaskSimulationFailure({
    seed,
    policy,
    isSame,
    thrown,
    // Under watch they say whose each step was.
    lines: (isSame ? again : { world }).world.trace.lines,
    steps: world.steps,
  })
}

async function compare(
  test: (world: TaskWorld) => Promise<void>,
  options: SimulateTasksOptions,
  { seed, policy, world }: Life,
): Promise<void> {
  const again = await liveOnce(test, seed, options)
  if (again.world.trace.digest === world.trace.digest) return
  const thrown = new Error(`step ${firstDifference(world, again.world)} was not the same the second time`)
  const { lines } = world.trace
  throw new TaskSimulationFailure({ seed, policy, isSame: false, thrown, lines, steps: world.steps })
}

/** Returns the first step at which two traces differ, as far as their lines reach back. */
function firstDifference(a: SimWorld, b: SimWorld): string {
  const [one, other] = [a.trace, b.trace]
  const first = one.length - one.lines.length
  const index = one.lines.findIndex((line, i) => other.lines[i] !== line)
  if (index === -1 || other.length - other.lines.length !== first) return `1 to ${one.length}: one of them`
  return `${first + index + 1} ("${one.lines[index]}", then "${other.lines[index] ?? 'nothing'}")`
}
