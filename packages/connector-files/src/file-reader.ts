import { MillraceError } from '@millrace/core'
import type { Poll, SplitReader } from '@millrace/core/connector'
import type { Piece } from './chunk.ts'
import { Feed } from './feed.ts'
import { Harvest, rawBytesMax, type Provenance } from './harvest.ts'
import { Page } from './page.ts'
import { fromStart, firstBytesOf, type FilePosition, type Seen } from './position.ts'
import { noRecord, type RecordDecoder, type RecordFormat } from './record-decoder.ts'
import { isUtf16, type TextFormat } from './text-format.ts'

/** What a reader needs besides the bytes. */
export interface FileReaderOptions {
  readonly from: FilePosition
  readonly provenance: Provenance
  /** A larger record is a failure, and is skipped without buffering it. */
  readonly recordBytesMax: number
  /** Whether nothing can be appended once it has ended. */
  readonly isFinal: boolean
  /** Whether a last line without a line end is left to the next run. */
  readonly leavesLastLine: boolean
  readonly ifLineGrew: 'stop' | 'skip'
  /** Whether the content was missing when it was read, so that a later file begins anew. */
  readonly isReadOnce: boolean
  /** The size of the content as it is known now; undefined if that is not known. */
  readonly plainSize: () => number | undefined
  readonly warn: (message: string) => void
  /** Called when it is closed before its end; `isRead` says that all available data had been read. */
  readonly onClosed: (isRead: boolean) => void
}

/** A record that is too large: where it began, and its first bytes. */
interface Oversize {
  readonly raw: Uint8Array
  readonly line: number
  readonly offset: number
  readonly check: number
}

/**
 * Splits the bytes of a file into records.
 *
 * Invariant between any two calls: everything before `#at` on `#page` was returned, so `position` only needs
 * that place; the bytes after it begin the next record.
 */
export class FileReader<T> implements SplitReader<T, FilePosition> {
  readonly mustStayOpen: boolean
  readonly #feed: Feed
  readonly #stop: () => void
  readonly #options: FileReaderOptions
  readonly #decoder: RecordDecoder<T>
  readonly #format: TextFormat
  #page: Page | undefined
  /** The position while there is no page: before the first and after the last. */
  #resting: FilePosition
  #at = 0
  #line: number
  #seen: Seen | undefined
  /** The facts about the file in the position, besides the place in it. */
  #file: Pick<FilePosition, 'first' | 'modifiedMs' | 'earlier'>
  #oversize: Oversize | undefined
  /** Whether the line before `#at` was read without its line end. */
  #isUnfinished: boolean
  #hasWarned = false
  /** Bytes that were read of earlier content, and where counting in the present content began. */
  #bytesBefore = 0
  #countedFrom: number

  /** Reads from `pieces`, which must end soon after `stop`, or the job's signal, has aborted `stopped`. */
  constructor(
    pieces: AsyncIterable<Piece>,
    format: RecordFormat<T>,
    options: FileReaderOptions,
    { stop, stopped }: { readonly stop: () => void; readonly stopped: AbortSignal },
  ) {
    this.mustStayOpen = options.isReadOnce
    this.#stop = stop
    this.#options = options
    this.#format = format
    this.#decoder = format.decoder()
    this.#decoder.begin(options.from.head)
    this.#line = options.from.line
    this.#file = options.from
    this.#isUnfinished = options.from.isUnfinished
    this.#resting = options.from
    this.#countedFrom = options.from.offset
    this.#feed = new Feed(pieces, stopped)
  }

  poll(limit: number): Poll<T> {
    const feed = this.#feed
    do {
      const page = this.#page
      if (page === undefined) continue
      const harvest = new Harvest<T>(limit, this.#options.provenance, page)
      this.#cut(harvest, page)
      if (this.#isLast() && !harvest.isFull) this.#cutRest(harvest, page)
      if (!harvest.isEmpty) return harvest.poll()
    } while (this.#turnPage())
    if (feed.error !== undefined) throw feed.error
    if (feed.isFinished) {
      this.#letGo()
      return { kind: 'end', isFinal: this.#options.isFinal }
    }
    feed.settle()
    return { kind: 'pending', isCaughtUp: feed.isQuiet }
  }

  ready(): Promise<void> {
    return this.#feed.ready()
  }

  position(): FilePosition {
    const { path } = this.#resting
    const { head } = this.#decoder
    const page = this.#page
    if (page === undefined) return this.#resting
    const { first, modifiedMs, earlier } = this.#file
    const file = { first, modifiedMs, earlier }
    if (this.#oversize !== undefined) {
      const { offset, line, check } = this.#oversize
      return { path, offset, line, check, ...file, isUnfinished: false, hasEnded: false, head }
    }
    const [offset, check] = [page.offset(this.#at), page.check(this.#at)]
    const isUnfinished = this.#isUnfinished
    return { path, offset, line: this.#line, check, ...file, isUnfinished, hasEnded: false, head }
  }

  /** The bytes of the file after the last record that was returned. */
  lag(): { readonly bytes: number } | undefined {
    const size = this.#options.plainSize()
    return size === undefined ? undefined : { bytes: Math.max(0, size - this.#offset) }
  }

  get bytesRead(): number {
    return this.#bytesBefore + this.#offset - this.#countedFrom
  }

  get #offset(): number {
    return this.#page === undefined ? this.#resting.offset : this.#page.offset(this.#at)
  }

  async close(): Promise<void> {
    const { isQuiet, isFinished, next } = this.#feed
    this.#stop()
    await this.#feed.closed()
    if (!isFinished) this.#options.onClosed(isQuiet && next === undefined)
  }

  /** After the end of a file, keeps only its position. */
  #letGo(): void {
    const { from, isReadOnce } = this.#options
    const anew = { ...fromStart, path: from.path, line: 1, isUnfinished: false, head: null }
    const isSpent = this.#page === undefined || this.#at === this.#page.bytes.length
    const hasEnded = isSpent && !this.#feed.isTorn
    this.#resting = isReadOnce ? anew : { ...this.position(), hasEnded }
    this.#page = undefined
  }

  /** Whether the page contains all remaining data, so that its last line counts without a line end. */
  #isLast(): boolean {
    const { next, isFinished, isTorn } = this.#feed
    if (next !== undefined) return next.startsOver
    return isFinished && !isTorn && !this.#options.leavesLastLine
  }

  /** Returns the records that end on this page. */
  #cut(harvest: Harvest<T>, page: Page): void {
    const decoder = this.#decoder
    if (page.offset(this.#at) === 0) this.#passByteOrderMark(page)
    if (this.#isUnfinished && !this.#passUnfinished(page)) return
    while (!harvest.isFull) {
      if (this.#oversize !== undefined) {
        if (!this.#passOversize(harvest, page, this.#oversize)) return
        continue
      }
      const start = this.#at
      const end = decoder.end(page, start)
      if (end === -1) {
        if (page.bytes.length - start > this.#options.recordBytesMax) this.#beginOversize(page)
        return
      }
      this.#take(harvest, page, end)
      this.#at = end + 1
      this.#line += 1 + decoder.innerLines
    }
  }

  /** Returns the rest when the file ends here: its last record need not have a line end. */
  #cutRest(harvest: Harvest<T>, page: Page): void {
    const end = page.bytes.length
    if (this.#at === end && this.#oversize === undefined) return
    if (this.#oversize !== undefined) this.#endOversize(harvest, this.#oversize)
    else if (!this.#isUnfinished) this.#take(harvest, page, end)
    this.#at = end
    this.#isUnfinished = true
  }

  /** Skips the line end of a line that was read without it; false if it is not on this page. */
  #passUnfinished(page: Page): boolean {
    const start = this.#at
    const { bytes } = page
    const end = page.lineEnd(start)
    const isReturn = bytes[start] === 0x0d && (end === -1 ? bytes.length : end) <= start + 1
    const isEnding = bytes[start] === 0x0a || isReturn
    if (!isEnding && start < bytes.length) this.#reportGrowth(page)
    if (end === -1) {
      if (!isEnding) this.#at = bytes.length
      return false
    }
    this.#at = end + 1
    this.#line++
    this.#isUnfinished = false
    return true
  }

  /** The data appended to the line is not a record, and its beginning was already returned as one. */
  #reportGrowth(page: Page): void {
    const { provenance, ifLineGrew, warn } = this.#options
    const place = `${provenance.path} line ${this.#line}, byte ${page.offset(this.#at)}`
    const story =
      `${place}: the line was read when the file ended here, and has grown since, so its ` +
      'record was incomplete'
    if (ifLineGrew === 'stop') {
      const advice =
        "Read files that are still written with lastLine: 'leave'; to skip the rest of this line, set ifLineGrew: 'skip'"
      throw new MillraceError('SOURCE_FAILED', `${story}. ${advice}`, { place })
    }
    if (!this.#hasWarned) warn(`${story}; the rest of the line is skipped`)
    this.#hasWarned = true
  }

  /** Returns the record that begins here, whose line end has its last byte at `last`. */
  #take(harvest: Harvest<T>, page: Page, last: number): void {
    const start = this.#at
    const line = this.#line
    const { bytes } = page
    const isCrLf = last > start && bytes[last - 1] === 0x0d && bytes[last] === 0x0a
    const end = isCrLf ? last - 1 : last
    try {
      if (end - start > this.#options.recordBytesMax) throw this.#tooLarge(end - start)
      const value = this.#decoder.decode(page, start, end)
      if (value !== noRecord) harvest.add(value, start, end, line)
    } catch (cause) {
      const isTooLarge = end - start > this.#options.recordBytesMax
      const raw = page.raw(start, isTooLarge ? start + rawBytesMax : end)
      harvest.fail(cause, raw, line, page.offset(start))
    }
  }

  #turnPage(): boolean {
    const chunk = this.#feed.take()
    if (chunk === undefined) return false
    const previous = this.#page
    const endedAt = this.#offset
    if (previous === undefined || chunk.startsOver) {
      this.#setPage(Page.first(chunk, this.#format))
      this.#setSeen(chunk.seen)
      if (chunk.startsOver) {
        this.#bytesBefore += endedAt - this.#countedFrom
        this.#countedFrom = 0
        this.#line = 1
        this.#oversize = undefined
        this.#isUnfinished = false
        this.#decoder.begin(null)
      }
      return true
    }
    this.#setPage(Page.after(previous, this.#at, chunk, this.#format))
    this.#setSeen(chunk.seen)
    return true
  }

  #setSeen(seen: Seen): void {
    if (this.#seen === seen) return
    const { modifiedMs, earlier } = seen
    const first = this.#seen?.first === seen.first ? this.#file.first : firstBytesOf(seen.first)
    this.#seen = seen
    this.#file = { first, modifiedMs, earlier }
  }

  #setPage(page: Page): void {
    this.#page = page
    const isBetweenRecords = this.#oversize === undefined
    this.#at = isBetweenRecords && page.isHalfLineEnd(page.start) ? page.start + 1 : page.start
  }

  #passByteOrderMark({ bytes }: Page): void {
    const at = this.#at
    const isMark = bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf
    const { encoding } = this.#format
    if (isMark && (encoding === 'utf8' || isUtf16(encoding))) this.#at += 3
    // The byte order mark with its bytes swapped.
    else if (isUtf16(encoding) && bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbe) {
      const { path } = this.#options.provenance
      const real = encoding === 'utf16le' ? 'utf16be' : 'utf16le'
      const what = `begins with the byte order mark of ${real}; read it with encoding: '${real}'`
      throw new MillraceError('SOURCE_FAILED', `${path} ${what}`, { place: path })
    }
  }

  #beginOversize(page: Page): void {
    const start = this.#at
    const raw = page.raw(start, start + rawBytesMax).slice()
    this.#oversize = { raw, line: this.#line, offset: page.offset(start), check: page.check(start) }
    this.#at = page.bytes.length
    // The partial search for its end does not count for the next record.
    this.#decoder.begin(this.#decoder.head)
  }

  /** Searches the end of the line after a record that is too large; false if it is not on this page. */
  #passOversize(harvest: Harvest<T>, page: Page, oversize: Oversize): boolean {
    const end = page.lineEnd(this.#at)
    this.#at = end === -1 ? page.bytes.length : end + 1
    if (end === -1) return false
    this.#endOversize(harvest, oversize)
    this.#line++
    return true
  }

  #endOversize(harvest: Harvest<T>, { raw, line, offset }: Oversize): void {
    this.#oversize = undefined
    harvest.fail(this.#tooLarge(undefined), raw, line, offset)
  }

  #tooLarge(bytes: number | undefined): MillraceError {
    const { recordBytesMax } = this.#options
    const size = bytes === undefined ? `more than ${recordBytesMax}` : String(bytes)
    return new MillraceError(
      'RECORD_TOO_LARGE',
      `the record has ${size} bytes and ${recordBytesMax} are allowed; split it, or raise recordBytesMax`,
    )
  }
}
