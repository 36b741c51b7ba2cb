import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { startJob } from '@millrace/core/job'
import { memoryStore, nodePlatform, output, pipeline, state } from 'millrace'
import type { Job, Pipeline, Sink } from 'millrace'
import { diskBytes, Footprint, megabytes } from './footprint.ts'
import { Pulse } from './pulse.ts'
import type { SoakReport } from './report.ts'

export interface OverwritePlan {
  readonly keys: number
  /** Each represents a second. */
  readonly checkpoints: number
  readonly overwritesPerCheckpoint: number
  /** Full size of a segment file; undefined for the default. */
  readonly segmentBytes?: number
  /** How many memory samples are taken, in the second half. */
  readonly samples: number
}

/** The maximum ratio of bytes on disk to live bytes. */
const diskFactor = 3

/** Overwrites the values of many keys through many checkpoints, with a restart after a quarter of them. */
export async function soakOverwrites(plan: OverwritePlan): Promise<SoakReport> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-soak-'))
  const life = new Overwrites(plan, directory)
  try {
    return await life.run()
  } finally {
    await life.end()
    await rm(directory, { recursive: true, force: true })
  }
}

class Overwrites {
  readonly #plan: OverwritePlan
  readonly #directory: string
  readonly #pulse: Pulse
  readonly #counts: CountingSink
  /** A sample may be taken while the store has write buffers in use. */
  readonly #footprint = new Footprint(3e6)
  readonly #broken: string[] = []
  #job: Job
  #highest = 0
  #looks = 0

  constructor(plan: OverwritePlan, directory: string) {
    this.#plan = plan
    this.#directory = directory
    this.#pulse = new Pulse(plan.keys)
    this.#counts = new CountingSink(plan.keys)
    this.#job = this.#start()
  }

  async run(): Promise<SoakReport> {
    const { keys, checkpoints, overwritesPerCheckpoint: each, samples } = this.#plan
    await this.#beat(keys)
    await this.#beat(keys)
    const startedAt = performance.now()
    const looking = setInterval(() => this.#look(), 20)
    try {
      for (let beat = 1; beat <= checkpoints; beat++) {
        await this.#beat(each)
        this.#look()
        if (beat === Math.floor(checkpoints / 4)) await this.#restart()
        // By then the engine has been compiled, and every buffer has reached its size.
        const isWarm = beat > checkpoints / 2
        if (isWarm && beat % Math.floor(checkpoints / 2 / samples) === 0) this.#footprint.sample()
      }
    } finally {
      clearInterval(looking)
    }
    const seconds = (performance.now() - startedAt) / 1_000
    const broken = [...this.#broken, ...this.#footprint.growth(), ...this.#counts.mistakes()]
    if (this.#highest > diskFactor)
      broken.push(`the disk held ${this.#highest.toFixed(2)} times the live bytes`)
    const { liveBytes } = this.#job.status().state!
    const figures = `${checkpoints} checkpoints of ${each} overwrites of ${keys} keys in ${seconds.toFixed(0)} s: disk at most ${this.#highest.toFixed(2)}x live bytes (${megabytes(liveBytes)}) in ${this.#looks} looks; ${this.#footprint.summary()}; ${this.#counts.mistakes().length === 0 ? 'every count right, also after a restart' : 'some counts wrong'}`
    return { figures, broken }
  }

  async end(): Promise<void> {
    await this.#job.cancel()
  }

  /** Sends this many records, then makes a checkpoint. */
  async #beat(records: number): Promise<void> {
    await this.#pulse.give(records)
    await this.#job.checkpoint()
  }

  async #restart(): Promise<void> {
    await this.#job.cancel()
    this.#job = this.#start()
    await this.#beat(1)
  }

  #look(): void {
    const { phase, state: usage } = this.#job.status()
    // While a job restores, it does not know the live bytes yet.
    if (phase !== 'running' || usage === undefined) return
    this.#looks++
    this.#highest = Math.max(this.#highest, diskBytes(this.#directory) / usage.liveBytes)
  }

  #start(): Job {
    const { segmentBytes } = this.#plan
    const job = startJob({
      graph: program(this.#pulse, this.#counts).describe().graph,
      platform: nodePlatform(),
      store: memoryStore(segmentBytes === undefined ? {} : { segmentBytes }),
      directory: this.#directory,
      restart: { kind: 'none' },
      // Checkpoints are triggered one after the other by the test.
      checkpoints: { everyMs: Number.MAX_SAFE_INTEGER },
    })
    // Then no more records are accepted, and the next checkpoint reports why.
    void job.ended.then(() => this.#pulse.letGo())
    return job
  }
}

function program(pulse: Pulse, sink: Sink<Count>): Pipeline {
  return pipeline('overwrites', (p) => {
    p.from('keys', pulse)
      .keyBy((key) => key)
      .process('counts', {
        output: output<Count>(),
        state: { count: state.value<{ n: number; last: string }>() },
        onRecord({ value: key }, { state: { count }, emit }) {
          const n = (count.get()?.n ?? 0) + 1
          count.set({ n, last: `overwritten ${n} times` })
          emit({ key, n })
        },
      })
      .to('counts-out', sink)
  })
}

interface Count {
  readonly key: number
  readonly n: number
}

/** Keeps its own counts, and compares. */
class CountingSink implements Sink<Count> {
  readonly kind = 'counting'
  readonly guarantee = 'at-least-once'
  readonly #counts: Uint32Array
  #mistakes = 0

  constructor(keys: number) {
    this.#counts = new Uint32Array(keys)
  }

  async open(): ReturnType<Sink<Count>['open']> {
    return {
      write: (batch) => {
        for (let i = 0; i < batch.length; i++) {
          const { key, n } = batch.values[i]!
          if (++this.#counts[key]! !== n) this.#mistakes++
        }
      },
      prepare: async () => undefined,
      close: async () => {},
    }
  }

  mistakes(): readonly string[] {
    return this.#mistakes === 0 ? [] : [`${this.#mistakes} counts were wrong`]
  }
}
