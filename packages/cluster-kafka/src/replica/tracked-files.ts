import { pieceBytes } from './changelog.ts'
import type { ImageFile } from './image.ts'

/** A file of the data directory that is open, or that has bytes which the changelog does not have. It keeps its identity when it is renamed. */
export class TrackedFile {
  /** Its path in the data directory; undefined once another file has it, or none. */
  path: string | undefined
  /** What the changelog has of it under its path; undefined: nothing, so all of it must be sent. */
  sent: ImageFile | undefined
  size: number
  /** Whether its bytes were made durable. */
  isSynced = true
  /** How many handles write to it. */
  writers = 0

  constructor(path: string, sent: ImageFile | undefined, size: number) {
    this.path = path
    this.sent = sent
    this.size = size
  }

  get hasNews(): boolean {
    return this.sent === undefined || this.size > this.sent.bytes
  }
}

/** The part of a file that a commit sends. */
export interface SentRange {
  readonly file: TrackedFile
  readonly path: string
  /** Where the bytes are read. */
  readonly readFrom: string
  readonly from: number
  readonly to: number
  readonly firstPiece: number
}

/** What a commit contains. */
export interface Changes {
  /** Files that are gone, or whose earlier pieces are replaced, with the number of their pieces. */
  readonly removed: readonly { readonly path: string; readonly pieces: number }[]
  readonly ranges: readonly SentRange[]
}

/**
 * Which files of a data directory differ from what is committed, and how.
 *
 * True between any two calls: a path in `hidden` is in the image, and its file is still on the disk, but the job has removed
 * it. A file of the image that is neither hidden nor tracked is on the disk as the image has it.
 */
export class TrackedFiles {
  /** What is committed. */
  readonly image: Map<string, ImageFile>
  readonly #byPath = new Map<string, TrackedFile>()
  readonly hidden: Set<string> = new Set()

  constructor(image: ReadonlyMap<string, ImageFile>) {
    this.image = new Map(image)
  }

  at(path: string): TrackedFile | undefined {
    return this.#byPath.get(path)
  }

  /** The file at a path, whose size is known. */
  track(path: string, size: number): TrackedFile {
    let file = this.#byPath.get(path)
    if (file === undefined) {
      file = new TrackedFile(path, this.image.get(path), size)
      this.#byPath.set(path, file)
    }
    return file
  }

  /** A new file, of which the changelog has nothing. */
  created(path: string, size = 0): TrackedFile {
    const file = new TrackedFile(path, undefined, size)
    this.#place(file, path)
    return file
  }

  /** Whether the file at a path is the one that is committed there, so that it must stay until its removal is committed. */
  isCommitted(path: string): boolean {
    if (!this.image.has(path) || this.hidden.has(path)) return false
    return this.#byPath.get(path)?.sent !== undefined || !this.#byPath.has(path)
  }

  /** The file at `from` has the path `to` from now on, and the changelog has nothing of it there. */
  moved(from: string, to: string, size: number): void {
    const file = this.#byPath.get(from) ?? new TrackedFile(from, undefined, size)
    this.#byPath.delete(from)
    file.sent = undefined
    this.#place(file, to)
    this.hidden.delete(to)
    if (this.image.has(from)) this.hidden.add(from)
  }

  /** The job has removed the file. */
  removed(path: string): void {
    const file = this.#byPath.get(path)
    if (file !== undefined) file.path = undefined
    this.#byPath.delete(path)
    if (this.image.has(path)) this.hidden.add(path)
  }

  /** The file on the disk that was hidden is gone: another one may be created at its path. */
  unhide(path: string): void {
    this.hidden.delete(path)
  }

  /** What the next commit contains, with the file that is about to be renamed as its last. */
  changes(
    publication: { readonly from: string; readonly to: string },
    isTemporary: (path: string) => boolean,
  ): Changes {
    const removed = [...this.hidden].filter((path) => path !== publication.to)
    const ranges: SentRange[] = []
    const replaced: string[] = []
    for (const [path, file] of this.#byPath) {
      if (!file.hasNews || isTemporary(path) || path === publication.to) continue
      if (file.sent === undefined && this.image.has(path)) replaced.push(path)
      ranges.push(rangeOf(file, path, path))
    }
    const { from, to } = publication
    if (this.image.has(to)) replaced.push(to)
    ranges.push(rangeOf(this.#byPath.get(from) ?? new TrackedFile(from, undefined, 0), to, from))
    const gone = [...removed, ...replaced].map((path) => ({ path, pieces: this.image.get(path)!.pieces }))
    return { removed: gone, ranges }
  }

  /** Notes what was committed. Returns the paths of files whose removal is committed now. */
  committed({ removed, ranges }: Changes): readonly string[] {
    for (const { path } of removed) this.image.delete(path)
    for (const range of ranges) {
      const sent = { bytes: range.to, pieces: range.firstPiece + piecesOf(range) }
      this.image.set(range.path, sent)
      range.file.sent = sent
    }
    const gone = removed.map(({ path }) => path).filter((path) => this.hidden.delete(path))
    // What has changed meanwhile is sent by the next commit.
    for (const [path, file] of this.#byPath) {
      if (file.writers === 0 && !file.hasNews && file.isSynced) this.#byPath.delete(path)
    }
    return gone
  }

  /** The files whose bytes may not be durable. */
  get unsynced(): readonly TrackedFile[] {
    return [...this.#byPath.values()].filter(({ isSynced }) => !isSynced)
  }

  #place(file: TrackedFile, path: string): void {
    const before = this.#byPath.get(path)
    if (before !== undefined && before !== file) before.path = undefined
    file.path = path
    this.#byPath.set(path, file)
  }
}

/** In how many pieces a range is sent. A file without bytes has one. */
export function piecesOf({ from, to }: SentRange): number {
  return Math.max(1, Math.ceil((to - from) / pieceBytes))
}

function rangeOf(file: TrackedFile, path: string, readFrom: string): SentRange {
  const { bytes, pieces } = file.sent ?? { bytes: 0, pieces: 0 }
  return { file, path, readFrom, from: bytes, to: file.size, firstPiece: pieces }
}
