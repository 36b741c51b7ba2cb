/**
 * Many visible files, each complete when it appears.
 *
 * What is written goes to a staged file. When it is large or old enough it takes no more, and once the checkpoint
 * that holds its last byte is durable, it is renamed to where readers look. Data that is committed may thus wait
 * out of sight until its file is complete; when the job ends or restarts, what waits becomes a file.
 *
 * A process that was replaced cannot rename: its successor has renamed or removed the staged files. It can still write
 * to the one that it has open, so the successor makes a copy of that one visible and never the file itself.
 *
 * True between any two calls: `#rolled` files are complete and durable, and not visible yet; at most the
 * `#current` one is written to.
 */
import { makeDurableDirectory, type ConnectorContext, type Fs, type Owner } from '@millrace/core'
import type { CommittableOf, RolledPart } from './committable.ts'
import { StagedFile } from './staged-file.ts'
import type { TargetName } from './target-name.ts'
import type { Target } from './target.ts'

/** When a file takes no more. */
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
  /** How much of it a checkpoint holds that is known to be durable. */
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
    // Everything in it is committed: nothing but the size of the file spoke against showing it.
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
