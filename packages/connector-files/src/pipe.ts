/** The only file that uses Node's pipes. */
import { close, constants, fstat, open } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import { MillraceError } from '@millrace/core'

/** An open pipe. */
export interface Pipe {
  /** The available bytes, up to `bytesMax`; undefined if there are none. Throws the pipe's error. */
  take(bytesMax: number): Uint8Array | undefined
  /** Whether every writer has closed it and all data was read. */
  readonly hasEnded: boolean
  /** Resolves when there may be news, and when it is closed. */
  ready(): Promise<void>
  close(): void
}

/**
 * Opens a named pipe, or the pipe of a process substitution such as `/dev/fd/63`. Does not wait for a writer,
 * but the pipe ends only after it had one.
 *
 * Throws `FS_IO` if the path is not a pipe.
 */
export async function openPipe(path: string): Promise<Pipe> {
  // Non-blocking: a wait for a writer would block one of the few threads for file operations.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK
  const fd = await promisify(open)(path, flags).catch((cause: unknown) => {
    throw new MillraceError('FS_IO', `${path}: cannot be read as a pipe; give a file or a pipe`, { cause })
  })
  if ((await promisify(fstat)(fd)).isFIFO()) return new SystemPipe(fd)
  await promisify(close)(fd)
  throw new MillraceError('FS_IO', `${path}: is a device; give a file or a pipe`)
}

class SystemPipe implements Pipe {
  readonly #socket: Socket
  hasEnded = false
  #error: Error | undefined
  #hasNews = true
  #wake: () => void = () => {}

  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: false })
    this.#socket.on('readable', () => this.#tell())
    this.#socket.on('close', () => this.#tell())
    this.#socket.on('end', () => {
      this.hasEnded = true
      this.#tell()
    })
    this.#socket.on('error', (error) => {
      this.#error = error
      this.#tell()
    })
  }

  take(bytesMax: number): Uint8Array | undefined {
    if (this.#error !== undefined) throw this.#error
    const { readableLength } = this.#socket
    const bytes = this.#socket.read(Math.min(bytesMax, readableLength) || undefined) as Buffer | null
    if (bytes === null) this.#hasNews = false
    return bytes ?? undefined
  }

  async ready(): Promise<void> {
    while (!this.#hasNews && !this.hasEnded) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  close(): void {
    this.#socket.destroy()
  }

  #tell(): void {
    this.#hasNews = true
    this.#wake()
  }
}
