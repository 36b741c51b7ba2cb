/**
 * The inbox's files: an append-only log in numbered segments.
 *
 * Invariants between any two calls:
 *
 *  1. Segments are numbered without gaps. All but the newest are complete and durable.
 *  2. `#ends` is the durable end of each segment, always the end of a block. Readers never read past it.
 *  3. At most one append is in progress, so at most the newest segment's last block can be torn.
 *  4. After a failed sync nothing more is appended: the content of the file is unknown. Opening the log again
 *     copies the readable blocks into a new file.
 *  5. Before an append resolves, a mark (a block without requests) is written after it. So an unreadable last
 *     block with a mark after it is damaged, and one without a mark is torn. The mark is missing only if the
 *     disk is full.
 *
 * A new segment is published atomically with its first blocks, so the beginning of a segment is never torn.
 *
 * A process that has lost the data directory cannot write to the log: the new owner has replaced the file it
 * has open with a copy, and deletes files it was about to publish. A process never reopens a file that it has
 * published. Each append confirms the ownership after its sync, so the process notices the loss before it
 * answers.
 */
import {
  ByteWriter,
  makeDurableDirectory,
  removeTemporaries,
  writeFully,
  type Fs,
  type FsFile,
  type Owner,
} from '@millrace/core'
import { encodeBlock, type AcceptedRequest, type Checksum, type RememberedRequest } from './inbox-block.ts'
import {
  emptySegment,
  existingSegments,
  firstBytes,
  publishOpen,
  readNewest,
  requireReadable,
  requireWhole,
  sizeOf,
  warnOfTorn,
  type InboxLogOptions,
} from './inbox-opening.ts'
import { segmentHead, segmentName, segmentNumber, type InboxPosition } from './inbox-segments.ts'

/** An open log and the requests it remembers. */
export interface OpenedLog {
  readonly log: InboxLog
  readonly remembered: readonly RememberedRequest[]
}

/** The log, open for appending. */
export class InboxLog {
  readonly #fs: Fs
  readonly #directory: string
  readonly #checksum: Checksum
  readonly #owner: Owner
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

  private constructor(options: InboxLogOptions, ends: Map<number, number>, newest: number, file: FsFile) {
    this.#fs = options.fs
    this.#directory = options.directory
    this.#checksum = options.checksum
    this.#owner = options.owner
    this.#ends = ends
    this.#newest = newest
    this.#file = file
  }

  /**
   * Opens the log, or creates one. Deletes segments before `from` and cuts off a torn end, with a warning.
   *
   * Throws `CHECKPOINT_CORRUPT` if an accepted request cannot be read.
   */
  static async open(options: InboxLogOptions): Promise<OpenedLog> {
    const { fs, directory, checksum, owner, from } = options
    await makeDurableDirectory(fs, directory)
    await removeTemporaries(fs, directory, owner, (name) => segmentNumber(name) !== undefined)
    const segments = await existingSegments(options)
    const newest = segments.at(-1) ?? 1
    const content = segments.length === 0 ? emptySegment(checksum) : await readNewest(options, newest)
    const ends = new Map<number, number>()
    for (const segment of segments.slice(0, -1)) ends.set(segment, await sizeOf(options, segment))
    await requireWhole(options, ends, newest, content.previousEnd)
    ends.set(newest, content.bytes.length)
    if (from !== undefined) requireReadable(from, ends, directory)
    if (content.tornBytes > 0) warnOfTorn(options, newest, content)
    // Copied even when nothing is torn: if a sync failed earlier, the bytes in the page cache may differ from
    // those on the disk, and a later sync of the same file would not detect it.
    const file = await publishOpen(options, newest, content.bytes)
    return { log: new InboxLog(options, ends, newest, file), remembered: content.remembered }
  }

  /** The start of the oldest block. */
  get start(): InboxPosition {
    const [oldest = this.#newest] = this.#ends.keys()
    return { segment: oldest, offset: segmentHead.length, record: 0 }
  }

  /** The start of the next block if it is appended to the newest segment. */
  get end(): InboxPosition {
    return { segment: this.#newest, offset: this.#ends.get(this.#newest) ?? 0, record: 0 }
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
    return `${this.#directory}/${segmentName(segment)}`
  }

  /** Number of durable bytes after a position. */
  bytesAfter(position: InboxPosition): number {
    let bytes = -position.offset
    for (const [segment, end] of this.#ends) if (segment >= position.segment) bytes += end
    return Math.max(bytes, 0)
  }

  /**
   * Appends requests as one block; it is durable once the promise resolves.
   *
   * After a failed write the log is unchanged and the append may be retried. After a failed sync, or when
   * another process owns the data directory, this and every later append reject with the same error.
   */
  async append(requests: readonly AcceptedRequest[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#isTorn) await this.#cut()
    const bytes = encodeBlock({ kind: 'requests', requests }, this.#writer, this.#checksum)
    await this.#write(bytes)
    await this.#make(this.#owner.confirm())
    this.#endAt(bytes.length)
    await this.#mark()
  }

  /**
   * Appends the mark after the last block. The next sync makes it durable; until then a power loss may remove
   * it.
   */
  async #mark(): Promise<void> {
    const bytes = encodeBlock({ kind: 'requests', requests: [] }, this.#writer, this.#checksum)
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
   * Begins a new segment, which starts with the remembered requests. After a failure the log is unchanged.
   */
  async roll(remembered: readonly RememberedRequest[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    // Remove the bytes of a failed append first: only the newest segment may end in a torn block.
    if (this.#isTorn) await this.#cut()
    await this.#make(this.#file.sync())
    this.#endAt(0)
    const segment = this.#newest + 1
    const begin = { segment, previousEnd: this.#ends.get(this.#newest) ?? 0 }
    const bytes = firstBytes(begin, remembered, this.#writer, this.#checksum)
    const options = { fs: this.#fs, directory: this.#directory, owner: this.#owner }
    const file = await publishOpen(options, segment, bytes)
    const full = this.#file
    this.#file = file
    this.#newest = segment
    this.#ends.set(segment, bytes.length)
    await full.close()
  }

  /** Deletes segments that end before the position, except the newest. */
  async removeBefore(position: InboxPosition): Promise<void> {
    const last = Math.min(position.segment, this.#newest)
    const old = [...this.#ends.keys()].filter((segment) => segment < last)
    for (const segment of old) this.#ends.delete(segment)
    for (const segment of old) await this.#fs.remove(this.pathOf(segment))
    if (old.length > 0) await this.#fs.syncDirectory(this.#directory)
  }

  async close(): Promise<void> {
    if (this.#markBytes > 0) await this.#file.sync().catch(() => undefined)
    await this.#file.close()
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
