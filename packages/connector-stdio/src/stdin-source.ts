import { MillraceError } from '@millrace/core'
import {
  withoutByteOrderMark,
  type ConnectorContext,
  type DecodeFailure,
  type Discovery,
  type Line,
  type Poll,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import type { ByteInput } from './byte-input.ts'
import { LineOrigin, placeOf } from './line-origin.ts'
import { StdinFeed } from './stdin-feed.ts'

const split = 'stdin'

/** Options for reading standard input. */
export interface StdinOptions {
  /** A longer line is a failure, in bytes. Default 1 MiB. */
  readonly lineBytesMax?: number
}

/** Decodes a line to a record, or returns `noRecord`. Throws if the line is invalid. */
export type LineDecoder<T> = (bytes: Uint8Array) => T | typeof noRecord

/** The result for a line that is neither a record nor a failure. */
export const noRecord: unique symbol = Symbol('no record')

/**
 * A source of lines that cannot be read again. It has one split, whose position is empty.
 */
export class StdinSource<T> implements Source<T, null> {
  readonly kind = 'stdin'
  readonly durability = 'volatile'
  readonly needsMainThread = true
  readonly #input: ByteInput
  readonly #decode: LineDecoder<T>
  readonly #lineBytesMax: number
  #feed: StdinFeed | undefined

  /** Throws `OPTION_INVALID`. */
  constructor(input: ByteInput, decode: LineDecoder<T>, { lineBytesMax = 1024 * 1024 }: StdinOptions) {
    if (!Number.isSafeInteger(lineBytesMax) || lineBytesMax < 1) {
      throw new MillraceError(
        'OPTION_INVALID',
        `stdin: lineBytesMax is ${lineBytesMax}; give a whole number of bytes, 1 or more`,
      )
    }
    this.#input = input
    this.#decode = decode
    this.#lineBytesMax = lineBytesMax
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: [split], isComplete: true })
  }

  async open(
    name: string,
    _from: null | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, null>> {
    if (name !== split) {
      throw new MillraceError(
        'CHECKPOINT_INCOMPATIBLE',
        `source ${context.name} has no split ${name}, only ${split}`,
      )
    }
    this.#feed ??= new StdinFeed(this.#input, this.#lineBytesMax)
    return new StdinReader(this.#feed, this.#decode, context)
  }
}

class StdinReader<T> implements SplitReader<T, null> {
  readonly #feed: StdinFeed
  readonly #decode: LineDecoder<T>
  readonly #context: ConnectorContext
  readonly #onAbort = (): void => this.#wake()
  /** How much earlier readers of this process have returned. */
  readonly #before: number
  #isClosed = false
  #waiting: Promise<void> | undefined
  #wake: () => void = () => undefined

  constructor(feed: StdinFeed, decode: LineDecoder<T>, context: ConnectorContext) {
    this.#feed = feed
    this.#decode = decode
    this.#context = context
    this.#before = feed.returnedBytes
    feed.onNews = () => this.#wake()
    context.signal.addEventListener('abort', this.#onAbort)
    feed.resume()
  }

  poll(limit: number): Poll<T> {
    const values: T[] = []
    const lines: Line[] = []
    const failures: DecodeFailure[] = []
    while (values.length + failures.length < limit) {
      const line = this.#feed.next()
      if (line === undefined) break
      try {
        const value = this.#decoded(line)
        if (value === noRecord) continue
        values.push(value)
        lines.push(line)
      } catch (error) {
        failures.push({ index: values.length, error, raw: line.bytes, place: placeOf(line) })
      }
    }
    if (values.length + failures.length === 0) {
      if (this.#feed.failure !== undefined) throw this.#failed(this.#feed.failure)
      return this.#feed.hasEnded ? { kind: 'end' } : { kind: 'pending', isCaughtUp: true }
    }
    const origin = new LineOrigin(this.#context.name, split, lines)
    return failures.length === 0
      ? { kind: 'records', values, origin }
      : { kind: 'records', values, origin, failures }
  }

  ready(): Promise<void> {
    const { isDrained, hasEnded, failure } = this.#feed
    const isOver = hasEnded || failure !== undefined
    if (!isDrained || isOver || this.#isClosed || this.#context.signal.aborted) return Promise.resolve()
    this.#waiting ??= new Promise((resolve) => {
      this.#wake = () => {
        this.#waiting = undefined
        this.#wake = () => undefined
        resolve()
      }
    })
    return this.#waiting
  }

  position(): null {
    return null
  }

  get bytesRead(): number {
    return this.#feed.returnedBytes - this.#before
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    // An input without a reader must not keep the process alive.
    this.#feed.pause()
    this.#wake()
    return Promise.resolve()
  }

  #decoded(line: Line): T | typeof noRecord {
    if (!line.isCut) return this.#decode(line.number === 1 ? withoutByteOrderMark(line.bytes) : line.bytes)
    throw new MillraceError(
      'RECORD_TOO_LARGE',
      `the line is longer than the ${line.bytes.length} bytes that lineBytesMax allows; only its beginning is kept`,
    )
  }

  #failed(cause: Error): MillraceError {
    return new MillraceError(
      'SOURCE_FAILED',
      `standard input cannot be read (${cause.message}); all earlier lines were read`,
      { cause },
    )
  }
}
