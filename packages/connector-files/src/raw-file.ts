/**
 * The bytes of one file, from an offset to its end, or for as long as it grows.
 *
 * A followed file is watched by asking, every `pollMs`: for its size at the path it had; when another file has
 * that path, for the path it has now. It is found by its identity, so a rotated file is read to its end under
 * whatever name.
 *
 * True between any two pieces: `#offset` is where the next byte is read, and `#vouched` holds the last bytes
 * before it as they were when they were read. When the file has changed these bytes are read again together with
 * the next ones; if they differ the file was cut and has grown since, and is read from its start. (Whoever puts
 * text with the same 64 bytes at the same place is not noticed.)
 *
 * Not watched for: changes of bytes that have been read already.
 */
import { MillraceError, type ConnectorContext, type FsFile } from '@millrace/core'
import { headroomBytes, type Chunk, type Piece } from './chunk.ts'
import type { FileCatalog } from './file-catalog.ts'
import { pause } from './pause.ts'
import { fingerprint, fingerprintBytes } from './position.ts'

/** Where to begin, and what must stand before it. */
export interface Beginning {
  readonly offset: number
  readonly check: number
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
  /** When it was last written to, before it was opened. */
  readonly modifiedMs: number
  /** Whether its path is not the one it had when it was first read. */
  readonly hasMoved: boolean
}

export class RawFile {
  /** Where the file was last seen. */
  path: string
  /** Whether the file is one that is written once, such as a gzip file. */
  isOneWhole = false
  readonly #opened: OpenedFile
  readonly #options: FollowOptions
  readonly #catalog: FileCatalog
  readonly #context: ConnectorContext
  readonly #stopped: AbortSignal
  #offset = 0
  #vouched: Uint8Array = new Uint8Array(0)
  #check = 0
  #hasMoved: boolean
  /** When it was last written to, as far as is known. */
  #modifiedMs: number
  #hasWaited = false
  #startsOver = false
  #spare: Buffer | undefined
  #roomBytes: number

  constructor(
    opened: OpenedFile,
    options: FollowOptions,
    catalog: FileCatalog,
    context: ConnectorContext,
    stopped: AbortSignal,
  ) {
    this.#opened = opened
    this.#options = options
    this.#catalog = catalog
    this.#context = context
    this.#stopped = stopped
    this.path = opened.path
    this.#hasMoved = opened.hasMoved
    this.#modifiedMs = opened.modifiedMs
    this.#roomBytes = options.chunkBytes
  }

  /** Which bytes the file begins with; fewer than asked for if it is shorter. */
  async head(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count)
    return bytes.subarray(0, await this.#opened.file.read(bytes, 0))
  }

  /**
   * Reads from `beginning` on. With `isOneWhole` the file is one that is written once, such as a gzip file: it is
   * finished when it has been quiet for `settledMs`, also under its own name.
   */
  async *pieces(beginning: Beginning, isOneWhole: boolean): AsyncGenerator<Piece> {
    this.isOneWhole = isOneWhole
    this.#offset = beginning.offset
    // How many there are is known, and their fingerprint; the first read brings the bytes.
    this.#vouched = new Uint8Array(Math.min(beginning.offset, fingerprintBytes))
    this.#check = beginning.check
    this.#hasWaited = true
    while (!this.#stopped.aborted) {
      const chunk = await this.#read()
      if (chunk !== undefined) {
        yield chunk
        continue
      }
      if (!this.#options.follow) return
      yield 'quiet'
      if (!(await this.#untilGrown())) return
    }
  }

  /** Reads what comes next; undefined at the end of the file. */
  async #read(): Promise<Chunk | undefined> {
    const back = this.#hasWaited ? this.#vouched.length : 0
    const buffer = this.#spare ?? Buffer.allocUnsafeSlow(headroomBytes + this.#roomBytes)
    const begin = headroomBytes - back
    const offset = this.#offset
    const count = await this.#fill(buffer.subarray(begin), offset - back, back)
    this.#spare = undefined
    this.#roomBytes = this.#options.chunkBytes
    if (back > 0) {
      const before = Uint8Array.from(buffer.subarray(begin, headroomBytes))
      if (count < back || fingerprint(before) !== this.#check) {
        this.#startOver('no longer holds what was read from it')
        return this.#read()
      }
      this.#vouched = before
    }
    this.#hasWaited = false
    if (count === back) {
      this.#spare = buffer
      return undefined
    }
    const end = begin + count
    const startsOver = this.#startsOver
    this.#startsOver = false
    this.#remember(buffer.subarray(headroomBytes, end))
    return { buffer, begin, start: headroomBytes, end, offset, startsOver }
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

  #remember(fresh: Uint8Array): void {
    const all = fresh.length < fingerprintBytes ? Buffer.concat([this.#vouched, fresh]) : fresh
    // A copy: a view would keep the whole chunk alive.
    this.#vouched = Uint8Array.from(all.subarray(Math.max(0, all.length - fingerprintBytes)))
    this.#check = fingerprint(this.#vouched)
    this.#offset += fresh.length
  }

  /** Waits until there may be more to read; false when there never will be. */
  async #untilGrown(): Promise<boolean> {
    const { clock } = this.#context
    const { pollMs, settledMs, chunkBytes } = this.#options
    let quietSince = clock.monotonic()
    for (;;) {
      await pause(clock, pollMs, this.#stopped)
      if (this.#stopped.aborted) return false
      const hadMoved = this.#hasMoved
      const modifiedMs = this.#modifiedMs
      const size = await this.#look()
      // Whoever writes to a file that was just renamed may go on for a while before opening the new one.
      if (this.#hasMoved && !hadMoved) quietSince = clock.monotonic()
      this.#hasWaited = true
      if (size > this.#offset) {
        this.#spare = undefined
        this.#roomBytes = Math.min(chunkBytes, size - this.#offset)
        return true
      }
      if (size < this.#offset) {
        this.#startOver('shrank')
        return true
      }
      // Cut and grown to the same size, perhaps: the bytes before will tell.
      if (this.#modifiedMs !== modifiedMs) return true
      const isFinished = this.#hasMoved || this.isOneWhole
      if (isFinished && clock.monotonic() - quietSince >= settledMs) return false
    }
  }

  /** Finds out where the file is and when it was written to, and how large it is now. */
  async #look(): Promise<number> {
    const { file, identity } = this.#opened
    const stat = await this.#context.fs.stat(this.path)
    if (stat?.identity === identity) {
      this.#modifiedMs = stat.modifiedMs
      return stat.size
    }
    this.#hasMoved = true
    const found = await this.#catalog.find(identity, this.#context)
    if (found === undefined) return file.size()
    this.path = found.path
    this.#modifiedMs = found.modifiedMs
    return found.size
  }

  #startOver(what: string): void {
    const { name } = this.#context
    const story = `source ${name}: ${this.path} ${what} up to byte ${this.#offset}`
    if (!this.#options.follow) {
      throw new MillraceError(
        'SOURCE_FAILED',
        `${story}; put the file back as it was, or start without the checkpoint`,
        { place: `${this.path} byte ${this.#offset}` },
      )
    }
    this.#context.warn(`${story}; it is read again from its start`)
    this.#offset = 0
    this.#vouched = new Uint8Array(0)
    this.#check = fingerprint(this.#vouched)
    this.#startsOver = true
  }
}
