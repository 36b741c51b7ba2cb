import { isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { headroomBytes, type Chunk, type Piece } from './chunk.ts'
import { GzipDecoder, gzipMagic } from './gzip.ts'
import {
  fingerprint,
  fingerprintBytes,
  fromStart,
  isFirst,
  unseen,
  withFirst,
  type Beginning,
} from './position.ts'
import type { RawContent } from './raw-content.ts'

/** Options for inflating a gzip file. */
export interface InflateOptions {
  readonly chunkBytes: number
  /** What to do about a truncated or damaged file. */
  readonly ifDamaged: 'stop' | 'skip'
}

/**
 * Reads the content of a file from `beginning` on: its bytes, or the inflated bytes if it is a gzip file.
 *
 * A file counts as gzip when it begins like one, so a rename cannot change its type, or when its name ends in
 * `.gz`, so a damaged one is not read as text.
 */
export async function* contentOf(
  raw: RawContent,
  beginning: Beginning,
  options: InflateOptions,
  context: ConnectorContext,
): AsyncGenerator<Piece> {
  const head = await raw.head(gzipMagic.length)
  const isGzip = raw.path.endsWith('.gz') || Buffer.compare(head, gzipMagic) === 0
  if (isGzip) yield* new Inflation(raw, beginning, options, context).pieces()
  else yield* raw.pieces(beginning)
}

/**
 * Inflates a gzip file.
 *
 * Inflating cannot start in the middle: after a restart the file is inflated from its start, and data already
 * read is skipped. The last bytes before the beginning are compared as in any file.
 */
class Inflation {
  readonly #raw: RawContent
  readonly #beginning: Beginning
  readonly #options: InflateOptions
  readonly #context: ConnectorContext
  /** How many bytes were inflated, and how many were read for that. */
  #offset = 0
  #compressed = 0
  #seen = unseen
  /** The last bytes before the beginning. */
  #before: Uint8Array = new Uint8Array(0)

  constructor(raw: RawContent, beginning: Beginning, options: InflateOptions, context: ConnectorContext) {
    this.#raw = raw
    this.#beginning = beginning
    this.#options = options
    this.#context = context
  }

  async *pieces(): AsyncGenerator<Piece> {
    const decoder = new GzipDecoder(this.#options.chunkBytes)
    try {
      for await (const piece of this.#raw.pieces(this.#start(), true)) {
        if (typeof piece === 'string') {
          yield piece
          continue
        }
        const bytes = piece.buffer.subarray(piece.start, piece.end)
        this.#compressed += bytes.length
        this.#seen = { ...piece.seen, first: this.#seen.first }
        yield* this.#chunks(decoder.push(bytes))
      }
      if (this.#raw.isStopped) return
      yield* this.#chunks(decoder.end())
      if (this.#offset < this.#beginning.offset) throw this.#changed()
    } catch (error) {
      if (isMillraceError(error)) throw error
      const failure = this.#failure(
        `is damaged: ${(error as Error).message}`,
        'restore it from the original',
        error,
      )
      // Truncated before the beginning: it no longer contains the data it had.
      if (this.#options.ifDamaged === 'stop' || this.#offset < this.#beginning.offset) throw failure
      this.#context.warn(`${failure.message.replace(/; [^;]*$/, '')}; what follows is skipped`)
      yield 'torn'
    } finally {
      decoder.close()
    }
  }

  #start(): Beginning {
    const { modifiedMs, earlier } = this.#beginning
    return { ...fromStart, modifiedMs, earlier }
  }

  async *#chunks(output: AsyncGenerator<Buffer>): AsyncGenerator<Chunk> {
    for await (const bytes of output) {
      const chunk = this.#chunk(bytes)
      if (chunk !== undefined) yield chunk
    }
  }

  #chunk(bytes: Buffer): Chunk | undefined {
    const offset = this.#offset
    this.#offset += bytes.length
    const isFirstKnown = this.#seen.first.length >= this.#beginning.first.length
    const first = withFirst(this.#seen.first, offset, bytes)
    this.#seen = { ...this.#seen, first }
    if (
      !isFirstKnown &&
      first.length >= this.#beginning.first.length &&
      !isFirst(first, this.#beginning.first)
    ) {
      throw this.#changed()
    }
    const passed = Math.min(Math.max(this.#beginning.offset - offset, 0), bytes.length)
    if (passed > 0) this.#pass(bytes.subarray(0, passed))
    if (passed === bytes.length) return undefined
    const before = this.#before
    this.#before = new Uint8Array(0)
    const end = headroomBytes + bytes.length - passed
    const buffer = Buffer.allocUnsafeSlow(end)
    const begin = headroomBytes - before.length
    buffer.set(before, begin)
    buffer.set(bytes.subarray(passed), headroomBytes)
    const at = { begin, start: headroomBytes, end, offset: offset + passed }
    return { buffer, ...at, seen: this.#seen, startsOver: false }
  }

  #pass(bytes: Buffer): void {
    const all = Buffer.concat([this.#before, bytes])
    this.#before = Uint8Array.from(all.subarray(Math.max(0, all.length - fingerprintBytes)))
    if (this.#offset < this.#beginning.offset) return
    if (fingerprint(this.#before) !== this.#beginning.check) throw this.#changed()
  }

  #changed(): MillraceError {
    const what = `no longer holds what was read from it up to byte ${this.#beginning.offset}`
    return this.#failure(what, 'restore the file, or start without the checkpoint')
  }

  #failure(what: string, advice: string, cause?: unknown): MillraceError {
    const place = `${this.#raw.path} byte ${this.#compressed} (${this.#offset} inflated)`
    const message = `${place}: the gzip file ${what}; ${advice}`
    return new MillraceError('DECODE_FAILED', message, { cause, place })
  }
}
