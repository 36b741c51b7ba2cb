import { decodeBatch, encodeBatch, type PackedBatch } from '@millrace/connector-kafka/port'
import { removeIfThere, type Fs } from '@millrace/core/disk'
import type { Contribution } from '../replica/replica.ts'
import { BlockFile, namesIn, readBlockFile } from '@millrace/segment-log'

/** When what was added has so many bytes in memory, it is moved to a file. */
const memoryBytesMax = 64 * 2 ** 20

/**
 * What sinks of the cluster add to the next checkpoint of a lease: their records become visible with its manifest, or never.
 *
 * A sink adds everything in `prepare`, before it resolves, and returns no committable. What it adds for a checkpoint that is
 * aborted belongs to the next one; what it added in a run of the job that has failed is discarded.
 */
export interface LeaseTransaction {
  /** Adds batches, in the order of the calls. Resolves when there is room for more. The bytes must not change afterwards. */
  add(batches: readonly PackedBatch[]): Promise<void>
}

/** A file of batches that had no room in memory. */
interface ScratchFile {
  readonly path: string
  readonly bytes: number
}

/** What sinks have added since the last commit: in memory, and beyond a limit in files of a scratch directory. */
export class CollectedBatches implements LeaseTransaction {
  readonly #fs: Fs
  readonly #directory: string
  readonly #bytesMax: number
  #files: ScratchFile[] = []
  #batches: PackedBatch[] = []
  #bytes = 0
  #count = 0
  /** Settles when the calls so far have added theirs. */
  #adding: Promise<void> = Promise.resolve()

  constructor(fs: Fs, directory: string, bytesMax: number = memoryBytesMax) {
    this.#fs = fs
    this.#directory = directory
    this.#bytesMax = bytesMax
  }

  add(batches: readonly PackedBatch[]): Promise<void> {
    const added = this.#adding.then(() => this.#append(batches))
    this.#adding = added.catch(() => {})
    return added
  }

  /** Takes everything that was added: it belongs to the commit that begins. */
  async take(): Promise<Contribution> {
    await this.#adding
    const files = this.#files
    const batches = this.#batches
    this.#files = []
    this.#batches = []
    this.#bytes = 0
    return { batches: chunks(this.#fs, files, batches), discard: () => this.#remove(files) }
  }

  /** Forgets what was added: the run of the job has failed. */
  async discard(): Promise<void> {
    const dropped = this.#adding.then(async () => {
      const files = this.#files
      this.#files = []
      this.#batches = []
      this.#bytes = 0
      await this.#remove(files)
    })
    this.#adding = dropped.catch(() => {})
    await dropped
  }

  /** Removes the files of earlier processes. */
  async clear(): Promise<void> {
    for (const name of await namesIn(this.#fs, this.#directory)) {
      await removeIfThere(this.#fs, `${this.#directory}/${name}`)
    }
  }

  async #append(batches: readonly PackedBatch[]): Promise<void> {
    for (const batch of batches) {
      this.#batches.push(batch)
      this.#bytes += batch.bytes.length
    }
    if (this.#bytes >= this.#bytesMax) await this.#spill()
  }

  async #spill(): Promise<void> {
    const name = `added-${this.#count++}.records`
    const file = new BlockFile(this.#fs, this.#directory, name, encodeBatch)
    for (const batch of this.#batches) if (file.add(batch)) await file.write()
    this.#files.push({ path: `${this.#directory}/${name}`, bytes: await file.finish() })
    this.#batches = []
    this.#bytes = 0
  }

  async #remove(files: readonly ScratchFile[]): Promise<void> {
    for (const { path } of files) await removeIfThere(this.#fs, path)
  }
}

async function* chunks(
  fs: Fs,
  files: readonly ScratchFile[],
  batches: readonly PackedBatch[],
): AsyncIterable<readonly PackedBatch[]> {
  for (const { path, bytes } of files) yield* readBlockFile(fs, path, bytes, decodeBatch)
  if (batches.length > 0) yield batches
}
