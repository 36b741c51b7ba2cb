import { crc32 } from '../kernel/crc32.ts'
import { makeDurableDirectory } from '../kernel/durable-directory.ts'
import { isMillraceError, MillraceError } from '../kernel/errors.ts'
import type { Platform } from '../kernel/platform.ts'
import { publishFile, readWhole, writeFully } from '../kernel/whole-file.ts'

const fileName = 'lock'

interface Owner {
  readonly pid: number
  readonly host: string
  readonly startedAt: string
}

/**
 * One process at a time may use a data directory. The lock is a file that names its owner; after `kill -9` the
 * file stays, and whoever comes next sees that the owner is gone and takes it over.
 */
export class DirectoryLock {
  readonly #platform: Platform
  readonly #directory: string
  readonly #self: Owner

  private constructor(platform: Platform, directory: string) {
    this.#platform = platform
    this.#directory = directory
    const { id, host, startedAt } = platform.process
    this.#self = { pid: id, host, startedAt }
  }

  /** Throws `DIRECTORY_LOCKED`, naming the owner, if another process that still runs has it. */
  static async take(platform: Platform, directory: string): Promise<DirectoryLock> {
    const lock = new DirectoryLock(platform, directory)
    await makeDurableDirectory(platform.fs, directory)
    if (await lock.#create()) return lock
    const owner = await lock.#owner()
    if (owner !== undefined && (await lock.#isAlive(owner))) throw lock.#locked(owner)
    // The rename that takes over is atomic, and the last of several to rename wins: so look again.
    await publishFile(platform.fs, directory, fileName, lock.#content())
    await platform.scheduler.turn()
    await lock.verify()
    return lock
  }

  /** Text that no other process on this directory has; plain enough for the name of a file. */
  get mark(): string {
    return crc32(this.#content()).toString(16)
  }

  /** Throws `DIRECTORY_LOCKED` if another process has taken the lock over. Called before every checkpoint counts. */
  async verify(): Promise<void> {
    const owner = await this.#owner()
    if (owner === undefined || !same(owner, this.#self)) throw this.#locked(owner)
  }

  /** Gives the directory free. */
  async release(): Promise<void> {
    const owner = await this.#owner()
    if (owner !== undefined && same(owner, this.#self)) await this.#platform.fs.remove(this.#path())
  }

  async #create(): Promise<boolean> {
    const { fs } = this.#platform
    let file
    try {
      file = await fs.open(this.#path(), 'create')
    } catch (error) {
      if (isMillraceError(error, 'FS_EXISTS')) return false
      throw error
    }
    try {
      await writeFully(file, this.#content(), this.#path())
    } finally {
      await file.close()
    }
    return true
  }

  /** Undefined if the file is gone or was cut short by a crash. */
  async #owner(): Promise<Owner | undefined> {
    try {
      const text = new TextDecoder().decode(await readWhole(this.#platform.fs, this.#path()))
      const { pid, host, startedAt } = JSON.parse(text) as Partial<Owner>
      if (typeof pid !== 'number' || typeof host !== 'string' || typeof startedAt !== 'string')
        return undefined
      return { pid, host, startedAt }
    } catch (error) {
      if (isMillraceError(error, 'FS_NOT_FOUND') || error instanceof SyntaxError) return undefined
      throw error
    }
  }

  async #isAlive(owner: Owner): Promise<boolean> {
    const { process } = this.#platform
    // Nobody can tell from here whether a process on another machine runs, so the lock counts.
    if (owner.host !== process.host) return true
    if (same(owner, this.#self)) return true
    return process.isRunning(owner.pid, owner.startedAt)
  }

  #locked(owner: Owner | undefined): MillraceError {
    const who = owner === undefined ? 'another process' : `process ${owner.pid} on ${owner.host}`
    return new MillraceError(
      'DIRECTORY_LOCKED',
      `${this.#directory} is in use by ${who}; stop that job or choose another data directory (if no such process runs, remove ${this.#path()})`,
    )
  }

  #content(): Uint8Array {
    return new TextEncoder().encode(`${JSON.stringify(this.#self)}\n`)
  }

  #path(): string {
    return `${this.#directory}/${fileName}`
  }
}

function same(a: Owner, b: Owner): boolean {
  return a.pid === b.pid && a.host === b.host && a.startedAt === b.startedAt
}
