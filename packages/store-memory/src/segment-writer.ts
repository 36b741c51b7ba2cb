import { writeFully } from '@millrace/core'
import type { Fs, FsFile } from '@millrace/core'

const bufferBytes = 1024 * 1024
/** Bytes that may wait for the disk before `isBehind` asks to pause. */
const waitingBytesMax = 4 * bufferBytes

/**
 * Writes one file after the other, beside the running job.
 *
 * Calls take effect in their order; only `flush` and `close` wait. Bytes travel in buffers of one MiB, so
 * most of a snapshot is written while the rest is still being encoded.
 *
 * The first failure is final. What was written before may be lost and what comes later would follow a
 * gap, so everything after it is discarded and every `flush` rejects with that failure.
 */
export class SegmentWriter {
  readonly #fs: Fs
  readonly #directory: string
  /** Settles when everything asked for so far is done. Never rejects. */
  #done: Promise<void> = Promise.resolve()
  #failure: { readonly cause: unknown } | undefined = undefined

  #buffer: Uint8Array | undefined = undefined
  #filled = 0
  #spare: Uint8Array | undefined = undefined
  #waitingBytes = 0

  // These belong to the steps that `#then` lines up.
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

  /** Creates a file; what is appended from now on goes there. The one before must be finished. */
  start(file: string): void {
    this.#then(async () => {
      this.#path = `${this.#directory}/${file}`
      this.#file = await this.#fs.open(this.#path, 'create')
      this.#isFileSynced = false
      this.#areNamesSynced = false
    })
  }

  /** Takes a copy of `bytes`. */
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

  /** Ends the current file: its bytes are made durable, then it is closed. */
  finish(): void {
    this.#send()
    this.#then(async () => {
      await this.#syncFile()
      await this.#closeFile()
    })
  }

  /** Resolves when everything so far is durable, names of files included. */
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

  /** Lets go of the file; what was not flushed may be lost. */
  async close(): Promise<void> {
    await this.#done
    try {
      await this.#closeFile()
    } catch (cause) {
      // After a failure the file is no longer trusted, and whoever flushed has heard of it.
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
