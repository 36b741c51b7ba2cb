import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Batch, Source } from '@millrace/core/connector'
import { startJob, type CheckpointFigures } from '@millrace/core/job'
import type { Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { TakingSink } from './taking-sink.ts'

/**
 * A source that returns slices of a prepared array, `rounds` times: decoded batches, as cheap as possible. A
 * small array read often keeps garbage collection, which traverses all live objects, out of the measurement.
 */
export function decoded<T>(values: readonly T[], rounds = 1): Source<T, number> {
  return {
    kind: 'decoded',
    durability: 'replayable',
    discover: async () => ({ splits: ['all'], isComplete: true }),
    open: async (_split, from = 0) => {
      let next = from
      const end = values.length * rounds
      return {
        poll: (limit) => {
          if (next >= end) return { kind: 'end' }
          const first = next % values.length
          const batch = values.slice(first, first + limit)
          next += batch.length
          return { kind: 'records', values: batch }
        },
        ready: async () => {},
        position: () => next,
        close: async () => {},
      }
    },
  }
}

/** A sink that reads every record, so that no upstream code is dead, and keeps none. */
export class CountingSink extends TakingSink<unknown> {
  readonly kind = 'counting'
  records = 0
  /** Number of records that were not undefined. */
  present = 0

  protected take({ values, length }: Batch): void {
    this.records += length
    for (let i = 0; i < length; i++) if (values[i] !== undefined) this.present++
  }
}

/** The cost of one run of a job. */
export interface EngineRun {
  readonly elapsedMs: number
  readonly checkpoints: readonly CheckpointFigures[]
}

/** Runs a pipeline to its end in a new data directory. Rejects if it fails. */
export function runToEnd(pipeline: Pipeline, checkpointEveryMs = 3_600_000): Promise<EngineRun> {
  return runFor(pipeline, checkpointEveryMs)
}

/**
 * Runs a pipeline in a new data directory: to its end, or until `during` resolves, which is called when the job has started.
 * Rejects if one of them fails.
 */
export async function runFor(
  pipeline: Pipeline,
  checkpointEveryMs: number,
  during?: () => Promise<void>,
): Promise<EngineRun> {
  const directory = mkdtempSync(path.join(tmpdir(), 'millrace-bench-'))
  const checkpoints: CheckpointFigures[] = []
  try {
    const startedAt = performance.now()
    const job = startJob({
      graph: pipeline.describe({}).graph,
      platform: nodePlatform(),
      store: memoryStore(),
      directory,
      isBounded: during === undefined,
      checkpoints: { everyMs: checkpointEveryMs },
      observer: (event) => {
        if (event.kind === 'checkpointCompleted') checkpoints.push(event.figures)
      },
    })
    if (during !== undefined) {
      await Promise.race([during(), job.ended])
      await job.stop()
    }
    const result = await job.ended
    if (result.outcome === 'failed') throw result.error
    return { elapsedMs: performance.now() - startedAt, checkpoints }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
