import { writeFully, type Fs, type FsFile } from '@millrace/core/disk'
import { corrupt } from '@millrace/segment-log'

/** How many bytes are written at once. */
const sendBytes = 256 * 1024

/** What happens to all files of a log alike. */
export interface LogFate {
  /** The first failure of any write or sync: later ones do nothing. */
  readonly failure: { readonly cause: unknown } | undefined
  fail(cause: unknown): void
}

/**
 * One segment file: appended to while the job runs, and read by position.
 *
 * Blocks that are not in the file yet are read from memory, so that every block can be read from the moment when it was
 * appended. Writing and reading use a handle each, because their calls may overlap.
 */
export class LogFile {
  readonly path: string
  readonly #fs: Fs
  readonly #fate: LogFate
  #reader: FsFile | undefined
  #writer: FsFile | undefined
  /** Blocks that are not written yet, by offset. */
  readonly #waiting = new Map<number, Uint8Array>()
  #unsent: (readonly [offset: number, block: Uint8Array])[] = []
  #unsentBytes = 0
  #waitingBytes = 0
  #size = 0
  #isSynced = true
  /** Settles when everything requested so far is done. Never rejects. */
  #done: Promise<void> = Promise.resolve()

  constructor(fs: Fs, path: string, fate: LogFate) {
    this.#fs = fs
    this.path = path
    this.#fate = fate
  }

  /** How many bytes wait for the disk. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  /** Begins a new file. */
  create(): void {
    this.#isSynced = false
    this.#then(async () => {
      this.#writer = await this.#fs.open(this.path, 'create')
      this.#reader = await this.#fs.open(this.path, 'read')
    })
  }

  /** Opens a file of a snapshot. */
  async open(): Promise<void> {
    this.#reader = await this.#fs.open(this.path, 'read')
  }

  /** Appends a block and returns its offset. The bytes must not change afterwards. */
  append(block: Uint8Array): number {
    const offset = this.#size
    this.#size += block.length
    this.#waiting.set(offset, block)
    this.#waitingBytes += block.length
    this.#unsent.push([offset, block])
    this.#unsentBytes += block.length
    if (this.#unsentBytes >= sendBytes) this.#send()
    return offset
  }

  /** Reads bytes from an offset at which a block begins, at least up to its end if that is not in the file yet. */
  read(offset: number, length: number): Uint8Array {
    const waiting = this.#waiting.get(offset)
    if (waiting !== undefined) return waiting
    const bytes = new Uint8Array(length)
    let filled = 0
    while (filled < length) {
      const count = this.#reader!.readSync(bytes.subarray(filled), offset + filled)
      if (count === 0) break
      filled += count
    }
    if (filled === 0) throw corrupt(`${this.path}, byte ${offset}`, 'the file ends too soon')
    return bytes.subarray(0, filled)
  }

  /** Resolves when everything so far is durable, except the name. */
  async flush(): Promise<void> {
    this.#send()
    this.#then(async () => {
      if (this.#isSynced || this.#writer === undefined) return
      await this.#writer.sync()
      this.#isSynced = true
    })
    await this.#done
  }

  /** Nothing will be appended any more. */
  async finish(): Promise<void> {
    await this.flush()
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close()
  }

  async close(): Promise<void> {
    await this.#done
    const files = [this.#writer, this.#reader]
    this.#writer = undefined
    this.#reader = undefined
    try {
      for (const file of files) await file?.close()
    } catch (cause) {
      // After a failure the file is not trusted any more, and callers of persist know the error.
      if (this.#fate.failure === undefined) throw cause
    }
  }

  #send(): void {
    const blocks = this.#unsent
    const bytes = this.#unsentBytes
    if (blocks.length === 0) return
    this.#unsent = []
    this.#unsentBytes = 0
    this.#isSynced = false
    this.#then(async () => {
      const joined = new Uint8Array(bytes)
      let at = 0
      for (const [, block] of blocks) {
        joined.set(block, at)
        at += block.length
      }
      await writeFully(this.#writer!, joined, this.path)
      this.#isSynced = false
      for (const [offset] of blocks) this.#waiting.delete(offset)
      this.#waitingBytes -= bytes
    })
  }

  #then(step: () => Promise<void>): void {
    this.#done = this.#done.then(async () => {
      if (this.#fate.failure !== undefined) return
      try {
        await step()
      } catch (cause) {
        this.#fate.fail(cause)
      }
    })
  }
}
