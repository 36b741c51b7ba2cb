import { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { Manifest } from '../checkpoint/manifest.ts'
import { OwnerFiles } from '../checkpoint/owner-files.ts'
import { makeDurableDirectory } from '../disk/durable-directory.ts'
import type { Fs } from '../disk/fs.ts'
import type { Owner } from '../disk/owner.ts'
import { copyFile } from '../disk/copy-file.ts'
import { isMillraceError, MillraceError } from '../errors/errors.ts'
import { DataDirectory } from './data-directory.ts'
import type { JobSettings } from './job-options.ts'

/**
 * Writes a checkpoint and everything that it needs into a directory of its own: a data directory, from which a job starts
 * like from any other, on any machine and with any parallelism.
 *
 * The manifest is written last, so a savepoint that was interrupted is no data directory. Its output is committed before,
 * so that nothing in it refers to what the running job still has to commit. The caller keeps the files of the checkpoint
 * from being removed meanwhile.
 */
export async function writeSavepoint(
  settings: Pick<JobSettings, 'platform' | 'store' | 'directory'>,
  owner: Owner,
  manifest: Manifest,
  to: string,
): Promise<void> {
  const { fs } = settings.platform
  await requireEmpty(fs, to)
  const [from, target] = [new DataDirectory(settings.directory), new DataDirectory(to)]
  for (const directory of [to, target.checkpoints, target.owner]) {
    await makeDurableDirectory(fs, directory)
  }
  for (const part of manifest.store.parts) {
    const [source, copy] = [from.statePart(part), target.statePart(part)]
    await makeDurableDirectory(fs, copy)
    for (const { file, bytes } of settings.store.files(part.snapshot)) {
      await copyFile(fs, `${source}/${file}`, `${copy}/${file}`, bytes)
    }
    await fs.syncDirectory(copy)
  }
  await copyTree(fs, from.connectors, target.connectors)
  await markReleased(settings, owner, target)
  const sinks = manifest.sinks.map((entry) => ({ ...entry, isCommitted: true }) as const)
  const storage = new CheckpointStorage(fs, target.checkpoints)
  await storage.publish({ ...manifest, sinks }, { ...unconfirmed, epoch: owner.epoch, job: owner.job })
}

/** The directory has no other writer. */
const unconfirmed = { confirm: async (): Promise<void> => {} }

/** Throws `OPTION_INVALID` for a directory that has anything in it. */
async function requireEmpty(fs: Fs, to: string): Promise<void> {
  if ((await fs.stat(to)) === undefined) return
  const entries = await fs.list(to)
  if (entries.length === 0) return
  throw new MillraceError(
    'OPTION_INVALID',
    `${to} is not empty (it has '${entries[0]!.name}'), and a savepoint is written to a directory of its own; choose another one`,
  )
}

/** The next owner of the savepoint gets a later epoch than the files in it have. */
async function markReleased(
  { platform }: Pick<JobSettings, 'platform'>,
  { epoch, job }: Owner,
  { owner: directory }: DataDirectory,
): Promise<void> {
  const files = new OwnerFiles(platform.fs, directory)
  const begun = await files.begin(epoch, { job, process: platform.process.self, leaseMs: 1 })
  await begun?.end()
  await begun?.close()
}

/** Copies a directory as it is now. Files that are removed meanwhile are left out: nothing that was cut refers to them. */
async function copyTree(fs: Fs, from: string, to: string): Promise<void> {
  if ((await fs.stat(from)) === undefined) return
  await makeDurableDirectory(fs, to)
  for (const { name, kind } of await fs.list(from)) {
    const [source, target] = [`${from}/${name}`, `${to}/${name}`]
    try {
      if (kind === 'directory') await copyTree(fs, source, target)
      else if (kind === 'file') await copyFile(fs, source, target)
    } catch (error) {
      if (!isMillraceError(error, 'FS_NOT_FOUND')) throw error
    }
  }
  await fs.syncDirectory(to)
}
