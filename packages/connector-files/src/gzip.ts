/** The door to Node's zlib. */
import { createGunzip, type Gunzip } from 'node:zlib'

/** What every gzip file begins with; no text in UTF-8 does. */
export const gzipMagic: Uint8Array = Uint8Array.of(0x1f, 0x8b)

/**
 * Takes gzip data piece by piece and gives back what it holds.
 *
 * Output comes in chunks of at most `chunkBytes`, and not before the last was taken: however much a file inflates to,
 * memory is bounded. Files of several members are read through all of them.
 */
export class GzipDecoder {
  readonly #stream: Gunzip
  #error: Error | undefined
  #hasEnded = false
  #wake: () => void = () => {}

  constructor(chunkBytes: number) {
    this.#stream = createGunzip({ chunkSize: Math.max(64, chunkBytes) })
    this.#stream.on('readable', () => this.#wake())
    this.#stream.on('error', (error) => {
      this.#error = error
      this.#wake()
    })
    this.#stream.on('end', () => {
      this.#hasEnded = true
      this.#wake()
    })
  }

  /** What some bytes inflate to. Throws zlib's error when they cannot be gzip data; call no more after that. */
  async *push(bytes: Uint8Array): AsyncGenerator<Buffer> {
    let isConsumed = false
    this.#stream.write(bytes, () => {
      isConsumed = true
      this.#wake()
    })
    yield* this.#output(() => isConsumed)
  }

  /** The rest, and whether it was whole: throws zlib's error when data is missing or a checksum does not match. */
  async *end(): AsyncGenerator<Buffer> {
    this.#stream.end()
    yield* this.#output(() => this.#hasEnded)
  }

  /** Frees what zlib holds. */
  close(): void {
    this.#stream.destroy()
  }

  async *#output(isDone: () => boolean): AsyncGenerator<Buffer> {
    for (;;) {
      const chunk = this.#stream.read() as Buffer | null
      if (chunk !== null) {
        yield chunk
        continue
      }
      if (this.#error !== undefined) throw this.#error
      if (isDone()) return
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}
