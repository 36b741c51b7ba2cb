import { memoryStore, type JobEvent, type JobResult, type RestartPolicy } from 'millrace'
import { sleep } from '@millrace/world'
import type { Clock, Random } from '@millrace/world'
import { describeError, startJob, type Fs, type ProcessFacts, type StateStore } from '@millrace/core'
import { driveJob, simPlatform, type SimFs } from '@millrace/testkit'
import { BrokenPromise } from './broken-promise.ts'
import { crashJob, type Connections } from './crash-job.ts'
import type { OutputReader } from './output-reader.ts'
import { wrappedFs } from './wrapped-fs.ts'

/** Where the job keeps its data. */
export const dataDirectory = 'data'

/** What may be put between the job and the world; planted bugs live here. */
export interface Surroundings extends Connections {
  readonly fs?: (fs: Fs) => Fs
  readonly store?: (store: StateStore) => StateStore
  readonly process?: (facts: ProcessFacts) => ProcessFacts
}

/** How one life of the job is lived. */
export interface LifeOptions {
  /** Decides in which order tasks get their turns. */
  readonly seed?: number
  readonly parallelism?: number
  readonly restart?: RestartPolicy
  readonly around?: Surroundings
  readonly onEvent?: (event: JobEvent) => void
}

/** What became of it. */
export interface Life {
  /** On a disk that has crashed it means nothing: the process that would tell is dead. */
  readonly result: JobResult
  readonly events: readonly JobEvent[]
}

/**
 * Runs the job on a disk until it ends, as it soon does when the disk crashes. `reader` looks at the output each time
 * something happens. Throws `BrokenPromise` if the output is wrong, or if the job hangs.
 */
export async function live(fs: SimFs, reader: OutputReader, options: LifeOptions = {}): Promise<Life> {
  const { seed = 1, parallelism = 1, restart = { kind: 'none' }, around = {}, onEvent } = options
  // Chance is never the same in two lives.
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
        // The engine must not hear of it.
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

/** A disk on which some syncs take a millisecond, so that records go on flowing while a checkpoint is made durable. */
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

/** Whether the sinks are known to be open: until then the output may show how the last life ended. */
export function hasOpenSinks(events: readonly JobEvent[]): boolean {
  return events.some(({ kind }) => kind === 'checkpointCompleted')
}
