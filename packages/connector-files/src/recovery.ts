/**
 * Finishes what a checkpoint names, after a restart: makes visible what was prepared, whether or not that was
 * begun before, and takes back what later checkpoints had made visible if an earlier one is restored.
 *
 * Each step can be cut short by a crash and done again.
 *
 * When a sync of the output has failed, what it was asked for is written and named anew: a later sync proves nothing
 * about it. All of it is in the parts that are pending, because whatever came before them was synced without a failure.
 */
import { MillraceError, type ConnectorContext, type Fs } from '@millrace/core'
import type { CommittableOf, FileCommittable, LivePart, RolledPart } from './committable.ts'
import { appendStaged, readAt } from './staged-copy.ts'
import { removeIfThere } from './staged-file.ts'
import { TargetName } from './target-name.ts'

/** Finishes everything that `pending` names; the order does not matter. */
export async function recover(
  pending: readonly FileCommittable[],
  context: ConnectorContext,
  isInDoubt: boolean,
): Promise<void> {
  for (const committable of lastOfEach(pending)) {
    if (isInDoubt) await takeBack(committable, context)
    if (committable.kind === 'live') await recoverLive(committable, context)
    else await recoverRolling(committable, context)
  }
}

/** Hides what may not be on the disk; it becomes visible again by the same steps as what was never visible. */
async function takeBack(committable: FileCommittable, context: ConnectorContext): Promise<void> {
  const { fs, name } = context
  if (committable.kind === 'live') {
    await takeBackLive(fs, committable)
  } else {
    const { rolled, open } = committable
    for (const { staged, target } of open === null ? rolled : [...rolled, open]) {
      const isVisible = (await fs.stat(staged)) === undefined && (await fs.stat(target)) !== undefined
      if (isVisible) await fs.rename(target, staged)
    }
  }
  const path = committable.kind === 'live' ? committable.target : committable.path
  context.warn(`sink ${name}: ${path}: a sync has failed, so what the last checkpoint holds is written again`)
}

async function takeBackLive(fs: Fs, { target, parts }: CommittableOf<'live'>): Promise<void> {
  for (const { staged, base } of parts) {
    if ((await fs.stat(staged)) === undefined) continue
    const size = (await fs.stat(target))?.size ?? 0
    if (size <= base) return
    // A file of which nothing is certain has no certain name either.
    if (base === 0) await fs.remove(target)
    else await cut(fs, target, base)
    return
  }
}

/** The last committable of each writer: it holds what the ones before it hold. */
function lastOfEach(pending: readonly FileCommittable[]): Iterable<FileCommittable> {
  const last = new Map<string, FileCommittable>()
  for (const each of pending) {
    const writer = each.kind === 'live' ? each.target : `${each.path} ${each.subtask}`
    if (each.checkpoint >= (last.get(writer)?.checkpoint ?? each.checkpoint)) last.set(writer, each)
  }
  return last.values()
}

async function recoverLive(
  { target, end, parts }: CommittableOf<'live'>,
  context: ConnectorContext,
): Promise<void> {
  const { fs, name } = context
  let size = (await fs.stat(target))?.size
  for (const part of parts) size = await completeLive(fs, target, size ?? 0, part)
  if (size === undefined && end === 0) return
  if (size === undefined || size < end) throw lost(target, size ?? 0, end)
  if (size > end) {
    context.warn(
      `sink ${name}: ${target} is cut from ${size} to ${end} bytes, where the restored checkpoint has its end`,
    )
  }
  // Also when nothing is missing: what an interrupted commit has written need not be durable.
  await cut(fs, target, end)
  await fs.syncDirectory(new TargetName(target).directory)
  for (const { staged } of parts) await removeIfThere(fs, staged)
}

/** Makes the target hold a whole part, and returns its size then. */
async function completeLive(fs: Fs, target: string, size: number, part: LivePart): Promise<number> {
  const { staged, base, length } = part
  if (size < base) throw lost(target, size, base)
  if ((await fs.stat(staged)) === undefined) {
    // It is removed only when the target has it all.
    if (size < base + length) throw lost(target, size, base + length)
    return size
  }
  const agreed = await agreement(fs, target, size, part)
  if (agreed === length) return size
  // A crash has torn what was appended.
  if (size > base + agreed) await cut(fs, target, base + agreed)
  await appendStaged(fs, target, [{ path: staged, start: agreed, end: length }])
  return base + length
}

/** How many bytes of a part the target holds already. */
async function agreement(fs: Fs, target: string, size: number, part: LivePart): Promise<number> {
  const { staged, base, length } = part
  const there = Math.min(size - base, length)
  if (there === 0) return 0
  const left = await fs.open(target, 'read')
  const right = await fs.open(staged, 'read')
  try {
    const compared = 64 * 1024
    for (let at = 0; at < there; at += compared) {
      const count = Math.min(compared, there - at)
      const a = await readAt(left, base + at, count, target)
      const b = await readAt(right, at, count, staged)
      const differs = a.findIndex((byte, index) => byte !== b[index])
      if (differs !== -1) return at + differs
    }
    return there
  } finally {
    await left.close()
    await right.close()
  }
}

async function recoverRolling(
  { path, subtask, rolled, open, next }: CommittableOf<'rolling'>,
  context: ConnectorContext,
): Promise<void> {
  const { fs, name } = context
  const names = new TargetName(path)
  for (const part of open === null ? rolled : [...rolled, open]) await completeRolled(part, context)
  await fs.syncDirectory(names.directory)
  let isCut = false
  for (const entry of await fs.list(names.directory)) {
    const found = names.rolledFrom(entry.name)
    if (found?.subtask !== subtask || found.number < next) continue
    context.warn(`sink ${name}: ${entry.name} is removed, because the restored checkpoint is from before it`)
    await fs.remove(names.rolled(subtask, found.number))
    isCut = true
  }
  if (isCut) await fs.syncDirectory(names.directory)
}

async function completeRolled(part: RolledPart, context: ConnectorContext): Promise<void> {
  const { fs, name } = context
  const { staged, target, length } = part
  const hidden = await fs.stat(staged)
  if (hidden !== undefined) {
    if (hidden.size < length) throw lost(staged, hidden.size, length)
    if (hidden.size > length) await cut(fs, staged, length)
    await fs.rename(staged, target)
    return
  }
  const size = (await fs.stat(target))?.size ?? 0
  if (size < length) throw lost(target, size, length)
  if (size === length) return
  context.warn(
    `sink ${name}: ${target} is cut from ${size} to ${length} bytes, as the restored checkpoint has it`,
  )
  await cut(fs, target, length)
}

/** Cuts a file to a size that it has or exceeds, and makes all of it durable. */
async function cut(fs: Fs, path: string, size: number): Promise<void> {
  const file = await fs.open(path, 'append')
  try {
    if ((await file.size()) > size) await file.truncate(size)
    await file.sync()
  } finally {
    await file.close()
  }
}

function lost(path: string, size: number, needed: number): MillraceError {
  return new MillraceError(
    'SINK_FAILED',
    `${path}: has ${size} bytes where the restored checkpoint needs ${needed}; somebody has removed or cut it. ` +
      'Put it back, or start without the checkpoint',
    { place: path },
  )
}
