import { memoryStore, type JobEvent, type JobResult, type RestartPolicy } from 'millrace'
import { sleep } from '@millrace/world'
import type { Clock, Random } from '@millrace/world'
import { describeError } from '@millrace/core'
import type { StateStore } from '@millrace/core/store'
import type { Fs, ProcessFacts } from '@millrace/core/disk'
import { startJob } from '@millrace/core/job'
import { driveJob, simPlatform, type SimFs } from '@millrace/testkit'
import { BrokenPromise } from './broken-promise.ts'
import { crashJob, type Connections } from './crash-job.ts'
import type { OutputReader } from './output-reader.ts'
import { wrappedFs } from './wrapped-fs.ts'

/** The job's data directory. */
export const dataDirectory = 'data'

/** Wrappers between the job and the platform; planted bugs are here. */
export interface Surroundings extends Connections {
  readonly fs?: (fs: Fs) => Fs
  readonly store?: (store: StateStore) => StateStore
  readonly process?: (facts: ProcessFacts) => ProcessFacts
}

/** Options of one run of the job. */
export interface LifeOptions {
  /** Decides the order of tasks. */
  readonly seed?: number
  readonly parallelism?: number
  readonly restart?: RestartPolicy
  readonly around?: Surroundings
  readonly onEvent?: (event: JobEvent) => void
}

/** The outcome. */
export interface Life {
  /** On a crashed disk it is meaningless: the process that would report it is dead. */
  readonly result: JobResult
  readonly events: readonly JobEvent[]
}

/**
 * Runs the job on a disk until it ends, which is soon after the disk crashes. `reader` checks the output
 * after each event. Throws `BrokenPromise` if the output is wrong, or if the job hangs.
 */
export async function live(fs: SimFs, reader: OutputReader, options: LifeOptions = {}): Promise<Life> {
  const { seed = 1, parallelism = 1, restart = { kind: 'none' }, around = {}, onEvent } = options
  // Randomness differs between two runs.
  const platform = simPlatform({ seed: seed + 1_000 * fs.life, fs })
  const disk = unevenDisk(fs, platform.clock, platform.random.fork('disk'))
  const store = memoryStore({ segmentBytes: 4096 })
  const events: JobEvent[] = []
  let thrown: { readonly error: unknown } | undefined
  const job = startJob({
    graph: crashJob(platform.clock, around).describe().graph,
    platform: {
      ...platform,
      fs: around.fs?.(disk) ?? disk,
      process: around.process?.(platform.process) ?? platform.process,
    },
    store: around.store?.(store) ?? store,
    directory: dataDirectory,
    isBounded: true,
    parallelism,
    checkpoints: { everyMs: 4, retain: 2 },
    restart,
    batchRecords: 8,
    edgeBatches: 2,
    observer: (event) => {
      events.push(event)
      try {
        if (hasOpenSinks(events)) reader.look(fs)
        if (event.kind === 'checkpointCompleted') reader.checkpointCompleted()
        onEvent?.(event)
      } catch (error) {
        // The engine must not receive this error.
        thrown ??= { error }
      }
    },
  })
  const result = await driveJob(job, platform.clock, { longestMs: 10_000 }).catch((error: unknown) => {
    throw new BrokenPromise(`the job hangs: ${describeError(error)}`)
  })
  if (thrown !== undefined) throw thrown.error
  return { result: result!, events }
}

/** A disk on which some syncs take a millisecond, so that records flow while a checkpoint is made durable. */
function unevenDisk(fs: Fs, clock: Clock, random: Random): Fs {
  const pause = async (): Promise<void> => {
    if (random.int(3) === 0) await sleep(clock, 1)
  }
  return wrappedFs(fs, {
    syncDirectory: async (path) => {
      await pause()
      return fs.syncDirectory(path)
    },
    file: (file) => ({
      sync: async () => {
        await pause()
        return file.sync()
      },
    }),
  })
}

/** Whether the sinks are known to be open: until then the output may be that of the last run. */
export function hasOpenSinks(events: readonly JobEvent[]): boolean {
  return events.some(({ kind }) => kind === 'checkpointCompleted')
}
