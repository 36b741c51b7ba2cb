/**
 * An append-only log in numbered segments: an entry whose `append` has resolved survives a crash.
 *
 * Invariants between any two calls:
 *
 *  1. Segments are numbered without gaps. All but the newest are complete and durable.
 *  2. `#ends` is the durable end of each segment, always the end of a block. Readers never read past it.
 *  3. At most one append is in progress, so at most the newest segment's last block can be torn.
 *  4. After a failed sync nothing more is appended: the content of the file is unknown. Opening the log again
 *     copies the readable blocks into a new file.
 *  5. Before an append resolves, a mark (a block without a payload) is written after it. So an unreadable last
 *     block with a mark after it is damaged, and one without a mark is torn. The mark is missing only if the
 *     disk is full.
 *
 * A new segment is published atomically with its first blocks, so the beginning of a segment is never torn.
 *
 * A process that has lost the data directory cannot write to the log: the new owner has replaced the file it
 * has open with a copy, and deletes files it was about to publish. A process never reopens a file that it has
 * published. Each append confirms the ownership after its sync, so the process notices the loss before
 * the append resolves.
 */
import { ByteWriter } from '@millrace/core'
import { makeDurableDirectory, removeTemporaries, writeFully } from '@millrace/core/disk'
import type { ByteReader } from '@millrace/core'
import type { Fs, FsFile, Owner } from '@millrace/core/disk'
import {
  existingSegments,
  pathOf,
  publishOpen,
  readNewest,
  requireReadable,
  requireWhole,
  sizeOf,
  tornEnd,
  type LogFiles,
  type ReadPlace,
} from './append-log-opening.ts'
import {
  blockKind,
  firstBlocks,
  SegmentNames,
  type LogPlace,
  type SegmentContent,
} from './append-log-segment.ts'
import { endBlock, startBlock } from './block.ts'

/** Where a log is, and what to do with what is found there. */
export interface AppendLogOptions {
  readonly fs: Fs
  readonly directory: string
  /** Begins the names of its files: `NAME-0000000001.log`. */
  readonly name: string
  readonly owner: Owner
  /** Reports a warning about the files. */
  readonly warn: (message: string) => void
  /** Where reading continues; undefined for the oldest entry. */
  readonly from: ReadPlace | undefined
}

/** A log, and what its newest segment holds. */
export interface OpenedAppendLog {
  readonly log: AppendLog
  /** What was put at the beginning of the newest segment; undefined in a new log. */
  readonly opening: ByteReader | undefined
  /** The entries of the newest segment, oldest first. */
  readonly entries: readonly ByteReader[]
}

/** A log, open for appending. */
export class AppendLog {
  readonly #files: LogFiles
  readonly #writer = new ByteWriter(64 * 1024)
  /** The durable end of each segment in bytes, oldest first. */
  readonly #ends: Map<number, number>
  #newest: number
  #file: FsFile
  /** Size of a mark at the end of the newest segment that is not yet synced. */
  #markBytes = 0
  /** Whether the newest segment may end with part of a failed append. */
  #isTorn = false
  #failure: Error | undefined

  private constructor(files: LogFiles, ends: Map<number, number>, newest: number, file: FsFile) {
    this.#files = files
    this.#ends = ends
    this.#newest = newest
    this.#file = file
  }

  /**
   * Opens the log, or creates one. Deletes segments before `from` and cuts off a torn end, with a warning.
   *
   * Throws `CHECKPOINT_CORRUPT` if an accepted request cannot be read.
   */
  static async open(options: AppendLogOptions): Promise<OpenedAppendLog> {
    const { fs, directory, owner, from, warn } = options
    const names = new SegmentNames(options.name)
    const files: LogFiles = { fs, directory, names, owner }
    await makeDurableDirectory(fs, directory)
    await removeTemporaries(fs, directory, owner, (name) => names.numberOf(name) !== undefined)
    const segments = await existingSegments(files, from)
    const newest = segments.at(-1) ?? 1
    const content = segments.length === 0 ? emptySegment() : await readNewest(files, newest)
    const ends = new Map<number, number>()
    for (const segment of segments.slice(0, -1)) ends.set(segment, await sizeOf(files, segment))
    await requireWhole(files, ends, newest, content.previousEnd)
    ends.set(newest, content.bytes.length)
    if (from !== undefined) requireReadable(files, from, ends)
    if (content.tornBytes > 0) warn(tornEnd(files, newest, content))
    // Copied even when nothing is torn: if a sync failed earlier, the bytes in the page cache may differ from
    // those on the disk, and a later sync of the same file would not detect it.
    const file = await publishOpen(files, newest, content.bytes)
    const { opening, entries } = content
    return { log: new AppendLog(files, ends, newest, file), opening, entries }
  }

  /** The start of the oldest block. */
  get start(): LogPlace {
    const [oldest = this.#newest] = this.#ends.keys()
    return { segment: oldest, offset: 0 }
  }

  /** The start of the next block if it is appended to the newest segment. */
  get end(): LogPlace {
    return { segment: this.#newest, offset: this.#ends.get(this.#newest) ?? 0 }
  }

  /** Why appends fail from now on, if they do. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The durable size of a segment in bytes; undefined if there is no such segment. */
  endOf(segment: number): number | undefined {
    return this.#ends.get(segment)
  }

  pathOf(segment: number): string {
    return pathOf(this.#files, segment)
  }

  /** Number of durable bytes after a position. */
  bytesAfter(position: LogPlace): number {
    let bytes = -position.offset
    for (const [segment, end] of this.#ends) if (segment >= position.segment) bytes += end
    return Math.max(bytes, 0)
  }

  /**
   * Appends what `write` writes as one entry; it is durable once the promise resolves.
   *
   * After a failed write the log is unchanged and the append may be retried. After a failed sync, or when
   * another process owns the data directory, this and every later append reject with the same error.
   */
  async append(write: (out: ByteWriter) => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isTorn) await this.#cut()
    const bytes = this.#block((out) => {
      out.byte(blockKind.entry)
      write(out)
    })
    await this.#write(bytes)
    await this.#make(this.#files.owner.confirm())
    this.#endAt(bytes.length)
    await this.#mark()
  }

  /**
   * Appends the mark after the last block. The next sync makes it durable; until then a power loss may remove
   * it.
   */
  async #mark(): Promise<void> {
    const bytes = this.#block(() => undefined)
    this.#isTorn = true
    try {
      await writeFully(this.#file, bytes, this.pathOf(this.#newest))
      this.#isTorn = false
      this.#markBytes = bytes.length
    } catch {
      // On a full disk there is no mark; the next append first cuts off its partial bytes.
    }
  }

  /**
   * Begins a new segment, which starts with what `opening` writes. After a failure the log is unchanged.
   */
  async roll(opening: (out: ByteWriter) => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    // Remove the bytes of a failed append first: only the newest segment may end in a torn block.
    if (this.#isTorn) await this.#cut()
    await this.#make(this.#file.sync())
    this.#endAt(0)
    const segment = this.#newest + 1
    const bytes = firstBlocks(segment, this.#ends.get(this.#newest) ?? 0, opening)
    const file = await publishOpen(this.#files, segment, bytes)
    const full = this.#file
    this.#file = file
    this.#newest = segment
    this.#ends.set(segment, bytes.length)
    await full.close()
  }

  /** Deletes segments that end before the position, except the newest. */
  async removeBefore(position: LogPlace): Promise<void> {
    const last = Math.min(position.segment, this.#newest)
    const old = [...this.#ends.keys()].filter((segment) => segment < last)
    for (const segment of old) this.#ends.delete(segment)
    const { fs, directory } = this.#files
    for (const segment of old) await fs.remove(this.pathOf(segment))
    if (old.length > 0) await fs.syncDirectory(directory)
  }

  async close(): Promise<void> {
    if (this.#markBytes > 0) await this.#file.sync().catch(() => undefined)
    await this.#file.close()
  }

  #block(write: (out: ByteWriter) => void): Uint8Array {
    this.#writer.reset()
    const start = startBlock(this.#writer)
    write(this.#writer)
    endBlock(this.#writer, start)
    return this.#writer.written()
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#isTorn = true
    try {
      await writeFully(this.#file, bytes, this.pathOf(this.#newest))
    } catch (error) {
      // Free the space at once; if that fails too, the next append retries it.
      await this.#cut().catch(() => undefined)
      throw error
    }
    await this.#make(this.#file.sync())
    this.#isTorn = false
  }

  /** Cuts off the bytes of a failed append. */
  async #cut(): Promise<void> {
    await this.#file.truncate((this.#ends.get(this.#newest) ?? 0) + this.#markBytes)
    this.#isTorn = false
  }

  /** Records that the mark and `size` bytes after it are durable. */
  #endAt(bytes: number): void {
    this.#ends.set(this.#newest, (this.#ends.get(this.#newest) ?? 0) + this.#markBytes + bytes)
    this.#markBytes = 0
  }

  /** Waits for a step that must succeed before any answer; a failure ends the log. */
  async #make(step: Promise<void>): Promise<void> {
    try {
      await step
    } catch (error) {
      this.#failure = error as Error
      throw error
    }
  }
}

function emptySegment(): SegmentContent {
  const bytes = firstBlocks(1, 0, () => undefined)
  return { bytes, tornBytes: 0, previousEnd: 0, opening: undefined, entries: [] }
}
