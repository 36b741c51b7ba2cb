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
 *
 * A new segment is published as a whole with its first block, so no segment has a torn beginning.
 */
import {
  ByteWriter,
  makeDurableDirectory,
  MillraceError,
  publishFile,
  readWhole,
  writeFully,
  type Fs,
  type FsFile,
} from '@millrace/core'
import { encodeBlock, type AcceptedRequest, type Checksum, type RememberedRequest } from './inbox-block.ts'
import {
  readNewestSegment,
  segmentHead,
  segmentName,
  segmentNumber,
  type InboxPosition,
  type SegmentContent,
} from './inbox-segments.ts'

/** Where the log lies. */
export interface InboxLogOptions {
  readonly fs: Fs
  readonly directory: string
  readonly checksum: Checksum
  /** Where reading goes on; undefined: at the oldest record there is. */
  readonly from: InboxPosition | undefined
}

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
  readonly #writer = new ByteWriter(64 * 1024)
  /** How far each segment is durable, in bytes, oldest first. */
  readonly #ends: Map<number, number>
  #newest: number
  #file: FsFile
  /** Whether the newest segment may hold a part of an append that failed. */
  #isTorn = false
  #failure: Error | undefined

  private constructor(options: InboxLogOptions, ends: Map<number, number>, newest: number, file: FsFile) {
    this.#fs = options.fs
    this.#directory = options.directory
    this.#checksum = options.checksum
    this.#ends = ends
    this.#newest = newest
    this.#file = file
  }

  /**
   * Opens the log, or begins one. Segments before `from` are removed and a torn end is cut off.
   *
   * Throws `CHECKPOINT_CORRUPT` when something that was accepted cannot be read.
   */
  static async open(options: InboxLogOptions): Promise<OpenedLog> {
    const { fs, directory, checksum, from } = options
    await makeDurableDirectory(fs, directory)
    const segments = await existingSegments(options)
    const newest = segments.at(-1) ?? 1
    const content = segments.length === 0 ? emptySegment(checksum) : await readNewest(options, newest)
    const ends = new Map<number, number>()
    for (const segment of segments.slice(0, -1)) ends.set(segment, await sizeOf(options, segment))
    ends.set(newest, content.bytes.length)
    if (from !== undefined) requireReadable(from, ends, directory)
    // Copied even when nothing is torn: a sync may have failed before the end, and then the bytes that can be
    // read are not those on the disk, whatever a later sync of the same file says.
    await publishFile(fs, directory, segmentName(newest), content.bytes)
    const file = await fs.open(`${directory}/${segmentName(newest)}`, 'append')
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
   * A write that fails leaves the log as it was and may be tried again. A sync that fails ends the log for good,
   * and every later append rejects with the same error.
   */
  async append(requests: readonly AcceptedRequest[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const path = this.pathOf(this.#newest)
    const end = this.#ends.get(this.#newest) ?? 0
    if (this.#isTorn) await this.#file.truncate(end)
    this.#isTorn = true
    const bytes = encodeBlock({ kind: 'requests', requests }, this.#writer, this.#checksum)
    try {
      await writeFully(this.#file, bytes, path)
    } catch (error) {
      // Room is given back at once; if that fails too, the next append begins with it.
      await this.#file.truncate(end).then(
        () => (this.#isTorn = false),
        () => undefined,
      )
      throw error
    }
    await this.#sync()
    this.#isTorn = false
    this.#ends.set(this.#newest, end + bytes.length)
  }

  /** Goes on in a new segment, which opens with what is remembered. On failure the log is as it was. */
  async roll(remembered: readonly RememberedRequest[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    // What a failed append left must be gone for good: only the newest segment may end in a torn block.
    if (this.#isTorn) await this.#file.truncate(this.#ends.get(this.#newest) ?? 0)
    await this.#sync()
    this.#isTorn = false
    const bytes = firstBytes(remembered, this.#writer, this.#checksum)
    const segment = this.#newest + 1
    await publishFile(this.#fs, this.#directory, segmentName(segment), bytes)
    const file = await this.#fs.open(this.pathOf(segment), 'append')
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
    await this.#file.close()
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.sync()
    } catch (error) {
      this.#failure = error as Error
      throw error
    }
  }
}

/** A segment's head and first block. */
function firstBytes(
  remembered: readonly RememberedRequest[],
  writer: ByteWriter,
  checksum: Checksum,
): Uint8Array {
  const block = encodeBlock({ kind: 'remembered', remembered }, writer, checksum)
  const bytes = new Uint8Array(segmentHead.length + block.length)
  bytes.set(segmentHead)
  bytes.set(block, segmentHead.length)
  return bytes
}

function emptySegment(checksum: Checksum): SegmentContent {
  return { bytes: firstBytes([], new ByteWriter(), checksum), remembered: [] }
}

async function readNewest(
  { fs, directory, checksum }: InboxLogOptions,
  newest: number,
): Promise<SegmentContent> {
  const path = `${directory}/${segmentName(newest)}`
  return readNewestSegment(await readWhole(fs, path), path, checksum)
}

/** The segments there are, oldest first. Removes those before `from` and what a crash left half made. */
async function existingSegments({ fs, directory, from }: InboxLogOptions): Promise<number[]> {
  const names = (await fs.list(directory)).map(({ name }) => name)
  const all = names.flatMap((name) => segmentNumber(name) ?? []).toSorted((a, b) => a - b)
  if (from !== undefined && !all.includes(from.segment)) throw lost(directory, from.segment)
  const segments = all.filter((segment) => from === undefined || segment >= from.segment)
  for (const [i, segment] of segments.entries()) {
    const expected = segments[0]! + i
    if (segment !== expected) throw lost(directory, expected)
  }
  const kept = new Set(segments.map(segmentName))
  const removed = names.filter((name) => isOurs(name) && !kept.has(name))
  for (const name of removed) await fs.remove(`${directory}/${name}`)
  if (removed.length > 0) await fs.syncDirectory(directory)
  return segments
}

/** Whether a file belongs to the inbox: a segment, or one that was not published. */
function isOurs(name: string): boolean {
  return segmentNumber(name.endsWith('.tmp') ? name.slice(0, -4) : name) !== undefined
}

async function sizeOf({ fs, directory }: InboxLogOptions, segment: number): Promise<number> {
  const facts = await fs.stat(`${directory}/${segmentName(segment)}`)
  if (facts === undefined) throw lost(directory, segment)
  return facts.size
}

/** Throws `CHECKPOINT_CORRUPT` if the log does not reach up to the position. */
function requireReadable(from: InboxPosition, ends: ReadonlyMap<number, number>, directory: string): void {
  const end = ends.get(from.segment) ?? 0
  if (from.offset <= end) return
  throw new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${directory}/${segmentName(from.segment)} ends at byte ${end}, but the checkpoint has read it up to byte ` +
      `${from.offset}: the file lost its end; restore it from a copy`,
  )
}

function lost(directory: string, segment: number): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${directory}/${segmentName(segment)} is missing, but the checkpoint needs it; restore it from a copy. An ` +
      'older checkpoint than the last may need what was removed since',
  )
}
