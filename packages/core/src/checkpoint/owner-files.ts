import { crc32 } from '../codec/crc32.ts'
import { putIntoDirectory } from '../disk/durable-directory.ts'
import type { Fs, FsFile } from '../disk/fs.ts'
import type { ProcessIdentity } from '../disk/platform.ts'
import { readWhole, removeIfThere, writeFully, writeFullyAt } from '../disk/whole-file.ts'
import { isMillraceError } from '../errors/errors.ts'

/**
 * The content of an epoch file: the owner of the data directory since then, and whether that process still
 * runs.
 *
 *     millrace-owner 1 LENGTH CHECKSUM
 *     {"job":"k2f9…","process":{"pid":812,"host":"web-0",…},"leaseMs":30000}
 *     alive 0000000042
 *
 * The checksum covers the second line. The third is overwritten in place through an open file: with each
 * heartbeat, and with `ended` when the owner ends gracefully. So it needs no space on a full disk, and writes
 * of an owner whose file was removed have no effect.
 */

/** What an owner records about itself when it acquires a directory. */
export interface OwnerRecord {
  /** The identity of the data directory; kept from owner to owner. */
  readonly job: string
  readonly process: ProcessIdentity
  /** How long it may be silent before it is replaced, in milliseconds. */
  readonly leaseMs: number
}

/** An epoch file as it was read. */
export interface OwnerFile {
  /** Undefined for an incomplete file: its process never owned the directory. */
  readonly record: OwnerRecord | undefined
  readonly isReleased: boolean
  /** Changes with each heartbeat. */
  readonly beat: string
}

const format = 1
const namePattern = /^epoch-(\d{10,})$/
const encoder = new TextEncoder()

/** The name of an epoch's file. */
function epochName(epoch: number): string {
  return `epoch-${String(epoch).padStart(10, '0')}`
}

/** The epoch in a file's name, or undefined for other names. */
function epochOf(name: string): number | undefined {
  const match = namePattern.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** The first two lines. */
function encodeRecord(record: OwnerRecord): Uint8Array {
  const body = encoder.encode(`${JSON.stringify(record)}\n`)
  const head = encoder.encode(`millrace-owner ${format} ${body.length} ${crc32(body).toString(16)}\n`)
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

/** The third line, after this many heartbeats; always of the same length. */
function encodeState(state: 'alive' | 'ended', beats: number): Uint8Array {
  return encoder.encode(`${state} ${String(beats).padStart(10, '0')}\n`)
}

/** Reads an epoch file with any content. */
function decodeOwner(bytes: Uint8Array): OwnerFile {
  const nothing = { record: undefined, isReleased: false, beat: '' }
  const newline = bytes.indexOf(0x0a)
  const head = String.fromCharCode(...bytes.subarray(0, Math.min(Math.max(newline, 0), 100)))
  const match = /^millrace-owner \d+ (\d+) ([0-9a-f]+)$/.exec(head)
  if (match === null) return nothing
  const end = newline + 1 + Number(match[1])
  const body = bytes.subarray(newline + 1, end)
  if (end > bytes.length || crc32(body).toString(16) !== match[2]) return nothing
  const decoder = new TextDecoder()
  const [state, beat = ''] = decoder.decode(bytes.subarray(end)).trimEnd().split(' ')
  const record = JSON.parse(decoder.decode(body)) as OwnerRecord
  return { record, isReleased: state === 'ended', beat }
}

/** An epoch file with its parsed content. */
export interface Epoch extends OwnerFile {
  readonly epoch: number
}

/** The epoch files of a data directory, in their own directory. */
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

  /** The highest epoch and its content; undefined if there is none. */
  async newest(): Promise<Epoch | undefined> {
    for (;;) {
      const epoch = await this.highest()
      if (epoch === 0) return undefined
      const file = await this.#read(epoch)
      // If it is missing, the owner of a higher one has removed it.
      if (file !== undefined) return { epoch, ...file }
    }
  }

  /** The identity of the data directory, as recorded by the newest owner that has done so. */
  async job(): Promise<string | undefined> {
    for (const epoch of (await this.#epochs()).toReversed()) {
      const file = await this.#read(epoch)
      if (file?.record !== undefined) return file.record.job
    }
    return undefined
  }

  /** Creates the file of an epoch; undefined if another process was faster. */
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
      // Not for a parent that is a file.
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

/** The file of this process's epoch. */
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

  /** Renews the lease. */
  beat(): Promise<void> {
    this.#beats++
    return this.#say('alive')
  }

  /** Ends the epoch: the next process need not wait. */
  end(): Promise<void> {
    return this.#say('ended')
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  async #say(state: 'alive' | 'ended'): Promise<void> {
    await writeFullyAt(this.#file, encodeState(state, this.#beats), this.#stateAt, this.#path)
    // On a network file system others see it once it is synced.
    await this.#file.sync()
  }
}
