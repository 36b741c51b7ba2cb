import { putIntoDirectory } from '../disk/durable-directory.ts'
import { isMillraceError } from '../errors/errors.ts'
import type { Fs, FsFile } from '../disk/fs.ts'
import { readWhole, removeIfThere, writeFully, writeFullyAt } from '../disk/whole-file.ts'
import {
  decodeOwner,
  encodeRecord,
  encodeState,
  epochName,
  epochOf,
  type OwnerFile,
  type OwnerRecord,
} from './owner-file.ts'

/** The file of an epoch, and what it says. */
export interface Epoch extends OwnerFile {
  readonly epoch: number
}

/** The files that say who owns a data directory, in a directory of their own: one for each epoch. */
export class OwnerFiles {
  readonly #fs: Fs
  readonly #directory: string

  constructor(fs: Fs, directory: string) {
    this.#fs = fs
    this.#directory = directory
  }

  /** The highest epoch, or 0 if there is none. */
  async highest(): Promise<number> {
    return (await this.#epochs()).at(-1) ?? 0
  }

  /** The highest epoch and what its file says; undefined if there is none. */
  async newest(): Promise<Epoch | undefined> {
    for (;;) {
      const epoch = await this.highest()
      if (epoch === 0) return undefined
      const file = await this.#read(epoch)
      // If it is gone the owner of a higher one has removed it.
      if (file !== undefined) return { epoch, ...file }
    }
  }

  /** What the newest owner that has said so calls the data directory. */
  async job(): Promise<string | undefined> {
    for (const epoch of (await this.#epochs()).toReversed()) {
      const file = await this.#read(epoch)
      if (file?.record !== undefined) return file.record.job
    }
    return undefined
  }

  /** Makes the file of an epoch; undefined if another process was quicker. */
  async begin(epoch: number, record: OwnerRecord): Promise<BegunEpoch | undefined> {
    const path = this.#pathOf(epoch)
    const file = await this.#create(path)
    if (file === undefined) return undefined
    const bytes = encodeRecord(record)
    try {
      await writeFully(file, bytes, path)
      await writeFully(file, encodeState('alive', 0), path)
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#fs.syncDirectory(this.#directory)
    return new BegunEpoch(epoch, await this.#fs.open(path, 'update'), path, bytes.length)
  }

  async remove(epoch: number): Promise<void> {
    await removeIfThere(this.#fs, this.#pathOf(epoch))
  }

  /** Removes the files of lower epochs, the lowest first. */
  async removeBelow(epoch: number): Promise<void> {
    for (const each of await this.#epochs()) if (each < epoch) await this.remove(each)
  }

  async #read(epoch: number): Promise<OwnerFile | undefined> {
    try {
      return decodeOwner(await readWhole(this.#fs, this.#pathOf(epoch)))
    } catch (error) {
      if (isMillraceError(error, 'FS_NOT_FOUND')) return undefined
      throw error
    }
  }

  async #create(path: string): Promise<FsFile | undefined> {
    try {
      return await putIntoDirectory(this.#fs, this.#directory, () => this.#fs.open(path, 'create'))
    } catch (error) {
      // Not when it is a parent that is a file.
      if (isMillraceError(error, 'FS_EXISTS') && (await this.#fs.stat(path)) !== undefined) return undefined
      throw error
    }
  }

  /** The epochs that have a file, the lowest first. */
  async #epochs(): Promise<number[]> {
    if ((await this.#fs.stat(this.#directory)) === undefined) return []
    const names = await this.#fs.list(this.#directory)
    return names.flatMap(({ name }) => epochOf(name) ?? []).toSorted((a, b) => a - b)
  }

  #pathOf(epoch: number): string {
    return `${this.#directory}/${epochName(epoch)}`
  }
}

/** The file of the epoch that this process has begun. */
export class BegunEpoch {
  readonly epoch: number
  readonly #file: FsFile
  readonly #path: string
  readonly #stateAt: number
  #beats = 0

  constructor(epoch: number, file: FsFile, path: string, stateAt: number) {
    this.epoch = epoch
    this.#file = file
    this.#path = path
    this.#stateAt = stateAt
  }

  /** Shows that this process lives. */
  beat(): Promise<void> {
    this.#beats++
    return this.#say('alive')
  }

  /** Says that the epoch is over: the next process need not find out. */
  end(): Promise<void> {
    return this.#say('ended')
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #say(state: 'alive' | 'ended'): Promise<void> {
    await writeFullyAt(this.#file, encodeState(state, this.#beats), this.#stateAt, this.#path)
    // On a network file system others see it once it was synced.
    await this.#file.sync()
  }
}
