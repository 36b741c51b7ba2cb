import type { AtomicProducer, KafkaPort, PackedBatch, TopicPartition } from '@millrace/connector-kafka/port'
import { MillraceError } from '@millrace/core'
import { readAt, type Fs, type Platform } from '@millrace/core/disk'
import { ChangelogPacking, pieceBytes } from './changelog.ts'
import { checkpointOf, newestCheckpoint } from './checkpoint-name.ts'
import { parentOf } from './directory-tree.ts'
import { removeNote, writeNote, type Head, type Image } from './image.ts'
import { dataOf, syncFile, syncNames } from './local-copy.ts'
import { ReplicaFs, type ReplicaKeeper } from './replica-fs.ts'
import { piecesOf, TrackedFiles, type Changes, type SentRange } from './tracked-files.ts'

/** The interval of notes, in milliseconds: a start after a crash reads what was committed since. */
const noteEveryMs = 10_000

/** What was added by others to a commit. */
export interface Contribution {
  readonly batches: AsyncIterable<readonly PackedBatch[]>
  /** Called when it is committed. */
  discard(): Promise<void>
}

/** What a replica uses. */
export interface ReplicaOptions {
  readonly platform: Pick<Platform, 'fs' | 'clock' | 'random'>
  /** The directory of the lease. */
  readonly directory: string
  readonly of: TopicPartition
  readonly port: Pick<KafkaPort, 'range'>
  readonly producer: AtomicProducer
  /** What the directory is now. */
  readonly image: Image
  /** Who writes. */
  readonly head: Head
  /** Takes what sinks have added. */
  readonly contribution: () => Promise<Contribution>
}

/** How much was written to the changelog. */
export interface ReplicaFigures {
  readonly commits: number
  /** Bytes of files in all commits. */
  readonly bytes: number
  /** Of those, what the newest commit had. */
  readonly lastBytes: number
}

/** Keeps the changelog of a data directory, as its only writer, while the job of the lease runs. */
export class Replica implements ReplicaKeeper {
  /** The file system for the job. */
  readonly fs: ReplicaFs
  readonly #options: ReplicaOptions
  readonly #disk: Fs
  readonly #root: string
  readonly #files: TrackedFiles
  /** The checkpoint that was the newest at first. */
  readonly #first: number
  /** Directories with names that may not be durable. */
  readonly #newNames = new Set<string>()
  /** An offset that was seen before the newest commit, and when, by the wall clock. */
  #offset: number
  #offsetAt: number
  #notedAt: number
  #isDoubtful = false
  #figures: ReplicaFigures = { commits: 0, bytes: 0, lastBytes: 0 }

  constructor(options: ReplicaOptions) {
    const { platform, directory, image } = options
    this.#options = options
    this.#disk = platform.fs
    this.#root = dataOf(directory)
    this.#files = new TrackedFiles(image.files)
    this.#first = newestCheckpoint(image)
    this.#offset = image.offset
    this.#offsetAt = platform.clock.now()
    this.#notedAt = platform.clock.monotonic()
    this.fs = new ReplicaFs(platform.fs, this.#root, this.#files, this)
  }

  /** What is committed. */
  get image(): Image {
    return { files: this.#files.image, head: this.#options.head, offset: this.#offset }
  }

  get figures(): ReplicaFigures {
    return this.#figures
  }

  /** Commits who writes from now on: earlier holders see that they are fenced, and later ones count on. */
  async begin(): Promise<void> {
    const packing = this.#packing()
    packing.head(this.#headAt(this.#first))
    const batches = packing.takeAll()
    async function* only(): AsyncIterable<readonly PackedBatch[]> {
      yield batches
    }
    await this.#options.producer.commit(only())
  }

  async commit(changes: Changes): Promise<void> {
    const { port, of, platform, producer, contribution } = this.#options
    // Before the commit: only once it has succeeded, no other holder can have written before this offset.
    const seen = this.#isNoteDue ? { end: (await port.range(of)).end, at: platform.clock.now() } : undefined
    const contributed = await contribution()
    await producer.commit(this.#chunks(changes, contributed.batches))
    if (seen !== undefined) {
      this.#offset = seen.end
      this.#offsetAt = seen.at
    }
    const lastBytes = changes.ranges.reduce((sum, { from, to }) => sum + to - from, 0)
    const { commits, bytes } = this.#figures
    this.#figures = { commits: commits + 1, bytes: bytes + lastBytes, lastBytes }
    for (const { path, firstPiece } of changes.ranges)
      if (firstPiece === 0) this.#newNames.add(parentOf(path))
    await contributed.discard()
  }

  async completed(): Promise<void> {
    const isDue = this.#isNoteDue
    this.#isDoubtful = false
    if (isDue) await this.#note()
  }

  async doubt(): Promise<void> {
    if (this.#isDoubtful) return
    this.#isDoubtful = true
    await removeNote(this.#disk, this.#options.directory)
  }

  /** Notes the image, so that the next start on this disk reads little. Nothing may use `fs` any more. */
  async close(): Promise<void> {
    if (!this.#isDoubtful) await this.#note()
  }

  get #isNoteDue(): boolean {
    return this.#isDoubtful || this.#options.platform.clock.monotonic() - this.#notedAt >= noteEveryMs
  }

  async #note(): Promise<void> {
    const { directory, of, platform } = this.#options
    for (const file of this.#files.unsynced) {
      // A write that comes meanwhile says again that it is not.
      file.isSynced = true
      await syncFile(this.#disk, `${this.#root}/${file.path}`)
    }
    for (const path of this.#newNames) {
      const full = `${this.#root}/${path}`
      if ((await this.#disk.stat(full)) !== undefined) await syncNames(this.#disk, full)
    }
    this.#newNames.clear()
    await writeNote(this.#disk, directory, { ...this.image, ...of, savedAt: this.#offsetAt })
    this.#notedAt = platform.clock.monotonic()
  }

  /** The records of a commit. Ends with an error as soon as the lease is lost. */
  async *#chunks(
    { removed, ranges }: Changes,
    contributed: AsyncIterable<readonly PackedBatch[]>,
  ): AsyncIterable<readonly PackedBatch[]> {
    const packing = this.#packing()
    for (const { path, pieces } of removed) {
      for (let number = 0; number < pieces; number++) packing.removed(path, number)
    }
    for (const range of ranges) yield* this.#pieces(range, packing)
    for await (const batches of contributed) {
      this.fs.requireSound()
      yield batches
    }
    packing.head(this.#headAt(Math.max(...ranges.map(({ path }) => checkpointOf(path)))))
    yield packing.takeAll()
    this.fs.requireSound()
  }

  async *#pieces(range: SentRange, packing: ChangelogPacking): AsyncIterable<readonly PackedBatch[]> {
    const { path, readFrom, from, to, firstPiece } = range
    const file = await this.#disk.open(`${this.#root}/${readFrom}`, 'read')
    try {
      for (let piece = 0; piece < piecesOf(range); piece++) {
        const at = from + piece * pieceBytes
        const length = Math.min(pieceBytes, to - at)
        const bytes = await readAt(file, at, length)
        if (bytes.length !== length) throw tooShort(`${this.#root}/${readFrom}`, at + bytes.length, to)
        packing.piece(path, firstPiece + piece, bytes)
        const ready = packing.take()
        this.fs.requireSound()
        if (ready.length > 0) yield ready
      }
    } finally {
      await file.close()
    }
  }

  /** A checkpoint that was there before, and is published again at a start, is still of the run that made it. */
  #headAt(checkpoint: number): Head {
    const { head, image } = this.#options
    return checkpoint > this.#first ? head : { ...head, run: image.head?.run }
  }

  #packing(): ChangelogPacking {
    return new ChangelogPacking(this.#options.of, this.#options.platform)
  }
}

function tooShort(path: string, bytes: number, expected: number): MillraceError {
  return new MillraceError(
    'FS_IO',
    `${path}: it has ${bytes} bytes, and ${expected} were written to it; check the disk`,
  )
}
