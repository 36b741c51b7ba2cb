/**
 * Reads the bytes of one file from an offset to its end, or as long as it grows.
 *
 * A followed file is polled every `pollMs`: its size at its path; if another file has that path, at its
 * current path. It is found by its identity, so a rotated file is read to its end under any name.
 *
 * Invariant between any two pieces: `#offset` is where the next byte is read, and `#vouched` contains the
 * last bytes before it as they were when read. Each read reads these bytes again; if they differ, the file
 * was truncated and has grown since. Then the rest of its old content is searched for in a copy, and the file
 * is read from its start. (Text with the same 64 bytes at the same offset is not detected.)
 *
 * Changes to bytes already read are not detected.
 */
import { MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { FsFile } from '@millrace/core/disk'
import { headroomBytes, type Chunk, type Piece } from './chunk.ts'
import type { FileCatalog } from './file-catalog.ts'
import { FileWatch } from './file-watch.ts'
import {
  fingerprint,
  fingerprintBytes,
  firstBytesMax,
  firstBytesOf,
  isFirst,
  unseen,
  withFirst,
  type Beginning,
  type FirstBytes,
  type Seen,
} from './position.ts'
import type { LostContent, RawContent } from './raw-content.ts'
import type { RestingFile } from './resting-files.ts'

/** A file of at most this size is read at once, before its format is known. */
const peekBytesMax = 64 * 1024
const leastReadBytes = 1024

const nothing: Uint8Array = new Uint8Array(0)

/** The log that a file belongs to. */
export interface LogWatch {
  /**
   * Called when the first bytes of the content are known; `modifiedMs` is undefined once the file was
   * renamed.
   */
  see(first: FirstBytes, modifiedMs: number | undefined): void
  /**
   * Called when the file no longer has the content that began with these bytes. Returns the beginnings of
   * earlier contents.
   */
  cut(first: FirstBytes): readonly FirstBytes[]
  /**
   * Searches for unread content of the log written after `since`; throws `SOURCE_FAILED` if the job must
   * stop.
   */
  check(since: number): Promise<void>
}

/** How to watch a file. */
export interface FollowOptions {
  /** Whether to wait for more at the end of the file. */
  readonly follow: boolean
  readonly pollMs: number
  /** How long a renamed or removed file must be quiet to count as finished. */
  readonly settledMs: number
  readonly chunkBytes: number
}

/** What is read: an open file, its identity, and the path it was opened by. */
export interface OpenedFile {
  readonly file: FsFile
  readonly identity: string
  readonly path: string
  /** Its size and modification time before it was opened. */
  readonly size: number
  readonly modifiedMs: number
  /** Whether it has the path that it had when it was first read. */
  readonly isLog: boolean
  /** Whether its path is not one that the source reads. */
  readonly hasMoved: boolean
  /** What was known about it when it was closed, if it was opened before in this run. */
  readonly rested?: RestingFile | undefined
}

/** Dependencies of a raw file. */
export interface RawFileTools {
  readonly catalog: FileCatalog
  readonly lost: LostContent
  /** Undefined for a copy, which is not part of a log. */
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
  /** Whether data was read from it in this run. */
  #isKnown = false
  #isLog: boolean
  /** Whether what is read is inflated, so that its offsets are not those of the file. */
  #isPacked = false
  #hasMoved: boolean
  /** Its last known size and modification time. */
  #size: number
  #modifiedMs: number
  /** Its size when it still had the content that was read. */
  #largest = 0
  /** Since when it has been quiet after a rename, on the monotonic clock. */
  #movedSince: number | undefined
  #spare: Buffer | undefined
  /**
   * The minimum size of a read where the file seems to end; it doubles while the file turns out to be larger.
   */
  #leastBytes = leastReadBytes
  /** The first bytes, as in a chunk, until the start position is known. */
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

  /** What is known about it once it is read to its end. */
  get resting(): RestingFile {
    const [size, modifiedMs, movedSince] = [this.#size, this.#modifiedMs, this.#movedSince]
    return { path: this.path, size, modifiedMs, movedSince, knownAtMs: this.#tools.context.clock.monotonic() }
  }

  /** The known size of its content; undefined for packed content, whose size is not known before its end. */
  get plainSize(): number | undefined {
    return this.#isPacked ? undefined : this.#size
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
    this.#isPacked = isPacked
    this.#offset = beginning.offset
    // Their number and fingerprint are known; the first read delivers the bytes.
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

  /** Reads the next bytes; undefined at the end of the file. */
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

  /**
   * Too few bytes to detect that the file was truncated and begins alike, so its earlier content may be
   * elsewhere.
   */
  async #checkShort(): Promise<void> {
    await this.#look()
    if (this.#modifiedMs !== this.#seen.modifiedMs) await this.#tools.log?.check(this.#seen.modifiedMs)
  }

  /** No more data: if the file was rotated, another may have been rotated after it. */
  async #finish(): Promise<void> {
    if (this.#hasMoved && !this.isStopped) await this.#tools.log?.check(this.#seen.modifiedMs)
  }

  /** The known size plus a little: many files are small. */
  #room(): Buffer {
    const bytes = Math.max(this.#size - this.#offset, this.#leastBytes)
    return Buffer.allocUnsafeSlow(headroomBytes + Math.min(bytes, this.#options.chunkBytes))
  }

  /** Reads available data, at least `needed` bytes unless the file ends earlier. */
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

  /** Accepts data that follows unchanged bytes. */
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
    // Copy the bytes: a view would keep the whole chunk alive.
    this.#vouched = Uint8Array.from(all.subarray(Math.max(0, all.length - fingerprintBytes)))
    this.#check = fingerprint(this.#vouched)
    this.#offset += fresh.length
  }

  /** Waits until there may be more to read, or until it is known that there never will be. */
  async #untilGrown(): Promise<'grown' | 'cut' | 'finished'> {
    const watch = new FileWatch(this.#tools.context, this.path)
    try {
      return await this.#untilChanged(watch)
    } finally {
      watch[Symbol.dispose]()
    }
  }

  async #untilChanged(watch: FileWatch): Promise<'grown' | 'cut' | 'finished'> {
    const { stopped, context } = this.#tools
    const { clock } = context
    const { pollMs, settledMs } = this.#options
    // A program may continue to write to a renamed file for a while before it opens the new one.
    if (this.#hasMoved) this.#movedSince ??= clock.monotonic()
    for (;;) {
      await watch.changed(pollMs, stopped)
      if (stopped.aborted) return 'finished'
      const modifiedMs = this.#modifiedMs
      await this.#look()
      if (this.#hasMoved) this.#movedSince ??= clock.monotonic()
      if (this.#size > this.#offset) {
        this.#spare = undefined
        return 'grown'
      }
      if (this.#size < this.#offset) return 'cut'
      // Perhaps truncated and grown to the same size: the preceding bytes will show it.
      if (this.#modifiedMs !== modifiedMs) {
        this.#movedSince = undefined
        return 'grown'
      }
      if (clock.monotonic() - (this.#movedSince ?? Infinity) >= settledMs) return 'finished'
    }
  }

  /** Finds the current path, modification time and size of the file. */
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
   * Handles a file that no longer has the content that was read: reads the rest of that from a copy, if there
   * is one, and then the file from its start. Without a copy unread data may be lost, and certainly if the
   * job was down.
   */
  async *#startOver(begun: Beginning, isPacked: boolean): AsyncGenerator<Piece> {
    const { path } = this
    const [offset, check] = [this.#offset, this.#check]
    if (isPacked) {
      const what = 'was replaced while it was read; write a new file instead'
      throw new MillraceError('DECODE_FAILED', `${path} byte ${offset}: the file ${what}`)
    }
    const isRead = this.#isKnown ? this.#largest <= offset : this.#opened.rested !== undefined
    const first = this.#isKnown ? firstBytesOf(this.#seen.first) : begun.first
    const hasEnded = !this.#isKnown && begun.hasEnded
    const { modifiedMs } = this.#seen
    const earlier = this.#tools.log?.cut(first) ?? []
    const beginning = { offset, check, hasEnded, first, modifiedMs, earlier }
    const copy = await this.#tools.lost.find({ path, what: 'was truncated', isRead, ...beginning })
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
    // Even if no data follows yet: positions now refer to the new content.
    const at = { begin: headroomBytes, start: headroomBytes, end: headroomBytes, offset: 0 }
    yield { buffer: Buffer.alloc(headroomBytes), ...at, seen: this.#seen, startsOver: true }
  }
}
