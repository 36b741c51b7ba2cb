/**
 * Completes a checkpoint after a restart: makes its prepared data visible, whether or not that was begun
 * before, and removes output of later checkpoints if an earlier one is restored.
 *
 * Nothing is changed before all checksums are verified. After that a crash may interrupt any step and a
 * restart repeats it. A process that has lost the directory may repeat steps too: it writes the same bytes to
 * the same offsets, or replaces a file by a copy that the new owner has removed.
 *
 * If a sync of the output failed, its data is written again under a new name: a later sync proves nothing
 * about it. All of it is in the pending parts, because everything before them was synced without a failure.
 */
import type { ConnectorContext } from '@millrace/core/connector'
import { removeIfThere, type Fs, type FsFile, type Owner } from '@millrace/core/disk'
import type { CommittableOf, FileCommittable, LivePart, RolledPart } from './committable.ts'
import { damaged, lost } from './damage.ts'
import { checksumOf, copyStretch, readExactly, type Stretch } from './staged-copy.ts'
import { TargetName } from './target-name.ts'

export class Recovery {
  readonly #fs: Fs
  readonly #owner: Owner
  readonly #warn: (message: string) => void
  readonly #committables: readonly FileCommittable[]
  /** Whether a sync of the output has failed. */
  readonly #isInDoubt: boolean

  /** `pending` are the committables of a checkpoint, in any order. */
  constructor(pending: readonly FileCommittable[], context: ConnectorContext, isInDoubt: boolean) {
    this.#fs = context.fs
    this.#owner = context.owner
    this.#warn = (message) => context.warn(message)
    this.#committables = [...lastOfEach(pending)]
    this.#isInDoubt = isInDoubt
  }

  /** Prevents earlier owners from replacing files with copies. Call it first. */
  async fence(): Promise<void> {
    for (const committable of this.#committables) {
      const names = new TargetName(committable.kind === 'live' ? committable.target : committable.path)
      await removeCopies(this.#fs, names, this.#owner)
    }
  }

  /** Throws `CHECKPOINT_CORRUPT` or `SINK_FAILED` if something is damaged or missing. Changes nothing. */
  async verify(): Promise<void> {
    for (const committable of this.#committables) {
      if (committable.kind === 'live') await this.#verifyLive(committable)
      else for (const part of partsOf(committable)) await this.#verifyRolled(part)
    }
  }

  /** Makes the pending data visible. */
  async complete(): Promise<void> {
    for (const committable of this.#committables) {
      const path = committable.kind === 'live' ? committable.target : committable.path
      if (this.#isInDoubt) {
        this.#warn(`${path}: a sync has failed, so the data of the last checkpoint is written again`)
      }
      if (committable.kind === 'live') await this.#completeLive(committable)
      else await this.#completeRolling(committable)
    }
  }

  /** Removes files that later checkpoints have made visible. Call it when nothing is staged any more. */
  async takeBack(): Promise<void> {
    for (const committable of this.#committables) {
      if (committable.kind === 'rolling') await this.#takeBackRolled(committable)
    }
  }

  async #verifyLive({ target, end, parts }: CommittableOf<'live'>): Promise<void> {
    const size = (await this.#fs.stat(target))?.size ?? 0
    let reached = size
    for (const part of parts) {
      const { staged, base, length } = part
      if (reached < base) throw lost(target, size, base)
      if (await this.#exists(staged)) {
        await this.#verify({ path: staged, start: 0, end: length }, part.checksum)
        reached = Math.max(reached, base + length)
        continue
      }
      // It is removed only when the target is complete.
      if (size < base + length) throw lost(target, size, base + length)
      await this.#verify({ path: target, start: base, end: base + length }, part.checksum)
    }
    if (reached < end) throw lost(target, size, end)
  }

  async #verifyRolled({ staged, target, length, checksum }: RolledPart): Promise<void> {
    const path = (await this.#exists(staged)) ? staged : target
    const size = (await this.#fs.stat(path))?.size ?? 0
    if (size < length) throw lost(path, size, length)
    await this.#verify({ path, start: 0, end: length }, checksum)
  }

  async #verify(stretch: Stretch, checksum: number): Promise<void> {
    if ((await checksumOf(this.#fs, stretch)) !== checksum) throw damaged(stretch)
  }

  async #completeLive({ target, end, parts }: CommittableOf<'live'>): Promise<void> {
    const stat = await this.#fs.stat(target)
    const size = stat?.size ?? 0
    const staged: LivePart[] = []
    for (const part of parts) if (await this.#exists(part.staged)) staged.push(part)
    const [first] = staged
    if (size > end) {
      this.#warn(`${target} is truncated from ${size} to ${end} bytes, its size in the restored checkpoint`)
      // Write a copy: a process that has lost the directory may still write to the file itself.
      await this.#replace(target, [{ path: target, start: 0, end: Math.min(first?.base ?? end, end) }])
    } else if (stat !== undefined && this.#isInDoubt && first?.base === 0) {
      // If the content of a file is uncertain, its name may not be durable either.
      await this.#replace(target, [])
    } else if (stat === undefined) {
      if (end === 0) return
      await (await this.#fs.open(target, 'append')).close()
    }
    const file = await this.#fs.open(target, 'update')
    try {
      for (const part of staged) await this.#completePart(part, target, file)
      // Also if nothing was missing: data written by an interrupted commit need not be durable.
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#fs.syncDirectory(new TargetName(target).directory)
    for (const part of staged) await removeIfThere(this.#fs, part.staged)
  }

  /** Writes the bytes of a part that the target lacks, or that a crash has torn. */
  async #completePart(part: LivePart, target: string, file: FsFile): Promise<void> {
    const { staged, base, length } = part
    const agreed = this.#isInDoubt ? 0 : await this.#agreement(target, part)
    await copyStretch(this.#fs, { path: staged, start: agreed, end: length }, file, base + agreed, target)
  }

  /** How many bytes of a part the target already contains. */
  async #agreement(target: string, { staged, base, length }: LivePart): Promise<number> {
    const size = (await this.#fs.stat(target))?.size ?? 0
    const there = Math.min(Math.max(size - base, 0), length)
    const left = await this.#fs.open(target, 'read')
    const right = await this.#fs.open(staged, 'read')
    try {
      const compared = 64 * 1024
      for (let at = 0; at < there; at += compared) {
        const count = Math.min(compared, there - at)
        const a = await readExactly(left, base + at, count, target)
        const b = await readExactly(right, at, count, staged)
        const differs = a.findIndex((byte, index) => byte !== b[index])
        if (differs !== -1) return at + differs
      }
      return there
    } finally {
      await left.close()
      await right.close()
    }
  }

  async #completeRolling(committable: CommittableOf<'rolling'>): Promise<void> {
    const { path, rolled, open } = committable
    for (const part of rolled) await this.#completeRolled(part, false)
    if (open !== null) await this.#completeRolled(open, true)
    await this.#fs.syncDirectory(new TargetName(path).directory)
  }

  /** `isOpen` says that a process may still have the staged file open. */
  async #completeRolled({ staged, target, length }: RolledPart, isOpen: boolean): Promise<void> {
    const hidden = await this.#fs.stat(staged)
    if (hidden !== undefined) {
      if (!isOpen && hidden.size === length) return this.#fs.rename(staged, target)
      await this.#replace(target, [{ path: staged, start: 0, end: length }])
      return removeIfThere(this.#fs, staged)
    }
    const size = (await this.#fs.stat(target))?.size ?? 0
    if (size === length && !this.#isInDoubt) return
    if (size > length) {
      this.#warn(
        `${target} is truncated from ${size} to ${length} bytes, its size in the restored checkpoint`,
      )
    }
    await this.#replace(target, [{ path: target, start: 0, end: length }])
  }

  async #takeBackRolled({ path, subtask, next }: CommittableOf<'rolling'>): Promise<void> {
    const names = new TargetName(path)
    const later: string[] = []
    for (const { name } of await this.#fs.list(names.directory)) {
      const found = names.rolledFrom(name)
      if (found?.subtask === subtask && found.number >= next) later.push(name)
    }
    if (later.length === 0) return
    // A process that has lost the directory may see only files older than the new owner's.
    await this.#owner.confirm()
    for (const name of later) {
      this.#warn(`${name} is removed, because it is newer than the restored checkpoint`)
      await removeIfThere(this.#fs, names.beside(name))
    }
    await this.#fs.syncDirectory(names.directory)
  }

  /** Replaces a file with a new one that contains these bytes, unless this process has lost the directory. */
  async #replace(path: string, stretches: readonly Stretch[]): Promise<void> {
    const copy = new TargetName(path).copy(this.#owner.epoch)
    await removeIfThere(this.#fs, copy)
    await (await this.#fs.open(copy, 'create')).close()
    const file = await this.#fs.open(copy, 'update')
    try {
      let size = 0
      for (const stretch of stretches) {
        await copyStretch(this.#fs, stretch, file, size, copy)
        size += stretch.end - stretch.start
      }
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#owner.confirm()
    await this.#fs.rename(copy, path)
  }

  async #exists(path: string): Promise<boolean> {
    return (await this.#fs.stat(path)) !== undefined
  }
}

/** Removes unfinished copies of earlier owners, so that they can no longer replace files with them. */
export async function removeCopies(fs: Fs, names: TargetName, { epoch }: Owner): Promise<void> {
  if ((await fs.stat(names.directory)) === undefined) return
  for (const { name } of await fs.list(names.directory)) {
    if ((names.copiedIn(name) ?? Infinity) <= epoch) await removeIfThere(fs, names.beside(name))
  }
}

/** The last committable of each writer, which includes the earlier ones. */
function lastOfEach(pending: readonly FileCommittable[]): Iterable<FileCommittable> {
  const last = new Map<string, FileCommittable>()
  for (const each of pending) {
    const writer = each.kind === 'live' ? each.target : `${each.path} ${each.subtask}`
    if (each.checkpoint >= (last.get(writer)?.checkpoint ?? each.checkpoint)) last.set(writer, each)
  }
  return last.values()
}

function partsOf({ rolled, open }: CommittableOf<'rolling'>): readonly RolledPart[] {
  return open === null ? rolled : [...rolled, open]
}
