/**
 * Finishes what a checkpoint names, after a restart: makes visible what was prepared, whether or not that was
 * begun before, and takes back what later checkpoints had made visible if an earlier one is restored.
 *
 * Nothing is changed before everything has the right checksum. After that each step can be cut short by a crash and done
 * again, also by a process that was replaced meanwhile: it writes the same bytes to the same places, or replaces a file
 * by a copy that its successor has removed.
 *
 * When a sync of the output has failed, what it was asked for is written and named anew: a later sync proves nothing
 * about it. All of it is in the parts that are pending, because whatever came before them was synced without a failure.
 */
import { removeIfThere, type ConnectorContext, type Fs, type FsFile, type Owner } from '@millrace/core'
import type { CommittableOf, FileCommittable, LivePart, RolledPart } from './committable.ts'
import { damaged, lost } from './damage.ts'
import { checksumOf, copyStretch, readAt, type Stretch } from './staged-copy.ts'
import { TargetName } from './target-name.ts'

export class Recovery {
  readonly #fs: Fs
  readonly #owner: Owner
  readonly #warn: (message: string) => void
  readonly #committables: readonly FileCommittable[]
  /** Whether a sync of the output has failed. */
  readonly #isInDoubt: boolean

  /** `pending` is what a checkpoint names; the order does not matter. */
  constructor(pending: readonly FileCommittable[], context: ConnectorContext, isInDoubt: boolean) {
    this.#fs = context.fs
    this.#owner = context.owner
    this.#warn = (message) => context.warn(`sink ${context.name}: ${message}`)
    this.#committables = [...lastOfEach(pending)]
    this.#isInDoubt = isInDoubt
  }

  /** Takes from earlier owners the means to put copies in the place of files. Call it first. */
  async fence(): Promise<void> {
    for (const committable of this.#committables) {
      const names = new TargetName(committable.kind === 'live' ? committable.target : committable.path)
      await removeCopies(this.#fs, names, this.#owner)
    }
  }

  /** Throws `CHECKPOINT_CORRUPT` or `SINK_FAILED` if something is damaged or gone. Changes nothing. */
  async verify(): Promise<void> {
    for (const committable of this.#committables) {
      if (committable.kind === 'live') await this.#verifyLive(committable)
      else for (const part of partsOf(committable)) await this.#verifyRolled(part)
    }
  }

  /** Makes visible what is named. */
  async complete(): Promise<void> {
    for (const committable of this.#committables) {
      const path = committable.kind === 'live' ? committable.target : committable.path
      if (this.#isInDoubt) {
        this.#warn(`${path}: a sync has failed, so what the last checkpoint holds is written again`)
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
      // It is removed only when the target has it all.
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
      this.#warn(`${target} is cut from ${size} to ${end} bytes, where the restored checkpoint has its end`)
      // By a copy: a process that was replaced may still write to the file itself.
      await this.#replace(target, [{ path: target, start: 0, end: Math.min(first?.base ?? end, end) }])
    } else if (stat !== undefined && this.#isInDoubt && first?.base === 0) {
      // A file of which nothing is certain has no certain name either.
      await this.#replace(target, [])
    } else if (stat === undefined) {
      if (end === 0) return
      await (await this.#fs.open(target, 'append')).close()
    }
    const file = await this.#fs.open(target, 'update')
    try {
      for (const part of staged) await this.#completePart(part, target, file)
      // Also when nothing was missing: what an interrupted commit has written need not be durable.
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#fs.syncDirectory(new TargetName(target).directory)
    for (const part of staged) await removeIfThere(this.#fs, part.staged)
  }

  /** Writes what the target lacks of a part, or has wrong because a crash has torn it. */
  async #completePart(part: LivePart, target: string, file: FsFile): Promise<void> {
    const { staged, base, length } = part
    const agreed = this.#isInDoubt ? 0 : await this.#agreement(target, part)
    await copyStretch(this.#fs, { path: staged, start: agreed, end: length }, file, base + agreed, target)
  }

  /** How many bytes of a part the target holds already. */
  async #agreement(target: string, { staged, base, length }: LivePart): Promise<number> {
    const size = (await this.#fs.stat(target))?.size ?? 0
    const there = Math.min(Math.max(size - base, 0), length)
    const left = await this.#fs.open(target, 'read')
    const right = await this.#fs.open(staged, 'read')
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
      this.#warn(`${target} is cut from ${size} to ${length} bytes, as the restored checkpoint has it`)
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
    // A process that was replaced has seen only files that are older than its successor.
    await this.#owner.confirm()
    for (const name of later) {
      this.#warn(`${name} is removed, because the restored checkpoint is from before it`)
      await removeIfThere(this.#fs, names.beside(name))
    }
    await this.#fs.syncDirectory(names.directory)
  }

  /** Puts a new file with these bytes in the place of one, unless this process has been replaced. */
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

/** Removes the copies that earlier owners have begun; they cannot put them in the place of files any more. */
export async function removeCopies(fs: Fs, names: TargetName, { epoch }: Owner): Promise<void> {
  if ((await fs.stat(names.directory)) === undefined) return
  for (const { name } of await fs.list(names.directory)) {
    if ((names.copiedIn(name) ?? Infinity) <= epoch) await removeIfThere(fs, names.beside(name))
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

function partsOf({ rolled, open }: CommittableOf<'rolling'>): readonly RolledPart[] {
  return open === null ? rolled : [...rolled, open]
}
