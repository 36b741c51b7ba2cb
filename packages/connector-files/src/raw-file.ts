/**
 * The bytes of one file, from an offset to its end, or for as long as it grows.
 *
 * A followed file is watched by asking, every `pollMs`: for its size at the path it had; when another file has
 * that path, for the path it has now. It is found by its identity, so a rotated file is read to its end under
 * whatever name.
 *
 * Invariant between any two pieces: `#offset` is where the next byte is read, and `#vouched` holds the last bytes
 * before it as they were when they were read. Each read reads these bytes again; if they differ, the file was cut and
 * has grown since. Then the rest of what it held is looked for in a copy, and the file is read from its start. (Text
 * with the same 64 bytes at the same place is not noticed.)
 *
 * Not watched for: changes of bytes that have been read already.
 */
import { MillraceError, type ConnectorContext, type FsFile } from '@millrace/core'
import { headroomBytes, type Chunk, type Piece } from './chunk.ts'
import type { FileCatalog } from './file-catalog.ts'
import type { LostContent } from './lost-content.ts'
import { pause } from './pause.ts'
import {
  fingerprint,
  fingerprintBytes,
  firstBytesMax,
  firstBytesOf,
  isFirst,
  unseen,
  withFirst,
  type FilePosition,
  type FirstBytes,
  type Seen,
} from './position.ts'
import type { RawContent } from './raw-content.ts'
import type { RestingFile } from './resting-files.ts'

/** Where to begin, and what the file must hold before it. */
export type Beginning = Pick<
  FilePosition,
  'offset' | 'check' | 'first' | 'hasEnded' | 'modifiedMs' | 'earlier'
>

/** Of a file that is not larger all is read at once, before it is known what it is. */
const peekBytesMax = 64 * 1024
const leastReadBytes = 1024

const nothing: Uint8Array = new Uint8Array(0)

/** The beginning of a file of which nothing was read. */
export const fromStart: Beginning = {
  offset: 0,
  check: fingerprint(nothing),
  first: firstBytesOf(nothing),
  hasEnded: false,
  modifiedMs: 0,
  earlier: [],
}

/** What a file is a part of: a log that is rotated. */
export interface LogWatch {
  /** Called when it is known how the content begins; `modifiedMs` is undefined once the file was renamed. */
  see(first: FirstBytes, modifiedMs: number | undefined): void
  /** Called when the file no longer holds the content that began so. Returns how earlier contents began. */
  cut(first: FirstBytes): readonly FirstBytes[]
  /** Looks for content of the log that was written after `since` and never seen; throws `SOURCE_FAILED` if it is to stop. */
  check(since: number): Promise<void>
}

/** How to watch a file. */
export interface FollowOptions {
  /** Whether to wait for more at the end of the file. */
  readonly follow: boolean
  readonly pollMs: number
  /** How long a file that was renamed or removed must have been quiet to count as finished. */
  readonly settledMs: number
  readonly chunkBytes: number
}

/** What is read: an open file, its identity, and the path it was opened by. */
export interface OpenedFile {
  readonly file: FsFile
  readonly identity: string
  readonly path: string
  /** How large it was, and when it was last written to, before it was opened. */
  readonly size: number
  readonly modifiedMs: number
  /** Whether it has the path that it had when it was first read. */
  readonly isLog: boolean
  /** Whether its path is none that is read. */
  readonly hasMoved: boolean
  /** What was known of it when it was closed, if it was open before in this life of the job. */
  readonly rested?: RestingFile | undefined
}

/** What a file is read with. */
export interface RawFileTools {
  readonly catalog: FileCatalog
  readonly lost: LostContent
  /** Undefined for a copy, which is no part of a log. */
  readonly log: LogWatch | undefined
  readonly context: ConnectorContext
  readonly stopped: AbortSignal
}

export class RawFile implements RawContent {
  path: string
  readonly #opened: OpenedFile
  readonly #options: FollowOptions
  readonly #tools: RawFileTools
  #offset = 0
  #vouched = nothing
  #check = 0
  #seen: Seen = unseen
  /** Whether something was read of it in this life. */
  #isKnown = false
  #isLog: boolean
  #hasMoved: boolean
  /** How large it was and when it was last written to, as far as is known. */
  #size: number
  #modifiedMs: number
  /** How large it was when it still held what was read from it. */
  #largest = 0
  /** Since when it has been quiet after it was renamed, on the monotonic clock. */
  #movedSince: number | undefined
  #spare: Buffer | undefined
  /** How much to read at least where the file is taken to end: more while it turns out to be larger. */
  #leastBytes = leastReadBytes
  /** The first bytes, as a chunk would hold them, until it is known where to begin. */
  #peeked: Buffer | undefined

  constructor(opened: OpenedFile, options: FollowOptions, tools: RawFileTools) {
    this.#opened = opened
    this.#options = options
    this.#tools = tools
    this.path = opened.path
    this.#isLog = opened.isLog
    this.#hasMoved = opened.hasMoved
    this.#size = opened.size
    this.#modifiedMs = opened.modifiedMs
    this.#movedSince = opened.rested?.movedSince
  }

  /** What is known of it, once it is read to its end. */
  get resting(): RestingFile {
    const [size, modifiedMs, movedSince] = [this.#size, this.#modifiedMs, this.#movedSince]
    return { path: this.path, size, modifiedMs, movedSince, knownAtMs: this.#tools.context.clock.monotonic() }
  }

  get isStopped(): boolean {
    return this.#tools.stopped.aborted
  }

  async head(count: number): Promise<Uint8Array> {
    if (count === 0) return nothing
    this.#peeked ??= await this.#peek()
    if (headroomBytes + count <= this.#peeked.length)
      return this.#peeked.subarray(headroomBytes).subarray(0, count)
    const bytes = new Uint8Array(count)
    return bytes.subarray(0, await this.#fill(bytes, 0, count))
  }

  async #peek(): Promise<Buffer> {
    const room = this.#size > peekBytesMax ? leastReadBytes : Math.max(this.#size, leastReadBytes)
    const buffer = Buffer.allocUnsafeSlow(headroomBytes + Math.min(room, this.#options.chunkBytes))
    return buffer.subarray(0, headroomBytes + (await this.#fill(buffer.subarray(headroomBytes), 0, 0)))
  }

  async *pieces(beginning: Beginning, isPacked = false): AsyncGenerator<Piece> {
    const { stopped } = this.#tools
    this.#offset = beginning.offset
    // How many there are is known, and their fingerprint; the first read brings the bytes.
    this.#vouched = new Uint8Array(Math.min(beginning.offset, fingerprintBytes))
    this.#check = beginning.check
    const { modifiedMs, earlier } = beginning
    const first = await this.head(Math.min(beginning.first.length, firstBytesMax))
    this.#seen = { first, modifiedMs, earlier }
    if (!isFirst(first, beginning.first)) yield* this.#startOver(beginning, isPacked)
    while (!stopped.aborted) {
      const chunk = await this.#read()
      if (chunk === 'changed') yield* this.#startOver(beginning, isPacked)
      else if (chunk !== undefined) yield chunk
      else {
        if (!this.#options.follow) return this.#finish()
        yield 'quiet'
        const news = await this.#untilGrown()
        if (news === 'finished') return this.#finish()
        if (news === 'cut') yield* this.#startOver(beginning, isPacked)
      }
    }
  }

  /** Reads what comes next; undefined at the end of the file. */
  async #read(): Promise<Chunk | 'changed' | undefined> {
    const back = this.#vouched.length
    const begin = headroomBytes - back
    const offset = this.#offset
    const isShort = this.#isKnown && this.#seen.first.length < fingerprintBytes
    if (isShort && this.#options.follow) await this.#checkShort()
    const peeked = offset === 0 ? this.#peeked : undefined
    this.#peeked = undefined
    const buffer = peeked ?? this.#spare ?? this.#room()
    const count = peeked
      ? peeked.length - headroomBytes
      : await this.#fill(buffer.subarray(begin), offset - back, back)
    this.#spare = undefined
    const before = Uint8Array.from(buffer.subarray(begin, headroomBytes))
    if (count < back || fingerprint(before) !== this.#check) return 'changed'
    this.#vouched = before
    this.#isKnown = true
    this.#largest = Math.max(this.#largest, this.#size)
    const end = begin + count
    this.#leastBytes = end === buffer.length ? this.#leastBytes * 2 : leastReadBytes
    this.#remember(buffer.subarray(headroomBytes, end))
    if (count > back)
      return { buffer, begin, start: headroomBytes, end, offset, seen: this.#seen, startsOver: false }
    this.#spare = buffer
    return undefined
  }

  /** Few bytes do not tell whether a file was cut and begins alike, so what it held before may be elsewhere. */
  async #checkShort(): Promise<void> {
    await this.#look()
    if (this.#modifiedMs !== this.#seen.modifiedMs) await this.#tools.log?.check(this.#seen.modifiedMs)
  }

  /** Nothing more comes: when the file was rotated, another may have been rotated behind it. */
  async #finish(): Promise<void> {
    if (this.#hasMoved && !this.isStopped) await this.#tools.log?.check(this.#seen.modifiedMs)
  }

  /** For as much as the file is known to hold, and somewhat more than nothing: many files are small. */
  #room(): Buffer {
    const bytes = Math.max(this.#size - this.#offset, this.#leastBytes)
    return Buffer.allocUnsafeSlow(headroomBytes + Math.min(bytes, this.#options.chunkBytes))
  }

  /** Reads what is there, and at least `needed` bytes unless the file ends before. */
  async #fill(into: Uint8Array, position: number, needed: number): Promise<number> {
    const { file } = this.#opened
    let count = await file.read(into, position)
    while (count < needed) {
      const more = await file.read(into.subarray(count), position + count)
      if (more === 0) break
      count += more
    }
    return count
  }

  /** Takes in what was read behind bytes that are as they were. */
  #remember(fresh: Uint8Array): void {
    const first = withFirst(this.#seen.first, this.#offset, fresh)
    // The file is no longer the log once it has been renamed.
    const modifiedMs = this.#isLog ? this.#modifiedMs : this.#seen.modifiedMs
    if (first !== this.#seen.first || modifiedMs !== this.#seen.modifiedMs) {
      this.#seen = { first, modifiedMs, earlier: this.#seen.earlier }
      this.#tools.log?.see(firstBytesOf(first), this.#isLog ? modifiedMs : undefined)
    }
    if (fresh.length === 0) return
    this.#movedSince = undefined
    const all = fresh.length < fingerprintBytes ? Buffer.concat([this.#vouched, fresh]) : fresh
    // A copy: a view would keep the whole chunk alive.
    this.#vouched = Uint8Array.from(all.subarray(Math.max(0, all.length - fingerprintBytes)))
    this.#check = fingerprint(this.#vouched)
    this.#offset += fresh.length
  }

  /** Waits until there may be more to read, or it is known that there never will be. */
  async #untilGrown(): Promise<'grown' | 'cut' | 'finished'> {
    const { stopped, context } = this.#tools
    const { clock } = context
    const { pollMs, settledMs } = this.#options
    // A program may go on writing to a file that was just renamed for a while before it opens the new one.
    if (this.#hasMoved) this.#movedSince ??= clock.monotonic()
    for (;;) {
      await pause(clock, pollMs, stopped)
      if (stopped.aborted) return 'finished'
      const modifiedMs = this.#modifiedMs
      await this.#look()
      if (this.#hasMoved) this.#movedSince ??= clock.monotonic()
      if (this.#size > this.#offset) {
        this.#spare = undefined
        return 'grown'
      }
      if (this.#size < this.#offset) return 'cut'
      // Cut and grown to the same size, perhaps: the bytes before will tell.
      if (this.#modifiedMs !== modifiedMs) {
        this.#movedSince = undefined
        return 'grown'
      }
      if (clock.monotonic() - (this.#movedSince ?? Infinity) >= settledMs) return 'finished'
    }
  }

  /** Finds out where the file is, when it was written to and how large it is now. */
  async #look(): Promise<void> {
    const { file, identity } = this.#opened
    const { context, catalog } = this.#tools
    const stat = await context.fs.stat(this.path)
    if (stat?.identity === identity) {
      this.#modifiedMs = stat.modifiedMs
      this.#size = stat.size
      return
    }
    this.#isLog = false
    this.#hasMoved = true
    const found = await catalog.find(identity, context)
    this.path = found?.path ?? this.path
    this.#modifiedMs = found?.modifiedMs ?? this.#modifiedMs
    this.#size = found?.size ?? (await file.size())
  }

  /**
   * The file no longer holds what was read from it: reads the rest of that from a copy, if there is one, and then the
   * file from its start. What was there and had not been read may be lost otherwise, and certainly if the job was down.
   */
  async *#startOver(begun: Beginning, isPacked: boolean): AsyncGenerator<Piece> {
    const { path } = this
    const [offset, check] = [this.#offset, this.#check]
    if (isPacked) {
      const what = 'was replaced while it was read; write a new file instead'
      const { name } = this.#tools.context
      throw new MillraceError('DECODE_FAILED', `source ${name}: ${path} byte ${offset}: the file ${what}`)
    }
    const isRead = this.#isKnown ? this.#largest <= offset : this.#opened.rested !== undefined
    const first = this.#isKnown ? firstBytesOf(this.#seen.first) : begun.first
    const hasEnded = !this.#isKnown && begun.hasEnded
    const { modifiedMs } = this.#seen
    const earlier = this.#tools.log?.cut(first) ?? []
    const beginning = { offset, check, hasEnded, first, modifiedMs, earlier }
    const copy = await this.#tools.lost.find({ path, what: 'was cut', isRead, ...beginning })
    await this.#tools.log?.check(modifiedMs)
    if (copy !== undefined) {
      this.path = copy.path
      yield* copy.pieces()
      this.path = path
    }
    this.#isKnown = true
    this.#largest = 0
    this.#offset = 0
    this.#vouched = nothing
    this.#seen = { first: nothing, modifiedMs: this.#modifiedMs, earlier }
    this.#check = fingerprint(nothing)
    // Also if nothing follows yet: positions are now those of the new content.
    const at = { begin: headroomBytes, start: headroomBytes, end: headroomBytes, offset: 0 }
    yield { buffer: Buffer.alloc(headroomBytes), ...at, seen: this.#seen, startsOver: true }
  }
}
