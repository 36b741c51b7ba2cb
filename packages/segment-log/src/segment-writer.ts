import { writeFully } from '@millrace/core/disk'
import type { Fs, FsFile } from '@millrace/core/disk'

const bufferBytes = 1024 * 1024
/** How many bytes may wait for the disk before `isBehind` requests a pause. */
const waitingBytesMax = 4 * bufferBytes

/**
 * Writes one file after the other, while the job runs.
 *
 * Calls take effect in order; only `flush` and `close` wait. Bytes are buffered in blocks of one MiB, so most
 * of a snapshot is written while the rest is being encoded.
 *
 * The first failure is final. Earlier writes may be lost and later ones would follow a gap, so everything
 * after it is discarded and every `flush` rejects with that failure.
 */
export class SegmentWriter {
  readonly #fs: Fs
  readonly #directory: string
  /** Settles when everything requested so far is done. Never rejects. */
  #done: Promise<void> = Promise.resolve()
  #failure: { readonly cause: unknown } | undefined = undefined

  #buffer: Uint8Array | undefined = undefined
  #filled = 0
  #spare: Uint8Array | undefined = undefined
  #waitingBytes = 0

  // Used only by the steps that `#then` queues.
  #file: FsFile | undefined = undefined
  #path = ''
  #isFileSynced = true
  #areNamesSynced = true

  constructor(fs: Fs, directory: string) {
    this.#fs = fs
    this.#directory = directory
  }

  get isBehind(): boolean {
    return this.#waitingBytes >= waitingBytesMax
  }

  /** Creates a file; later appends go to it. The previous one must be finished. */
  start(file: string): void {
    this.#then(async () => {
      this.#path = `${this.#directory}/${file}`
      this.#file = await this.#fs.open(this.#path, 'create')
      this.#isFileSynced = false
      this.#areNamesSynced = false
    })
  }

  /** Appends a copy of `bytes`. */
  append(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return
    let at = 0
    while (at < bytes.length) {
      const buffer = (this.#buffer ??= this.#takeBuffer())
      const count = Math.min(bytes.length - at, buffer.length - this.#filled)
      buffer.set(bytes.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
      if (this.#filled === buffer.length) this.#send()
    }
  }

  /** Finishes the current file: syncs its bytes and closes it. */
  finish(): void {
    this.#send()
    this.#then(async () => {
      await this.#syncFile()
      await this.#closeFile()
    })
  }

  /** Resolves when everything so far is durable, including names of files. */
  async flush(): Promise<void> {
    this.#send()
    this.#then(async () => {
      await this.#syncFile()
      if (this.#areNamesSynced) return
      await this.#fs.syncDirectory(this.#directory)
      this.#areNamesSynced = true
    })
    await this.#done
    if (this.#failure !== undefined) throw this.#failure.cause
  }

  /** Closes the file; unflushed data may be lost. */
  async close(): Promise<void> {
    await this.#done
    try {
      await this.#closeFile()
    } catch (cause) {
      // After a failure the file is not trusted any more, and callers of flush know the error.
      if (this.#failure === undefined) throw cause
    }
  }

  #takeBuffer(): Uint8Array {
    const buffer = this.#spare ?? new Uint8Array(bufferBytes)
    this.#spare = undefined
    return buffer
  }

  #send(): void {
    const buffer = this.#buffer
    const count = this.#filled
    if (buffer === undefined || count === 0) return
    this.#buffer = undefined
    this.#filled = 0
    this.#waitingBytes += count
    this.#then(async () => {
      this.#isFileSynced = false
      await writeFully(this.#file!, buffer.subarray(0, count), this.#path)
      this.#waitingBytes -= count
      this.#spare = buffer
    })
  }

  async #syncFile(): Promise<void> {
    if (this.#file === undefined || this.#isFileSynced) return
    await this.#file.sync()
    this.#isFileSynced = true
  }

  async #closeFile(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  #then(step: () => Promise<void>): void {
    this.#done = this.#done.then(async () => {
      if (this.#failure !== undefined) return
      try {
        await step()
      } catch (cause) {
        this.#failure = { cause }
        this.#buffer = undefined
        this.#filled = 0
        this.#waitingBytes = 0
      }
    })
  }
}
