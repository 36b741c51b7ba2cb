import { describeError } from '@millrace/core'
import { CheckpointStorage, DataDirectory, type Manifest } from '@millrace/core/job'
import { verifySnapshot } from '@millrace/store-memory'
import type { SimFs } from '@millrace/testkit'
import { promised } from './broken-promise.ts'
import { dataDirectory, live, type Life, type LifeOptions } from './life.ts'
import { OutputReader } from './output-reader.ts'

const directory = new DataDirectory(dataDirectory)

/**
 * Starts the job after a crash and lets it run to its end. Throws `BrokenPromise` unless it recovers by
 * itself, without a warning, and the output is complete and exact.
 *
 * Returns a reader that has seen what was visible when the job was running again.
 */
export async function recover(fs: SimFs, options: LifeOptions = {}): Promise<OutputReader> {
  const newest = await requireWholeCheckpoints(fs)
  const reader = OutputReader.new()
  let first: OutputReader | undefined
  const onEvent: LifeOptions['onEvent'] = ({ kind }) => {
    if (kind === 'checkpointCompleted') first ??= reader.clone()
  }
  const life = await live(fs, reader, { ...options, onEvent })
  requireCalm(life)
  const started = life.events.find(({ kind }) => kind === 'started')
  promised(
    started?.kind === 'started' && started.restoredFrom === newest?.checkpoint,
    () => `the job continued from ${JSON.stringify(started)} and not from checkpoint ${newest?.checkpoint}`,
  )
  requireFinished(fs, reader)
  const last = await requireWholeCheckpoints(fs)
  promised(last?.phase === 'finished', () => `the newest checkpoint says that the job is ${last?.phase}`)
  return first!
}

/** Throws unless a run ended successfully and without warnings. */
export function requireCalm({ result, events }: Life): void {
  promised(result.outcome === 'finished', () => {
    const why = result.outcome === 'failed' ? `: ${describeError(result.error)}` : ''
    return `the job ended as ${result.outcome}${why}`
  })
  const warning = events.find((event) => event.kind === 'warning' && !isNoComplaint(event.message))
  promised(
    warning === undefined,
    () => `the job warned: ${warning?.kind === 'warning' ? warning.message : ''}`,
  )
}

/**
 * Expected warnings: that a job which has read everything is started again, also if it was killed just before
 * its end; and that output is rewritten because a sync has failed.
 */
function isNoComplaint(message: string): boolean {
  return /^checkpoint \d+ is the end of a run|: a sync has failed, so the data of the last checkpoint/.test(
    message,
  )
}

/** Throws unless the output is complete and exact, and a finished job has left no other files. */
export function requireFinished(fs: SimFs, reader: OutputReader): void {
  reader.look(fs)
  reader.requireAll()
  promised(fs.openPaths().length === 0, () => `files were left open: ${fs.openPaths().join(', ')}`)
  const kept = [
    /^\/in\//,
    /^\/out\/live(?:\.part-\d+)?\.ndjson$/,
    /^\/out\/rolled(?:\.part-\d+)?-\d{6}\.ndjson$/,
    /^\/data\/owner\/epoch-\d{10}$/,
    /^\/data\/checkpoints\/checkpoint-\d{10}\.\d+\.json$/,
    /^\/data\/checkpoints\/announced-\d{10}$/,
    /^\/data\/state\/segment-\d{6}\.\d+\.seg$/,
  ]
  const left = fs.paths().filter((path) => !kept.some((pattern) => pattern.test(path)))
  promised(left.length === 0, () => `files were left over: ${left.join(', ')}`)
  const manifests = fs.paths().filter((path) => path.startsWith('/data/checkpoints/checkpoint-'))
  promised(manifests.length <= 2, () => `${manifests.length} checkpoints are kept instead of 2`)
}

/**
 * Throws unless every checkpoint on the disk, or the given number of newest ones, can be read completely;
 * returns the newest.
 */
export async function requireWholeCheckpoints(fs: SimFs, count = Infinity): Promise<Manifest | undefined> {
  const storage = new CheckpointStorage(fs, directory.checkpoints)
  let newest: Manifest | undefined
  try {
    for (const checkpoint of (await storage.list()).slice(0, count)) {
      const manifest = await storage.read(checkpoint)
      for (const part of manifest.store.parts)
        await verifySnapshot(fs, directory.statePart(part), part.snapshot)
      newest ??= manifest
    }
  } catch (error) {
    promised(false, () => `a checkpoint on the disk cannot be restored: ${describeError(error)}`)
  }
  return newest
}
