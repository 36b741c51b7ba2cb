import { describeError, MillraceError } from '@millrace/core'
import {
  makeDurableDirectory,
  removeIfThere,
  writeFully,
  type Fs,
  type FsFile,
  type Platform,
} from '@millrace/core/disk'
import type { KafkaRecord, OffsetRange, TopicPartition } from '@millrace/connector-kafka/port'
import { entryOf, type Entry } from './changelog.ts'
import { parentOf, readTree, removeEmptyDirectories } from './directory-tree.ts'
import { readNote, removeNote, writeNote, type Head, type Image, type ImageFile } from './image.ts'

/** After so long removals may be compacted away, so that a copy would keep what was removed. A day is what topics have. */
const noteKeepsMs = 12 * 3_600_000

/** Where a copy is, and of what. */
export interface CopyOptions {
  readonly platform: Pick<Platform, 'fs' | 'clock'>
  /** The directory of the lease: the copy is in `data` in it. */
  readonly directory: string
  readonly of: TopicPartition
}

/** The copy differs from the changelog in a way that reading on cannot repair: it must be read from the beginning. */
export class CopyDamaged extends Error {}

/**
 * A data directory that is brought up to date by records of the changelog.
 *
 * True between any two calls: with `image`, the files on the disk are what the changelog has before `image.offset`, except
 * those in `#unsure`, which a later record replaces or removes. What a compacted log has dropped of files that are gone does
 * not matter: pieces that do not fit are remembered until the records that remove or replace them.
 */
export class LocalCopy {
  readonly #options: CopyOptions
  readonly #fs: Fs
  readonly #root: string
  readonly #files = new Map<string, ImageFile>()
  /** Files that differ from the image. */
  readonly #unsure = new Set<string>()
  /** Pieces that follow no earlier one, by path. */
  readonly #orphans = new Map<string, Set<number>>()
  #head: Head | undefined
  #offset = 0
  /** Whether the image on the disk may be read as a copy of this changelog, whatever its name is. */
  #isFresh = true
  #open: { readonly path: string; readonly file: FsFile } | undefined
  /** What was written since the last note. */
  readonly #unsynced = new Set<string>()
  readonly #newNames = new Set<string>()

  private constructor(options: CopyOptions) {
    this.#options = options
    this.#fs = options.platform.fs
    this.#root = dataOf(options.directory)
  }

  /**
   * Opens the copy on the disk, if its note can be used, and undoes what was not committed. Otherwise empties the directory.
   * `range`: which records the changelog has.
   */
  static async open(options: CopyOptions, range: OffsetRange): Promise<LocalCopy> {
    const copy = new LocalCopy(options)
    const note = await readNote(copy.#fs, options.directory)
    const { topic, partition } = options.of
    const age = Math.abs(options.platform.clock.now() - (note?.savedAt ?? 0))
    const isUsable =
      note !== undefined &&
      note.topic === topic &&
      note.partition === partition &&
      note.offset >= range.first &&
      note.offset <= range.end &&
      age < noteKeepsMs
    if (isUsable) await copy.#resume(note)
    else await copy.#empty(range.first)
    return copy
  }

  /** Empties the directory, to read the changelog from its beginning. */
  static async anew(options: CopyOptions, range: OffsetRange): Promise<LocalCopy> {
    const copy = new LocalCopy(options)
    await copy.#empty(range.first)
    return copy
  }

  get image(): Image {
    return { files: this.#files, head: this.#head, offset: this.#offset }
  }

  /** Whether nothing was there to continue from. */
  get isFresh(): boolean {
    return this.#isFresh
  }

  /** Applies records, in their order. `next` is the offset behind them. Rejects with `CopyDamaged`. */
  async apply(records: readonly KafkaRecord[], next: number): Promise<void> {
    for (const { key, value } of records) await this.#applyEntry(entryOf(key, value))
    this.#offset = next
  }

  /** Makes everything so far durable, and notes it. Does nothing while some files differ from the image. */
  async save(): Promise<void> {
    await this.#closeFile()
    if (this.#unsure.size > 0 || this.#orphans.size > 0) return
    const { directory, of, platform } = this.#options
    await makeDurableDirectory(this.#fs, this.#root)
    for (const path of this.#unsynced) await syncFile(this.#fs, `${this.#root}/${path}`)
    for (const path of this.#newNames) await syncNames(this.#fs, `${this.#root}/${path}`)
    this.#unsynced.clear()
    this.#newNames.clear()
    await writeNote(this.#fs, directory, { ...this.image, ...of, savedAt: platform.clock.now() })
  }

  /**
   * Completes the copy, when everything was read: notes it, and compares it with the disk. Rejects with `CopyDamaged` if files
   * are missing or different.
   */
  async complete(): Promise<void> {
    await this.#closeFile()
    const differing = [...this.#unsure, ...this.#orphans.keys()]
    if (differing.length > 0) throw new CopyDamaged(`pieces of ${differing[0]} are missing`)
    await removeEmptyDirectories(this.#fs, this.#root)
    const { files } = await readTree(this.#fs, this.#root)
    for (const [path, { bytes }] of this.#files) {
      if (files.get(path) !== bytes)
        throw new CopyDamaged(`${path} has ${files.get(path) ?? 'no'} bytes instead of ${bytes}`)
    }
    for (const path of files.keys()) {
      if (!this.#files.has(path)) throw new CopyDamaged(`${path} is not in the changelog`)
    }
    await this.save()
  }

  /** Closes the file that is being written. Nothing is noted. */
  async close(): Promise<void> {
    await this.#closeFile().catch(() => {})
  }

  async #resume({ files, head, offset }: Image): Promise<void> {
    this.#isFresh = false
    this.#head = head
    this.#offset = offset
    for (const [path, file] of files) this.#files.set(path, file)
    const found = await readTree(this.#fs, this.#root)
    for (const [path, size] of found.files) {
      const known = files.get(path)
      if (known === undefined) await this.#fs.remove(`${this.#root}/${path}`)
      else if (size > known.bytes) await this.#cut(path, known.bytes)
      else if (size < known.bytes) this.#unsure.add(path)
    }
    for (const path of files.keys()) if (!found.files.has(path)) this.#unsure.add(path)
  }

  async #empty(first: number): Promise<void> {
    this.#isFresh = true
    this.#offset = first
    await removeNote(this.#fs, this.#options.directory)
    const { files } = await readTree(this.#fs, this.#root)
    for (const path of files.keys()) await this.#fs.remove(`${this.#root}/${path}`)
    await removeEmptyDirectories(this.#fs, this.#root)
  }

  async #cut(path: string, size: number): Promise<void> {
    const file = await this.#fs.open(`${this.#root}/${path}`, 'append')
    try {
      await file.truncate(size)
    } finally {
      await file.close()
    }
    this.#unsynced.add(path)
  }

  async #applyEntry(entry: Entry): Promise<void> {
    switch (entry.kind) {
      case 'unknown':
        return
      case 'head':
        return this.#applyHead(entry.head)
      case 'removed':
        return this.#remove(entry.path, entry.number)
      case 'piece':
        return entry.number === 0 ? this.#create(entry.path, entry.bytes) : this.#append(entry)
    }
  }

  #applyHead(head: Head): void {
    if (!this.#isFresh && this.#head !== undefined && this.#head.log !== head.log)
      throw new CopyDamaged('it is a copy of another changelog')
    this.#head = head
  }

  async #create(path: string, bytes: Uint8Array): Promise<void> {
    await this.#closeFile()
    const full = `${this.#root}/${path}`
    await this.#fs.makeDirectory(parentOf(full))
    await removeIfThere(this.#fs, full)
    this.#unsure.add(path)
    this.#open = { path, file: await this.#fs.open(full, 'create') }
    await writeFully(this.#open.file, bytes, full)
    this.#newNames.add(parentOf(path))
    this.#unsynced.add(path)
    this.#unsure.delete(path)
    this.#orphans.delete(path)
    this.#files.set(path, { bytes: bytes.length, pieces: 1 })
  }

  async #append(piece: Entry & { readonly kind: 'piece' }): Promise<void> {
    const { path, number, bytes } = piece
    const file = this.#files.get(path)
    // It is read again.
    if (file !== undefined && number < file.pieces) return
    if (file === undefined || number > file.pieces || this.#unsure.has(path)) {
      this.#orphansOf(path).add(number)
      return
    }
    this.#unsure.add(path)
    if (this.#open?.path !== path) {
      await this.#closeFile()
      this.#open = { path, file: await this.#fs.open(`${this.#root}/${path}`, 'append') }
    }
    await writeFully(this.#open.file, bytes, path)
    this.#unsynced.add(path)
    this.#unsure.delete(path)
    this.#files.set(path, { bytes: file.bytes + bytes.length, pieces: number + 1 })
  }

  async #remove(path: string, number: number): Promise<void> {
    const orphans = this.#orphans.get(path)
    orphans?.delete(number)
    if (orphans?.size === 0) this.#orphans.delete(path)
    if (number > 0) {
      // The record of piece 0 was replaced by that of a later file.
      if ((this.#files.get(path)?.pieces ?? 0) > number) this.#unsure.add(path)
      return
    }
    if (!this.#files.has(path)) return
    await this.#closeFile()
    await removeIfThere(this.#fs, `${this.#root}/${path}`)
    this.#files.delete(path)
    this.#unsure.delete(path)
    this.#unsynced.delete(path)
  }

  #orphansOf(path: string): Set<number> {
    let orphans = this.#orphans.get(path)
    if (orphans === undefined) this.#orphans.set(path, (orphans = new Set()))
    return orphans
  }

  async #closeFile(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.file.close()
  }
}

/** The data directory in the directory of a lease. */
export function dataOf(directory: string): string {
  return `${directory}/data`
}

/** Makes the bytes of a file durable. */
export async function syncFile(fs: Fs, path: string): Promise<void> {
  const file = await fs.open(path, 'append')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes the names in a directory durable, and its own. */
export async function syncNames(fs: Fs, path: string): Promise<void> {
  await makeDurableDirectory(fs, path.replace(/\/$/, ''))
  await fs.syncDirectory(path.replace(/\/$/, ''))
}

/** The error for a changelog that does not fit together. */
export function changelogDamaged({ topic, partition }: TopicPartition, cause: unknown): MillraceError {
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `${topic}-${partition}: the data directory cannot be restored from it: ${describeError(cause)}. Were records of the topic deleted, or is its cleanup.policy not "compact"?`,
    { cause, isFinal: true },
  )
}
