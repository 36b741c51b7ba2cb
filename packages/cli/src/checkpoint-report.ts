import { describeError, isMillraceError } from '@millrace/core'
import type { Fs } from '@millrace/core/disk'
import { CheckpointStorage, DataDirectory, type Manifest } from '@millrace/core/job'
import { verifySnapshot } from '@millrace/store-memory'

/** What the command reports about one checkpoint. */
export interface CheckpointReport {
  readonly checkpoint: number
  /** Undefined if the manifest cannot be read. */
  readonly manifest: Manifest | undefined
  /** Size in bytes of the state that the manifest names. */
  readonly stateBytes: number | undefined
  /** Why it is damaged; undefined if every checksum matches. */
  readonly damage: string | undefined
}

/**
 * Reads and checks every checkpoint in a data directory, newest first. It is read-only and can run while the
 * job runs; a checkpoint that the job deletes during the read is omitted.
 */
export async function reportCheckpoints(fs: Fs, path: string): Promise<readonly CheckpointReport[]> {
  const directory = new DataDirectory(path)
  const storage = new CheckpointStorage(fs, directory.checkpoints)
  const reports: CheckpointReport[] = []
  for (const checkpoint of await storage.list()) {
    const report = await reportOne(fs, directory, storage, checkpoint)
    const isRetired = report.damage !== undefined && !(await storage.list()).includes(checkpoint)
    if (!isRetired) reports.push(report)
  }
  return reports
}

async function reportOne(
  fs: Fs,
  directory: DataDirectory,
  storage: CheckpointStorage,
  checkpoint: number,
): Promise<CheckpointReport> {
  let manifest: Manifest | undefined
  try {
    manifest = await storage.read(checkpoint)
    const { kind, parts } = manifest.store
    if (kind !== 'memory' && kind !== 'disk') {
      const damage = `its state is in a store of kind '${kind}', which this command cannot check`
      return { checkpoint, manifest, stateBytes: undefined, damage }
    }
    let stateBytes = 0
    for (const part of parts) stateBytes += await verifySnapshot(fs, directory.statePart(part), part.snapshot)
    return { checkpoint, manifest, stateBytes, damage: undefined }
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return { checkpoint, manifest, stateBytes: undefined, damage: describeError(error) }
  }
}
