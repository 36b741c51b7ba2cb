/**
 * One visible file that grows by whole checkpoints.
 *
 * What is written goes to a staged file. When its checkpoint is durable, the bytes are appended to the target, so a
 * reader meets no line that could be taken back. A staged file serves many checkpoints.
 *
 * True between any two calls:
 *
 *  1. The target is `#visible` bytes long, and those bytes are durable.
 *  2. The parts join without a gap: the first begins at or before `#visible`, each other where the one before
 *     ends; the last ends at `#end`.
 *  3. Bytes of a part that a committable names are durable.
 */
import { makeDurableDirectory, MillraceError, type ConnectorContext, type Fs } from '@millrace/core'
import type { CommittableOf, LivePart } from './committable.ts'
import { appendStaged } from './staged-copy.ts'
import { removeIfThere, StagedFile } from './staged-file.ts'
import type { TargetName } from './target-name.ts'
import type { Target } from './target.ts'

/** A staged file takes no more after this many bytes, so that it can be removed some day. */
const stagedBytesMax = 8 * 1024 * 1024

interface Part {
  readonly file: StagedFile
  readonly base: number
}

export class LiveTarget implements Target<CommittableOf<'live'>> {
  readonly flushBytes: number = 256 * 1024
  readonly #path: string
  readonly #name: TargetName
  readonly #subtask: number
  readonly #run: string
  readonly #fs: Fs
  #visible: number
  #end: number
  #parts: Part[] = []
  /** The part that is written to. */
  #current: Part | undefined
  #staged = 0
  #isNameDurable = true

  private constructor(name: TargetName, subtask: number, run: string, size: number, fs: Fs) {
    this.#path = name.live(subtask)
    this.#name = name
    this.#subtask = subtask
    this.#run = run
    this.#fs = fs
    this.#visible = size
    this.#end = size
  }

  static async open(
    name: TargetName,
    subtask: number,
    run: string,
    { fs }: ConnectorContext,
  ): Promise<LiveTarget> {
    const stat = await fs.stat(name.live(subtask))
    return new LiveTarget(name, subtask, run, stat?.size ?? 0, fs)
  }

  get isAtStart(): boolean {
    return this.#end === 0
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#current ??= await this.#begin()
    await this.#current.file.append(bytes)
    this.#end += bytes.length
  }

  async prepare(checkpoint: number): Promise<CommittableOf<'live'>> {
    const current = this.#current
    await current?.file.sync()
    if (!this.#isNameDurable) await this.#fs.syncDirectory(this.#name.directory)
    this.#isNameDurable = true
    if (current !== undefined && current.file.size >= stagedBytesMax) {
      await current.file.close()
      this.#current = undefined
    }
    const parts = this.#parts.map(({ file, base }) => ({ staged: file.path, base, length: file.size }))
    return { kind: 'live', checkpoint, target: this.#path, end: this.#end, parts }
  }

  async commit({ parts, end }: CommittableOf<'live'>): Promise<void> {
    // A later checkpoint has done it already.
    if (end <= this.#visible) return
    await this.#requireUntouched()
    if (this.#visible === 0) await makeDurableDirectory(this.#fs, this.#name.directory)
    await appendStaged(
      this.#fs,
      this.#path,
      parts.flatMap((part) => this.#unseen(part)),
    )
    if (this.#visible === 0) await this.#fs.syncDirectory(this.#name.directory)
    this.#visible = end
    await this.#forget((part) => part !== this.#current && part.base + part.file.size <= end)
  }

  async close(): Promise<void> {
    await this.#current?.file.close()
    this.#current = undefined
    const isDone = this.#parts.every(({ file, base }) => base + file.size <= this.#visible)
    if (isDone) await this.#forget(() => true)
  }

  async #begin(): Promise<Part> {
    await makeDurableDirectory(this.#fs, this.#name.directory)
    const path = this.#name.staged(this.#subtask, this.#run, ++this.#staged)
    const part = { file: await StagedFile.create(this.#fs, path), base: this.#end }
    this.#isNameDurable = false
    this.#parts.push(part)
    return part
  }

  /** What of a part the target does not have yet. */
  #unseen({ staged, base, length }: LivePart): { path: string; start: number; end: number }[] {
    const start = Math.max(0, this.#visible - base)
    return start < length ? [{ path: staged, start, end: length }] : []
  }

  async #requireUntouched(): Promise<void> {
    const size = (await this.#fs.stat(this.#path))?.size ?? 0
    if (size === this.#visible) return
    throw new MillraceError(
      'SINK_FAILED',
      `${this.#path}: has ${size} bytes where ${this.#visible} were written; nobody else may write to it or move ` +
        'it while the job runs. Put it back as it was, or start without the checkpoint and with ifExists',
      { place: this.#path },
    )
  }

  async #forget(isOver: (part: Part) => boolean): Promise<void> {
    for (const part of this.#parts) if (isOver(part)) await removeIfThere(this.#fs, part.file.path)
    this.#parts = this.#parts.filter((part) => !isOver(part))
  }
}
