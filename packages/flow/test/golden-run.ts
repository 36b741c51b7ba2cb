import { memory, type MemorySink } from '@millrace/connector-memory'
import type { Sink, Source } from '@millrace/core/connector'
import { startJob } from '@millrace/core/job'
import { pipeline, type PipelineBuilder } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform } from '@millrace/testkit'

/** The inputs of a golden pipeline: sources of fixed splits, and sinks by name. */
export interface GoldenParts {
  readonly source: <T>(splits: Readonly<Record<string, readonly T[]>>) => Source<T>
  readonly sink: (name: string) => Sink<unknown>
  /**
   * Throws once per run of the job, at a place where a test wants the job to fail and restart. Otherwise does
   * nothing.
   */
  readonly failOnce: () => void
}

/** The records of each sink, as sorted JSON. */
export type Received = Readonly<Record<string, readonly string[]>>

interface Run {
  readonly seed: number
  readonly parallelism: number
  readonly batchRecords: number
  readonly failures: number
}

const runs: readonly Run[] = [
  { seed: 1, parallelism: 1, batchRecords: 1024, failures: 0 },
  { seed: 2, parallelism: 1, batchRecords: 1, failures: 0 },
  { seed: 3, parallelism: 1, batchRecords: 3, failures: 2 },
  { seed: 4, parallelism: 2, batchRecords: 1024, failures: 0 },
  { seed: 5, parallelism: 3, batchRecords: 2, failures: 2 },
]

/**
 * Runs a bounded pipeline normally, in small batches, with failures, and at other parallelisms; returns the
 * records of each sink. Throws if a run does not finish, or if two runs differ.
 */
export async function goldenRun(
  build: (p: PipelineBuilder, parts: GoldenParts) => void,
  { parallelismMax = 3 }: { readonly parallelismMax?: number } = {},
): Promise<Received> {
  const [first, ...others] = await Promise.all(
    runs
      .filter(({ parallelism }) => parallelism <= parallelismMax)
      .map(async (run) => ({ run, received: await once(build, run) })),
  )
  for (const { run, received } of others) {
    if (JSON.stringify(received) !== JSON.stringify(first!.received)) {
      throw new Error(
        `run ${JSON.stringify(run)} gave\n${JSON.stringify(received, null, 1)}\ninstead of\n${JSON.stringify(first!.received, null, 1)}`,
      )
    }
  }
  return first!.received
}

async function once(build: (p: PipelineBuilder, parts: GoldenParts) => void, run: Run): Promise<Received> {
  const sinks = new Map<string, MemorySink<unknown>>()
  let failures = run.failures
  const parts: GoldenParts = {
    source: memory.read,
    sink: (name) => {
      const sink = memory.write<unknown>()
      sinks.set(name, sink)
      return sink
    },
    failOnce: () => {
      if (failures-- > 0) throw new Error('planted failure')
    },
  }
  const platform = simPlatform({ seed: run.seed })
  const job = startJob({
    graph: pipeline('golden', (p) => build(p, parts)).describe().graph,
    platform,
    store: memoryStore(),
    directory: 'data',
    isBounded: true,
    parallelism: run.parallelism,
    batchRecords: run.batchRecords,
    checkpoints: { everyMs: 10 },
  })
  const result = await driveJob(job, platform.clock)
  if (result?.outcome !== 'finished') throw new Error(`run ${JSON.stringify(run)} ended`, { cause: result })
  return Object.fromEntries([...sinks].map(([name, sink]) => [name, sink.values.map(text).toSorted()]))
}

/** A value as JSON; without the stack of a dead letter, which differs between runs. */
function text(value: unknown): string {
  return JSON.stringify(value, (name, field: unknown) => (name === 'stack' ? undefined : field))
}
