/**
 * Many visible files, each complete when it appears.
 *
 * Data is written to a staged file. When it is large or old enough it is closed, and once the checkpoint that
 * contains its last byte is durable, it is renamed to its visible name. So committed data may stay hidden
 * until its file is complete; when the job ends or restarts, it becomes a file.
 *
 * A process that has lost the directory cannot rename: the new owner has renamed or removed the staged files.
 * It can still write to its open one, so the new owner makes a copy of that file visible, never the file
 * itself.
 *
 * Invariant between any two calls: `#rolled` files are complete and durable, and not visible yet; at most the
 * `#current` one is being written.
 */
import type { ConnectorContext } from '@millrace/core/connector'
import { makeDurableDirectory, type Fs, type Owner } from '@millrace/core/disk'
import type { CommittableOf, RolledPart } from './committable.ts'
import { StagedFile } from './staged-file.ts'
import type { TargetName } from './target-name.ts'
import type { Target } from './target.ts'

/** When a file is closed. */
export interface RollLimits {
  /** Infinity for no limit. */
  readonly bytes: number
  /** Infinity for no limit. */
  readonly ms: number
}

interface OpenFile {
  readonly file: StagedFile
  readonly target: string
  readonly sinceMs: number
  /** How much of it belongs to a durable checkpoint. */
  committed: number
}

export class RollingTarget implements Target<CommittableOf<'rolling'>> {
  readonly flushBytes: number
  readonly #name: TargetName
  readonly #subtask: number
  readonly #run: string
  readonly #limits: RollLimits
  readonly #fs: Fs
  readonly #owner: Owner
  readonly #clock: ConnectorContext['clock']
  #next: number
  #current: OpenFile | undefined
  #rolled: RolledPart[] = []
  #isNameDurable = true

  private constructor(
    name: TargetName,
    subtask: number,
    run: string,
    limits: RollLimits,
    next: number,
    { fs, owner, clock }: ConnectorContext,
  ) {
    this.flushBytes = Math.min(limits.bytes, 256 * 1024)
    this.#name = name
    this.#subtask = subtask
    this.#run = run
    this.#limits = limits
    this.#next = next
    this.#fs = fs
    this.#owner = owner
    this.#clock = clock
  }

  static async open(
    name: TargetName,
    subtask: number,
    run: string,
    limits: RollLimits,
    context: ConnectorContext,
  ): Promise<RollingTarget> {
    await makeDurableDirectory(context.fs, name.directory)
    let next = 1
    for (const entry of await context.fs.list(name.directory)) {
      const found = name.rolledFrom(entry.name)
      if (found?.subtask === subtask) next = Math.max(next, found.number + 1)
    }
    return new RollingTarget(name, subtask, run, limits, next, context)
  }

  get isAtStart(): boolean {
    return this.#current === undefined
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#current ??= await this.#begin()
    await this.#current.file.append(bytes)
    if (this.#current.file.size >= this.#limits.bytes) await this.#roll(this.#current)
  }

  async prepare(checkpoint: number): Promise<CommittableOf<'rolling'>> {
    const current = this.#current
    if (current !== undefined) {
      if (this.#clock.monotonic() - current.sinceMs >= this.#limits.ms) await this.#roll(current)
      else await current.file.sync()
    }
    if (!this.#isNameDurable) await this.#fs.syncDirectory(this.#name.directory)
    this.#isNameDurable = true
    return {
      kind: 'rolling',
      checkpoint,
      path: this.#name.path,
      subtask: this.#subtask,
      rolled: [...this.#rolled],
      open: this.#current === undefined ? null : partOf(this.#current),
      next: this.#next,
    }
  }

  async commit({ rolled, open }: CommittableOf<'rolling'>): Promise<void> {
    const current = this.#current
    if (open !== null && open.target === current?.target) {
      current.committed = Math.max(current.committed, open.length)
    }
    const due = new Set(rolled.map(({ staged }) => staged))
    const now = this.#rolled.filter(({ staged }) => due.has(staged))
    if (now.length === 0) return
    for (const { staged, target } of now) await this.#fs.rename(staged, target)
    await this.#fs.syncDirectory(this.#name.directory)
    this.#rolled = this.#rolled.filter(({ staged }) => !due.has(staged))
  }

  async close(isSound: boolean): Promise<boolean> {
    const current = this.#current
    this.#current = undefined
    await current?.file.close()
    if (!isSound || this.#rolled.length > 0) return false
    if (current === undefined) return true
    if (current.committed < current.file.size) return false
    // All its data is committed: only its size kept it hidden.
    await this.#owner.confirm()
    await this.#fs.rename(current.file.path, current.target)
    await this.#fs.syncDirectory(this.#name.directory)
    return true
  }

  async #begin(): Promise<OpenFile> {
    const number = this.#next++
    const path = this.#name.staged(this.#owner.epoch, this.#subtask, this.#run, number)
    const file = await StagedFile.create(this.#fs, path)
    this.#isNameDurable = false
    const target = this.#name.rolled(this.#subtask, number)
    return { file, target, sinceMs: this.#clock.monotonic(), committed: 0 }
  }

  async #roll(current: OpenFile): Promise<void> {
    await current.file.sync()
    await current.file.close()
    this.#rolled.push(partOf(current))
    this.#current = undefined
  }
}

function partOf({ file, target }: OpenFile): RolledPart {
  return { ...file.part, target }
}
