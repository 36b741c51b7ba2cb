import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { generator } from '@millrace/connector-generator'
import { startJob } from '@millrace/core/job'
import { memoryStore, nodePlatform, output, pipeline, state } from 'millrace'
import type { Job, JobEvent, Pipeline, Sink } from 'millrace'
import { settle, watch } from './footprint.ts'
import type { SoakReport } from './report.ts'

/** Times are in milliseconds. */
export interface StallPlan {
  readonly records: number
  /** How many records arrive before the sink stalls. */
  readonly before: number
  readonly stallMs: number
  readonly sampleEveryMs: number
  readonly checkpointEveryMs: number
  /** The checkpoint timeout. */
  readonly checkpointTimeoutMs: number
}

/** How soon the first record must arrive once the sink recovers. */
const resumeMs = 100

/** Fills every buffer of a job behind a sink that accepts nothing for a while, and measures the cost. */
export async function soakStalledSink(plan: StallPlan): Promise<SoakReport> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-soak-'))
  const sink = new StallingSink(plan)
  const counts = { completed: 0, abandoned: 0 }
  const job = startJob({
    graph: program(plan, sink).describe().graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory,
    isBounded: true,
    restart: { kind: 'none' },
    checkpoints: {
      everyMs: plan.checkpointEveryMs,
      timeoutMs: plan.checkpointTimeoutMs,
      toleratedFailures: Number.MAX_SAFE_INTEGER,
    },
    observer: (event: JobEvent) => {
      if (event.kind === 'checkpointCompleted') counts.completed++
      if (event.kind === 'checkpointAbandoned') counts.abandoned++
    },
  })
  try {
    await Promise.race([sink.stalled, job.ended])
    await settle(plan.stallMs)
    const { completed } = counts
    const readBefore = recordsRead(job)
    const footprint = await watch(plan.stallMs, plan.sampleEveryMs, 1e6)
    const read = recordsRead(job)
    const { abandoned } = counts
    const resumedAfterMs = await sink.comeBack()
    const result = await job.ended
    const broken = [...footprint.growth(), ...sink.mistakes()]
    if (read !== readBefore)
      broken.push(`the source was read while the sink stalled: ${read - readBefore} records`)
    if (read === plan.records) broken.push('the source was read to its end while the sink stalled')
    if (resumedAfterMs > resumeMs) broken.push(`the first record came after ${resumedAfterMs.toFixed(1)} ms`)
    if (result.outcome !== 'finished') broken.push(`the job ${result.outcome}: ${describe(result)}`)
    if (counts.completed === completed) broken.push('no checkpoint was completed after the stall')
    const figures = `${plan.stallMs / 1_000} s stalled: ${footprint.summary()}; ${read - plan.before} records waited, ${abandoned} checkpoints aborted; first record ${resumedAfterMs.toFixed(1)} ms after the sink's return; ${plan.records} records, ${sink.mistakes().length === 0 ? 'each once' : 'some lost or double'}`
    return { figures, broken }
  } finally {
    await job.cancel()
    await rm(directory, { recursive: true, force: true })
  }
}

/** A task of every kind between source and sink. */
function program({ records }: StallPlan, sink: Sink<number>): Pipeline {
  return pipeline('stall', (p) => {
    p.from('numbers', generator.generate({ seed: 1, count: records, make: ({ index }) => index }))
      .keyBy((n) => n % 100_000)
      .process('last', {
        output: output<number>(),
        state: { last: state.value<{ n: number }>() },
        onRecord({ value: n }, { state: { last }, emit }) {
          last.set({ n })
          emit(n)
        },
      })
      .mapAsync('wait', async (n) => n, { concurrency: 64 })
      .to('sink', sink)
  })
}

/** Accepts a number of records, then none until resumed; remembers which it received. */
class StallingSink implements Sink<number> {
  readonly kind = 'stalling'
  readonly guarantee = 'at-least-once'
  readonly stalled: Promise<void>
  readonly #before: number
  readonly #seen: Uint8Array
  #taken = 0
  #hasStalled = false
  #tellStalled: () => void = () => {}
  #comeBack: () => void = () => {}
  #onWrite: () => void = () => {}

  constructor({ records, before }: StallPlan) {
    this.#before = before
    this.#seen = new Uint8Array(records)
    this.stalled = new Promise((resolve) => {
      this.#tellStalled = resolve
    })
  }

  async open(): ReturnType<Sink<number>['open']> {
    return {
      write: (batch) => {
        this.#onWrite()
        for (let i = 0; i < batch.length; i++) this.#seen[batch.values[i]!]!++
        this.#taken += batch.length
        if (this.#hasStalled || this.#taken < this.#before) return undefined
        this.#hasStalled = true
        return new Promise((resolve) => {
          this.#comeBack = resolve
          this.#tellStalled()
        })
      },
      prepare: async () => undefined,
      close: async () => {},
    }
  }

  /** Accepts records again; resolves when the first arrives, to the time that took in milliseconds. */
  comeBack(): Promise<number> {
    return new Promise((resolve) => {
      const at = performance.now()
      this.#onWrite = () => {
        this.#onWrite = () => {}
        resolve(performance.now() - at)
      }
      this.#comeBack()
    })
  }

  mistakes(): string[] {
    const lost = this.#seen.reduce((count, times) => (times === 0 ? count + 1 : count), 0)
    const double = this.#seen.reduce((count, times) => (times > 1 ? count + 1 : count), 0)
    return lost + double === 0 ? [] : [`${lost} records were lost and ${double} came more than once`]
  }
}

function recordsRead(job: Job): number {
  const sources = job.status().tasks.filter(({ kind }) => kind === 'source')
  return sources.reduce((sum, { recordsOut }) => sum + recordsOut, 0)
}

function describe(result: Awaited<Job['ended']>): string {
  return result.outcome === 'failed' ? String(result.error) : 'too early'
}
