/**
 * How long does the engine block the event loop when a million timers are due at once, a million keys are in
 * one window, or a window slides by a second over a day?
 *
 * Each job has four phases: records arrive; a checkpoint of everything is made; a new process restores it;
 * everything fires. The sink only counts, so only the engine itself can yield. The result is the CPU time of
 * the longest turn of the loop, including garbage collection; each figure is the median of three runs.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Source, SplitReader } from '@millrace/core/connector'
import { startJob, type Job } from '@millrace/core/job'
import { count, output, pipeline, sliding, tumbling, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { CountingSink } from './engine-run.ts'
import { LoopWatch, type Hold } from './loop-watch.ts'
import { median, report, type Measurement } from './measure.ts'

/** The limit that the design promises. */
const barMs = 20
const lives = 3
const phases = ['records come in', 'checkpoint', 'restore', 'everything fires'] as const

/** A promise with its resolve function. */
class Signal {
  resolve!: () => void
  readonly promise = new Promise<void>((resolve) => {
    this.resolve = resolve
  })
}

/**
 * A source of numbers. The last one triggers what the others have prepared: it is withheld until `release`.
 */
class HeldSource implements Source<number, number> {
  readonly kind = 'held'
  readonly durability = 'replayable'
  readonly #values: readonly number[]
  readonly #released = new Signal()
  readonly #readUp = new Signal()
  #isReleased = false

  constructor(values: readonly number[]) {
    this.#values = values
  }

  /** Resolves when all but the last one were returned. */
  get readUp(): Promise<void> {
    return this.#readUp.promise
  }

  release(): void {
    this.#isReleased = true
    this.#released.resolve()
  }

  async discover() {
    return { splits: ['all'], isComplete: true }
  }

  async open(_split: string, from = 0): Promise<SplitReader<number, number>> {
    let next = from
    return {
      poll: (limit) => {
        const { length } = this.#values
        if (next === length) return { kind: 'end' }
        const end = this.#isReleased ? length : length - 1
        if (next === end) {
          this.#readUp.resolve()
          return { kind: 'pending', isCaughtUp: false }
        }
        const values = this.#values.slice(next, Math.min(next + limit, end))
        next += values.length
        return { kind: 'records', values }
      },
      ready: () => this.#released.promise,
      position: () => next,
      close: async () => this.#released.resolve(),
    }
  }
}

interface Question {
  readonly name: string
  readonly values: readonly number[]
  readonly program: (source: HeldSource) => Pipeline
}

const million = Array.from({ length: 1_000_000 }, (_, id) => id)
const day = 86_400
/** Later than every timer and window of the million. */
const trigger = 1_000_000

function slidingDay(source: HeldSource): Pipeline {
  return pipeline('sliding', (p) =>
    p
      .from('events', source)
      .withTimestamps({ timestamp: (second) => second * 1_000 })
      .keyBy(() => 'all')
      .window(sliding({ size: '24h', slide: '1s' }))
      .aggregate('windows', { n: count() })
      .filter(() => false)
      .to('out', new CountingSink()),
  )
}

const questions: readonly Question[] = [
  {
    name: '1 M timers',
    values: [...million, trigger],
    program: (source) =>
      pipeline('timers', (p) =>
        p
          .from('events', source)
          .withTimestamps({ timestamp: (id) => (id === trigger ? 2_000 : 1) })
          .keyBy((id) => id)
          .process('timers', {
            output: output<number>(),
            onRecord({ value }, { timers }) {
              if (value !== trigger) timers.setEvent(1_000)
            },
            onTimer({ key }, { emit }) {
              emit(key)
            },
          })
          .filter(() => false)
          .to('out', new CountingSink()),
      ),
  },
  {
    name: '1 M keys in one window',
    values: [...million, trigger],
    program: (source) =>
      pipeline('keys', (p) =>
        p
          .from('events', source)
          .withTimestamps({ timestamp: (id) => (id === trigger ? 2_000 : 1) })
          .keyBy((id) => `key-${id}`)
          .window(tumbling(1_000))
          .aggregate('windows', { n: count() })
          .filter(() => false)
          .to('out', new CountingSink()),
      ),
  },
  { name: '24 h by 1 s, two records', values: [0, 2 * day], program: slidingDay },
  {
    name: '24 h by 1 s, one record a second for a day',
    values: [...million.slice(0, day), 3 * day],
    program: slidingDay,
  },
]

function start(program: Pipeline, directory: string, onStarted: () => void): Job {
  return startJob({
    graph: program.describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded: true,
    checkpoints: { everyMs: 3_600_000 },
    restart: { kind: 'none' },
    observer: (event) => {
      if (event.kind === 'started') onStarted()
    },
  })
}

/** One run of a job, and another that restores it: the longest block of the loop in each phase. */
async function live({ values, program }: Question, watch: LoopWatch): Promise<readonly Hold[]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  try {
    globalThis.gc?.()
    await watch.longest()
    const source = new HeldSource(values)
    const job = start(program(source), directory, () => {})
    await Promise.race([source.readUp, failure(job)])
    while (handled(job) < values.length - 1) await new Promise((resolve) => setTimeout(resolve, 5))
    const filled = await watch.longest()
    await job.checkpoint()
    await job.stop()
    const saved = await watch.longest()
    globalThis.gc?.()
    await watch.longest()
    const heldAgain = new HeldSource(values)
    const started = new Signal()
    const again = start(program(heldAgain), directory, started.resolve)
    await Promise.race([started.promise, failure(again)])
    const restored = await watch.longest()
    heldAgain.release()
    await failure(again)
    return [filled, saved, restored, await watch.longest()]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Number of records that the operators have received. */
function handled(job: Job): number {
  const chains = job.status().tasks.filter((task) => task.kind === 'chain')
  return Math.max(...chains.map((task) => task.recordsIn))
}

/** Resolves when the job has ended; rejects if it fails. */
async function failure(job: Job): Promise<void> {
  const result = await job.ended
  if (result.outcome === 'failed') throw result.error
}

const measurements: Measurement[] = []
using watch = new LoopWatch()
for (const question of questions.filter(({ name }) => name.includes(process.argv[2] ?? ''))) {
  const holds: (readonly Hold[])[] = []
  for (let life = 0; life < lives; life++) holds.push(await live(question, watch))
  for (const [index, phase] of phases.entries()) {
    const figures = holds.map((life) => life[index]!)
    const cpuMs = median(figures.map((hold) => hold.cpuMs))
    const wallMs = median(figures.map((hold) => hold.wallMs))
    const gcMs = median(figures.map((hold) => hold.gcMs))
    measurements.push({
      name: `${question.name}: ${phase}`,
      nanoseconds: Math.round(cpuMs * 1e6),
      runs: lives,
      note:
        `longest hold ${cpuMs} ms of CPU, ${wallMs} ms of wall time, of which garbage collection ${gcMs} ms; ` +
        `bar ${barMs} ms ${cpuMs <= barMs ? 'met' : 'missed'}`,
    })
  }
}
report(measurements)
