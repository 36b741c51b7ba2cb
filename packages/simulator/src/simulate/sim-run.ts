import { seededRandom, sleep } from '@millrace/world'
import type { Random } from '@millrace/world'
import { describeError } from '@millrace/core'
import type { Platform } from '@millrace/core/disk'
import { startJob, type Job, type JobEvent } from '@millrace/core/job'
import { simWorkers } from '@millrace/testkit'
import { anyPolicy } from '../world/schedule-policy.ts'
import { SimProcess } from '../world/sim-process.ts'
import { SimWorld } from '../world/sim-world.ts'
import { EndlessRun } from '../world/standstill.ts'
import type { CallWatch } from './call-watch.ts'
import { timedSources } from './ancestors.ts'
import { beginnings, endings, faultKinds, type Fault, type FaultKind } from './fault.ts'
import { keptState, WatchedStore } from './kept-state.ts'
import { Growth } from './growth.ts'
import { isLoud, mutationIn } from './job-failure.ts'
import { isReading, processFacts, type Life, type LifeEnd } from './life.ts'
import { LateSplits } from './late-splits.ts'
import { Outside } from './outside.ts'
import { FreePace, TurnstilePace, type Pace } from './pace.ts'
import { PausedProcesses } from './paused-processes.ts'
import { ProcessFs } from './process-fs.ts'
import type { BrokenPromise, FaultEvent, RunOutcome, RunPlan, Subject } from './run-plan.ts'
import { SpoiledDisk } from './spoiled-disk.ts'
import { Trouble } from './trouble.ts'
import { WorkWatch } from './work-watch.ts'

const directory = 'data'
/** The delay before the supervisor starts the job again while another process still runs. */
const restartDelayMs = 100

/** Runs a pipeline once from its first start to its end, with the planned faults. */
export async function simulateRun(subject: Subject, plan: RunPlan, watch: CallWatch): Promise<RunOutcome> {
  return new SimRun(subject, plan, watch).run()
}

class SimRun {
  readonly #subject: Subject
  readonly #plan: RunPlan
  readonly #watch: CallWatch
  readonly #world: SimWorld
  readonly #random: Random
  readonly #main: SimProcess
  readonly #outside: Outside
  readonly #trouble: Trouble
  readonly #disk: SpoiledDisk
  readonly #store: WatchedStore
  readonly #work: WorkWatch
  readonly #events: FaultEvent[] = []
  readonly #broken: BrokenPromise[] = []
  #life: Life | undefined
  #lives = 0
  #parallelism: number
  /** Which version of the program runs, from 0. */
  #version = 0
  #isResumed = false
  readonly #growth: Growth
  readonly #endedSplits = new Set<string>()
  /** Sources whose records get event times. */
  readonly #timed: ReadonlySet<string>
  readonly #paused: PausedProcesses
  #newestCheckpoint = 0
  #fallbacks = 0
  #isForked = false
  #starts = 0
  #stopped: string | undefined
  #state: RunOutcome['state']

  constructor(subject: Subject, plan: RunPlan, watch: CallWatch) {
    this.#subject = subject
    this.#store = new WatchedStore(subject.store())
    this.#timed = timedSources(subject.graph())
    this.#plan = plan
    this.#growth = new Growth(subject.inputs, plan.order, plan.growsFrom)
    this.#watch = watch
    const { seed, stepsMax } = plan
    this.#work = new WorkWatch(plan.workPerTurn, (what) => this.#broken.push({ kind: 'held', what }))
    this.#random = seededRandom(seed).fork('simulation')
    this.#world = new SimWorld({
      seed,
      stepsMax,
      policy: anyPolicy(this.#random.fork('policy')),
      onStep: (step) => this.#onStep(step),
    })
    this.#main = this.#world.current
    this.#parallelism = plan.parallelism
    const happened = (kind: FaultKind, what: string): void => this.#happened(kind, what)
    this.#trouble = new Trouble(this.#random.fork('trouble'), happened)
    this.#disk = new SpoiledDisk(this.#world.clock, directory, happened)
    this.#outside = new Outside(subject, this.#world, this.#trouble)
    this.#paused = new PausedProcesses(({ name }) =>
      happened('zombie', `${name} wakes up and continues where it was`),
    )
  }

  async run(): Promise<RunOutcome> {
    const { trace, clock } = this.#world
    try {
      await this.#world.run(() => this.#live())
    } catch (error) {
      this.#broken.push({ kind: 'stuck', what: whyStuck(error, this.#outside.failingCalls()) })
    }
    // A fallback takes back what the damaged checkpoint named; the paused process that made it may not know.
    if (this.#fallbacks === 0) {
      for (const what of this.#outside.violations()) this.#broken.push({ kind: 'sink', what })
    }
    return {
      steps: this.#world.steps,
      lives: this.#lives,
      version: this.#version,
      simulatedMs: clock.monotonic(),
      events: this.#events,
      digest: trace.digest,
      outputs: this.#outside.outputs(),
      state: this.#state,
      stopped: this.#stopped,
      broken: this.#broken,
      fallbacks: this.#fallbacks,
      isForked: this.#isForked,
      starts: this.#starts,
      spent: this.#outside.spent,
      brought: this.#outside.brought,
    }
  }

  /** Runs lives until the job has finished or cannot be restarted. */
  async #live(): Promise<void> {
    for (;;) {
      const eventsBefore = this.#events.length
      const { awake } = this.#paused
      const end = await this.#liveOnce()
      if (end.kind === 'crashed') continue
      const { result } = end
      if (result.outcome === 'finished') {
        if (this.#startsAgain()) continue
        if (this.#isResumed || !this.#plan.resumes) break
        this.#isResumed = true
        this.#happened('resume', 'the job has finished and is started again')
        continue
      }
      if (result.outcome === 'stopped') {
        this.#happened('stop', 'the job was stopped and has ended in good order')
        continue
      }
      const mutation = mutationIn(result.error)
      if (mutation !== undefined) {
        this.#broken.push(mutation)
        return
      }
      // The supervisor of the job starts it again, as long as what has failed it was something new.
      if (this.#events.length > eventsBefore) continue
      if (awake > 0) {
        // Only tasks that wait for time move it, and the process that woke up may need some to come to its end.
        await sleep(this.#world.clock, restartDelayMs)
        continue
      }
      if (!this.#disk.isDamaged || !isLoud(result.error)) {
        this.#broken.push({ kind: 'failed', what: `the job failed: ${describeError(result.error)}` })
        return
      }
      this.#stopped = describeError(result.error)
      return
    }
    this.#life!.faults.length = 0
    this.#disk.fs.heal()
    await this.#paused.wakeAll()
    await this.#outside.settle()
    // What has been damaged since it was last read is not the job's to answer for.
    if (this.#disk.isDamaged) return
    this.#work.end()
    this.#state = await keptState(this.#disk.fs, directory, this.#store)
  }

  /** Whether a finished job has only reached the end of a run. */
  #startsAgain(): boolean {
    if (this.#life!.isDrained) return true
    if (this.#growth.isWhole) return false
    this.#happened('grow', this.#growth.grow())
    return true
  }

  /** Runs one life of the process until it ends or is ended. */
  #liveOnce(): Promise<LifeEnd> {
    const number = this.#lives++
    const faults = this.#plan.faults.filter(({ life }) => life === number)
    this.#trouble.heal()
    this.#disk.fs.heal()
    const process = new SimProcess(this.#world, `life ${number}`)
    return new Promise((resolve) => {
      const ended = this.#world.start(process, () => {
        life.job = this.#startJob(life)
        return life.job.ended
      })
      const life: Life = {
        number,
        process,
        since: this.#world.steps,
        faults: faults.filter(({ kind }) => !beginnings.has(kind)),
        late: LateSplits.none(process.clock),
        isDrained: false,
        end: resolve,
        job: undefined,
        ended,
      }
      this.#life = life
      for (const fault of faults) if (beginnings.has(fault.kind)) this.#begin(life, fault)
      void ended.then((result) => {
        if (this.#life === life) resolve({ kind: 'ended', result })
      })
    })
  }

  /** Applies the faults that are decided at the start of a life. */
  #begin(life: Life, { kind, salt }: Fault): void {
    if (kind === 'lateSplits') {
      const ended = (source: string, split: string): boolean =>
        this.#endedSplits.has(`${source}/${split}`) || !this.#growth.isThere(source, split)
      life.late = LateSplits.draw(seededRandom(salt), this.#subject.inputs, ended, life.process.clock)
      return
    }
    if (kind === 'upgrade') return this.#upgrade(salt)
    const others = [1, 2, 3, 4].filter((each) => each !== this.#parallelism)
    const next = others[salt % others.length]!
    this.#happened('rescale', `from parallelism ${this.#parallelism} to ${next}`)
    this.#parallelism = next
  }

  /** Moves to a later version; a program never returns to an earlier one. */
  #upgrade(salt: number): void {
    const left = this.#subject.versions.length - this.#version
    if (left === 0) return
    const next = this.#version + 1 + (salt % left)
    this.#happened('upgrade', `from version ${this.#version} of the program to version ${next}`)
    this.#version = next
  }

  #startJob(life: Life): Job {
    const { checkpointEveryMs, batchRecords, edgeBatches, threads } = this.#plan
    const pace = this.#pace(life)
    const { late, process } = life
    const graph = this.#outside.graph(
      { version: this.#version, pace, late, growth: this.#growth, process, work: this.#work },
      this.#watch,
    )
    const platform = this.#platform(life)
    // Reading what is left at the end is not the job's work.
    const store = new WatchedStore(this.#work.store(this.#subject.store()), this.#store.tables)
    const own = { graph, platform, store }
    return startJob({
      ...own,
      ...(threads && this.#parallelism > 1 ? { workers: simWorkers(own) } : {}),
      directory,
      parallelism: this.#parallelism,
      isBounded: pace.isBounded,
      batchRecords,
      edgeBatches,
      checkpoints: { everyMs: checkpointEveryMs },
      restart: {
        kind: 'exponential',
        firstDelayMs: 10,
        longestDelayMs: 100,
        resetAfterMs: 1_000,
        attempts: 3,
      },
      observer: (event) => this.#observe(life, event),
    })
  }

  #pace({ number, process, late }: Life): Pace {
    const { order, itemsMax, waitMs } = this.#plan
    if (order !== undefined) {
      return new TurnstilePace({
        order: this.#growth.within(order),
        clock: process.clock,
        isQuiet: () => this.#outside.isQuiet(process),
        ended: this.#endedSplits,
        late,
        timed: this.#timed,
      })
    }
    return new FreePace(this.#random.fork(`pace of life ${number}`), itemsMax, waitMs)
  }

  #platform({ number, process }: Life): Platform {
    return {
      clock: process.clock,
      random: this.#random.fork(`life ${number}`),
      scheduler: process.scheduler,
      workPerTurn: this.#plan.workPerTurn,
      fs: new ProcessFs(this.#disk.fs, process, {
        crashed: () => this.#powerLost('tornWrite', this.#random),
        failed: (what, error) => this.#disk.failed(what, error),
        tookPart: (what) => this.#disk.tookPart(what),
      }),
      process: processFacts(number, () => this.#life!.number),
    }
  }

  #observe({ process }: Life, event: JobEvent): void {
    if (event.kind === 'started') this.#starts++
    if (event.kind === 'checkpointCompleted') {
      this.#isForked ||= process.wasPaused
      this.#newestCheckpoint = Math.max(this.#newestCheckpoint, event.figures.checkpoint)
    } else if (event.kind === 'started' && this.#disk.isDamaged) {
      if ((event.restoredFrom ?? 0) < this.#newestCheckpoint) this.#fallbacks++
      this.#newestCheckpoint = event.restoredFrom ?? 0
    }
  }

  // What goes wrong.

  #onStep(step: number): void {
    this.#work.stepped()
    const life = this.#life
    if (life === undefined) return
    while (life.faults.length > 0 && life.faults[0]!.step <= step - life.since) {
      this.#inject(life, life.faults.shift()!)
    }
    this.#paused.at(step)
  }

  #inject(life: Life, { kind, salt }: Fault): void {
    const random = seededRandom(salt)
    if (endings.has(kind)) {
      this.#end(life, kind, random)
    } else if (kind === 'clockJump') {
      const ms = (random.int(2) === 0 ? -1 : 1) * random.int(7_200_000)
      life.process.jumpWallClock(ms)
      this.#happened(kind, `by ${ms} ms`)
    } else if (kind === 'bitFlip' && !this.#disk.hasContent) {
      this.#putOff(life, kind, salt)
    } else if (!this.#disk.spoil(kind, random)) {
      this.#trouble.begin(kind, random)
    }
  }

  #end(life: Life, kind: FaultKind, random: Random): void {
    if (kind === 'kill') {
      this.#happened(kind, faultKinds.kill)
      this.#crash(life)
    } else if (kind === 'powerLoss') {
      this.#powerLost(kind, random)
    } else if (kind === 'tornWrite') {
      this.#disk.fs.crashAt(this.#disk.fs.operations + 1 + random.int(3))
    } else if (kind === 'zombie') {
      if (!isReading(life)) {
        // Before it has opened its sinks nothing but the lock protects them, and a pause can come right behind it.
        this.#putOff(life, kind, random.int(2 ** 31))
        return
      }
      this.#happened(kind, 'the process is paused, and believed dead')
      this.#paused.pause(life.process, life.ended, this.#world.steps + 20 + random.int(1_500))
      this.#leave(life)
    } else {
      this.#world.add(life.process, kind, () => this.#stop(life, kind))
    }
  }

  /** Postpones a fault that cannot occur yet. */
  #putOff(life: Life, kind: FaultKind, salt: number): void {
    life.faults.unshift({ kind, salt, life: life.number, step: this.#world.steps - life.since + 20 })
  }

  #stop(life: Life, kind: FaultKind): void {
    if (life.job === undefined) return
    // It has fired what it should not have had to, even if it fails before its end.
    if (kind === 'drain') this.#happened(kind, 'the job is asked to end its run')
    life.isDrained = kind === 'drain'
    void life.job.stop({ drain: life.isDrained })
  }

  #powerLost(kind: FaultKind, random: Random): void {
    this.#happened(kind, faultKinds[kind])
    this.#paused.kill()
    this.#disk.losePower(random)
    this.#crash(this.#life!)
  }

  #crash(life: Life): void {
    life.process.kill()
    this.#leave(life)
  }

  /** Ends the wait for this life; the next one begins. */
  #leave(life: Life): void {
    life.faults.length = 0
    this.#world.add(this.#main, 'the next life begins', () => life.end({ kind: 'crashed' }))
  }

  #happened(kind: FaultKind, what: string): void {
    const { steps, clock } = this.#world
    this.#events.push({ kind, life: this.#lives - 1, step: steps, atMs: clock.monotonic(), what })
  }
}

/** Describes why a run has not ended: because of calls that only fail, if there are some. */
function whyStuck(error: unknown, failingCalls: readonly string[]): string {
  if (!(error instanceof EndlessRun) || failingCalls.length === 0) return describeError(error)
  return `the simulation has not ended after ${error.stepsMax} steps: ${failingCalls.join('; ')}. If they call an outside system, replace them by the option calls`
}
