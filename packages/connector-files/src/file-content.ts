import { MillraceError, type ConnectorContext } from '@millrace/core'
import { headroomBytes, type Chunk, type Piece } from './chunk.ts'
import { GzipDecoder, gzipMagic } from './gzip.ts'
import { fingerprint, fingerprintBytes } from './position.ts'
import type { Beginning, RawFile } from './raw-file.ts'

/**
 * The content of a file from `beginning` on: its bytes, or what they inflate to if it is a gzip file.
 *
 * A file is taken for gzip when it begins like one, so that a rename cannot change what it is, or when its name ends
 * in `.gz`, so that a damaged one is not taken for text.
 */
export async function* contentOf(
  raw: RawFile,
  beginning: Beginning,
  chunkBytes: number,
  context: ConnectorContext,
): AsyncGenerator<Piece> {
  const head = await raw.head(gzipMagic.length)
  const isGzip = raw.path.endsWith('.gz') || Buffer.compare(head, gzipMagic) === 0
  if (isGzip) yield* new Inflation(raw, beginning, chunkBytes, context).pieces()
  else yield* raw.pieces(beginning, false)
}

/**
 * Inflates a gzip file.
 *
 * Nobody can begin in the middle of one: after a restart it is inflated from its start, and what was read before is
 * passed over. The last bytes before the beginning are compared as in any file.
 */
class Inflation {
  readonly #raw: RawFile
  readonly #beginning: Beginning
  readonly #chunkBytes: number
  readonly #context: ConnectorContext
  /** How much was inflated, and how much was read for it. */
  #offset = 0
  #compressed = 0
  /** The last bytes before the beginning. */
  #before: Uint8Array = new Uint8Array(0)

  constructor(raw: RawFile, beginning: Beginning, chunkBytes: number, context: ConnectorContext) {
    this.#raw = raw
    this.#beginning = beginning
    this.#chunkBytes = chunkBytes
    this.#context = context
  }

  async *pieces(): AsyncGenerator<Piece> {
    const decoder = new GzipDecoder(this.#chunkBytes)
    try {
      for await (const piece of this.#raw.pieces({ offset: 0, check: 0 }, true)) {
        if (piece === 'quiet') {
          yield piece
          continue
        }
        if (piece.startsOver) throw this.#failure('was replaced while it was read; write a new file instead')
        const bytes = piece.buffer.subarray(piece.start, piece.end)
        this.#compressed += bytes.length
        yield* this.#inflate(decoder.push(bytes))
      }
      if (this.#context.signal.aborted) return
      yield* this.#inflate(decoder.end())
      if (this.#offset < this.#beginning.offset) throw this.#changed()
    } finally {
      decoder.close()
    }
  }

  async *#inflate(output: AsyncGenerator<Buffer>): AsyncGenerator<Chunk> {
    try {
      for await (const bytes of output) {
        const chunk = this.#chunk(bytes)
        if (chunk !== undefined) yield chunk
      }
    } catch (cause) {
      if (cause instanceof MillraceError) throw cause
      throw this.#failure(
        `is damaged: ${(cause as Error).message}; restore it from where it came from`,
        cause,
      )
    }
  }

  #chunk(bytes: Buffer): Chunk | undefined {
    const offset = this.#offset
    this.#offset += bytes.length
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
    return { buffer, begin, start: headroomBytes, end, offset: offset + passed, startsOver: false }
  }

  #pass(bytes: Buffer): void {
    const all = Buffer.concat([this.#before, bytes])
    this.#before = Uint8Array.from(all.subarray(Math.max(0, all.length - fingerprintBytes)))
    if (this.#offset < this.#beginning.offset) return
    if (fingerprint(this.#before) !== this.#beginning.check) throw this.#changed()
  }

  #changed(): MillraceError {
    const what = `no longer holds what was read from it up to byte ${this.#beginning.offset}`
    return this.#failure(`${what}; put the file back as it was, or start without the checkpoint`)
  }

  #failure(what: string, cause?: unknown): MillraceError {
    const { path } = this.#raw
    const place = `${path} byte ${this.#compressed} (${this.#offset} inflated)`
    return new MillraceError(
      'DECODE_FAILED',
      `source ${this.#context.name}: ${place}: the gzip file ${what}`,
      {
        cause,
        place,
      },
    )
  }
}
