/**
 * The inbox's files: an append-only log in numbered segments.
 *
 * True between any two calls:
 *
 *  1. Segments are numbered without gaps. All but the newest are complete and durable.
 *  2. `#ends` says how far each segment is durable, which is always the end of a block. Nobody reads further.
 *  3. At most one append is under way, so at most the newest segment's last block can be torn.
 *  4. Once a sync has failed nothing is appended any more: what the file holds cannot be known. Opening the
 *     log again copies what can be read into a new file.
 *  5. Before an append resolves, a mark is written behind it, which is a block without requests. So a last block that cannot
 *     be read and has a mark behind it is damaged, and one without a mark is torn. Only a full disk leaves the mark out.
 *
 * A new segment is published as a whole with its first blocks, so no segment has a torn beginning.
 *
 * A process that was replaced cannot write: its successor has put a copy in the place of the file that it has open, and
 * removes what it was about to publish. It never opens a file again that it has published. It finds that out before it answers: each append confirms the ownership once it
 * is durable.
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

/** A log and what it remembers. */
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
  /** How far each segment is durable, in bytes, oldest first. */
  readonly #ends: Map<number, number>
  #newest: number
  #file: FsFile
  /** How many bytes of the newest segment are a mark that no sync has made durable yet. */
  #markBytes = 0
  /** Whether the newest segment may hold a part of an append that failed. */
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
   * Opens the log, or begins one. Segments before `from` are removed and a torn end is cut off, with a warning.
   *
   * Throws `CHECKPOINT_CORRUPT` when something that was accepted cannot be read.
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
    // Copied even when nothing is torn: a sync may have failed before the end, and then the bytes that can be
    // read are not those on the disk, whatever a later sync of the same file says.
    const file = await publishOpen(options, newest, content.bytes)
    return { log: new InboxLog(options, ends, newest, file), remembered: content.remembered }
  }

  /** Where the oldest block begins. */
  get start(): InboxPosition {
    const [oldest = this.#newest] = this.#ends.keys()
    return { segment: oldest, offset: segmentHead.length, record: 0 }
  }

  /** Where the next block will begin if it comes into the newest segment. */
  get end(): InboxPosition {
    return { segment: this.#newest, offset: this.#ends.get(this.#newest) ?? 0, record: 0 }
  }

  /** Why nothing can be appended any more, if so. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** How far a segment is durable, in bytes; undefined if there is no such segment. */
  endOf(segment: number): number | undefined {
    return this.#ends.get(segment)
  }

  pathOf(segment: number): string {
    return `${this.#directory}/${segmentName(segment)}`
  }

  /** How many durable bytes lie behind a position. */
  bytesAfter(position: InboxPosition): number {
    let bytes = -position.offset
    for (const [segment, end] of this.#ends) if (segment >= position.segment) bytes += end
    return Math.max(bytes, 0)
  }

  /**
   * Appends requests as one block; durable once it resolves.
   *
   * A write that fails leaves the log as it was and may be tried again. A sync that fails, or another owner of the data
   * directory, ends the log for good, and every later append rejects with the same error.
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

  /** Writes the mark behind the last block. It becomes durable with the next sync; until then only a power loss takes it. */
  async #mark(): Promise<void> {
    const bytes = encodeBlock({ kind: 'requests', requests: [] }, this.#writer, this.#checksum)
    this.#isTorn = true
    try {
      await writeFully(this.#file, bytes, this.pathOf(this.#newest))
      this.#isTorn = false
      this.#markBytes = bytes.length
    } catch {
      // Without room there is no mark; what was written of it is cut off before the next append.
    }
  }

  /** Goes on in a new segment, which opens with what is remembered. On failure the log is as it was. */
  async roll(remembered: readonly RememberedRequest[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    // What a failed append left must be gone for good: only the newest segment may end in a torn block.
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

  /** Removes segments that end before the position; the newest one stays. */
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
      // Room is given back at once; if that fails too, the next append begins with it.
      await this.#cut().catch(() => undefined)
      throw error
    }
    await this.#make(this.#file.sync())
    this.#isTorn = false
  }

  /** Cuts off what a failed append has left. */
  async #cut(): Promise<void> {
    await this.#file.truncate((this.#ends.get(this.#newest) ?? 0) + this.#markBytes)
    this.#isTorn = false
  }

  /** The mark and so many bytes behind it are durable. */
  #endAt(bytes: number): void {
    this.#ends.set(this.#newest, (this.#ends.get(this.#newest) ?? 0) + this.#markBytes + bytes)
    this.#markBytes = 0
  }

  /** Waits for a step without which nothing may be answered any more. */
  async #make(step: Promise<void>): Promise<void> {
    try {
      await step
    } catch (error) {
      this.#failure = error as Error
      throw error
    }
  }
}
