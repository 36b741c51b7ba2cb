/** The only file that uses Node's zlib. */
import { createGunzip, type Gunzip } from 'node:zlib'

/** The first bytes of every gzip file; no UTF-8 text begins like this. */
export const gzipMagic: Uint8Array = Uint8Array.of(0x1f, 0x8b)

/**
 * Inflates gzip data piece by piece.
 *
 * Output is returned in chunks of at most `chunkBytes`, each only after the previous one was taken: memory is
 * bounded whatever the inflated size. All members of a file are read.
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

  /** Inflates bytes. Throws zlib's error if they are not gzip data; do not call it after that. */
  async *push(bytes: Uint8Array): AsyncGenerator<Buffer> {
    let isConsumed = false
    this.#stream.write(bytes, () => {
      isConsumed = true
      this.#wake()
    })
    yield* this.#output(() => isConsumed)
  }

  /** The rest of the output. Throws zlib's error if data is missing or a checksum is wrong. */
  async *end(): AsyncGenerator<Buffer> {
    this.#stream.end()
    yield* this.#output(() => this.#hasEnded)
  }

  /** Frees zlib's memory. */
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
