/**
 * One visible file that grows by whole checkpoints.
 *
 * Data is written to a staged file. When its checkpoint is durable, the bytes are copied to the target, each
 * to the offset that the checkpoint names, so readers never see a line that could be removed. A staged file
 * serves many checkpoints.
 *
 * A process that loses the directory during a commit changes nothing when it continues: the new owner has
 * started from that checkpoint or a later one, and has written the same bytes to the same offsets.
 *
 * Invariants between any two calls:
 *
 *  1. The target is `#visible` bytes long, and those bytes are durable.
 *  2. The parts are contiguous: the first begins at or before `#visible`, each other where the previous one
 *     ends; the last ends at `#end`. So do the chunks of a part that are not visible yet.
 *  3. Bytes of a part that a committable names are durable.
 */
import { MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { makeDurableDirectory, removeIfThere, writeFullyAt, type Fs, type FsFile } from '@millrace/core/disk'
import { checksum } from '@millrace/segment-log'
import type { CommittableOf } from './committable.ts'
import { damaged } from './damage.ts'
import { readExactly } from './staged-copy.ts'
import { StagedFile } from './staged-file.ts'
import type { TargetName } from './target-name.ts'
import type { Target } from './target.ts'

/** A staged file is closed after this many bytes, so that it can be removed eventually. */
const stagedBytesMax = 8 * 1024 * 1024

/** The data of one append to a staged file: its range in bytes and its checksum. */
interface Chunk {
  readonly start: number
  readonly end: number
  readonly sum: number
}

interface Part {
  readonly file: StagedFile
  readonly base: number
  /** The parts that are not visible yet, in order. */
  chunks: Chunk[]
}

export class LiveTarget implements Target<CommittableOf<'live'>> {
  readonly flushBytes: number = 256 * 1024
  readonly #path: string
  readonly #name: TargetName
  readonly #subtask: number
  readonly #run: string
  readonly #fs: Fs
  readonly #epoch: number
  #visible: number
  #end: number
  #parts: Part[] = []
  /** The part that is being written. */
  #current: Part | undefined
  #staged = 0
  #isNameDurable = true

  private constructor(
    name: TargetName,
    subtask: number,
    run: string,
    size: number,
    { fs, owner }: ConnectorContext,
  ) {
    this.#path = name.live(subtask)
    this.#name = name
    this.#subtask = subtask
    this.#run = run
    this.#fs = fs
    this.#epoch = owner.epoch
    this.#visible = size
    this.#end = size
  }

  static async open(
    name: TargetName,
    subtask: number,
    run: string,
    context: ConnectorContext,
  ): Promise<LiveTarget> {
    const stat = await context.fs.stat(name.live(subtask))
    return new LiveTarget(name, subtask, run, stat?.size ?? 0, context)
  }

  get isAtStart(): boolean {
    return this.#end === 0
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#current ??= await this.#begin()
    const { file, chunks } = this.#current
    const start = file.size
    await file.append(bytes)
    chunks.push({ start, end: file.size, sum: checksum(bytes) })
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
    const parts = this.#parts.map(({ file, base }) => ({ ...file.part, base }))
    return { kind: 'live', checkpoint, target: this.#path, end: this.#end, parts }
  }

  async commit({ end }: CommittableOf<'live'>): Promise<void> {
    // A later checkpoint has already done it.
    if (end <= this.#visible) return
    await this.#requireUntouched()
    const isFirst = this.#visible === 0
    if (isFirst) await this.#create()
    const target = await this.#fs.open(this.#path, 'update')
    try {
      for (const part of this.#parts) await this.#show(part, end, target)
      await target.sync()
    } finally {
      await target.close()
    }
    if (isFirst) await this.#fs.syncDirectory(this.#name.directory)
    this.#visible = end
    for (const part of this.#parts) part.chunks = part.chunks.filter((chunk) => part.base + chunk.end > end)
    await this.#forget((part) => part !== this.#current && part.chunks.length === 0)
  }

  async close(): Promise<boolean> {
    await this.#current?.file.close()
    this.#current = undefined
    const isDone = this.#end === this.#visible
    if (isDone) await this.#forget(() => true)
    return isDone
  }

  async #begin(): Promise<Part> {
    await makeDurableDirectory(this.#fs, this.#name.directory)
    const path = this.#name.staged(this.#epoch, this.#subtask, this.#run, ++this.#staged)
    const part = { file: await StagedFile.create(this.#fs, path), base: this.#end, chunks: [] }
    this.#isNameDurable = false
    this.#parts.push(part)
    return part
  }

  async #create(): Promise<void> {
    await makeDurableDirectory(this.#fs, this.#name.directory)
    const file = await this.#fs.open(this.#path, 'append')
    await file.close()
  }

  /**
   * Copies a part of a checkpoint to the target. Data damaged since it was written does not become visible.
   */
  async #show({ file: { path }, base, chunks }: Part, end: number, target: FsFile): Promise<void> {
    const due = chunks.filter((chunk) => base + chunk.end <= end)
    if (due.length === 0) return
    const staged = await this.#fs.open(path, 'read')
    try {
      for (const { start, end: chunkEnd, sum } of due) {
        const bytes = await readExactly(staged, start, chunkEnd - start, path)
        if (checksum(bytes) !== sum) throw damaged({ path, start, end: chunkEnd })
        await writeFullyAt(target, bytes, base + start, this.#path)
      }
    } finally {
      await staged.close()
    }
  }

  async #requireUntouched(): Promise<void> {
    const size = (await this.#fs.stat(this.#path))?.size ?? 0
    if (size === this.#visible) return
    throw new MillraceError(
      'SINK_FAILED',
      `${this.#path}: has ${size} bytes where ${this.#visible} were written; no other program may write to it or move ` +
        'it while the job runs. Restore the file, or start without the checkpoint and with ifExists',
      { place: this.#path },
    )
  }

  async #forget(isOver: (part: Part) => boolean): Promise<void> {
    for (const part of this.#parts) if (isOver(part)) await removeIfThere(this.#fs, part.file.path)
    this.#parts = this.#parts.filter((part) => !isOver(part))
  }
}
