import { describeError, isMillraceError, MillraceError } from '../kernel/errors.ts'
import type { Fs } from '../kernel/fs.ts'
import { publishFile, readWhole, type Publisher } from '../kernel/whole-file.ts'
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts'

const namePattern = /^checkpoint-(\d{10,})(?:\.renewed)?\.json$/

/**
 * The manifests of one job, in a directory of their own. A checkpoint exists from the moment its manifest is
 * published: temporary file, sync, rename, sync of the directory.
 *
 * A manifest has one of two names: the one it was published under, or the one it got when it was renewed.
 */
export class CheckpointStorage {
  readonly #fs: Fs
  readonly directory: string

  constructor(fs: Fs, directory: string) {
    this.#fs = fs
    this.directory = directory
  }

  /** Numbers of the checkpoints there are, newest first. Half-published ones are not among them. */
  async list(): Promise<readonly number[]> {
    if ((await this.#fs.stat(this.directory)) === undefined) return []
    const numbers = new Set<number>()
    for (const { name } of await this.#fs.list(this.directory)) {
      const match = namePattern.exec(name)
      if (match !== null) numbers.add(Number(match[1]))
    }
    return [...numbers].toSorted((a, b) => b - a)
  }

  /** Throws `CHECKPOINT_CORRUPT` or `CHECKPOINT_INCOMPATIBLE`. */
  read(checkpoint: number): Promise<Manifest> {
    return this.#withFile(checkpoint, async (path) => {
      const manifest = decodeManifest(await readWhole(this.#fs, path), path)
      if (manifest.checkpoint !== checkpoint) {
        throw new MillraceError(
          'CHECKPOINT_CORRUPT',
          `${path}: it says that it is checkpoint ${manifest.checkpoint}; was the file renamed?`,
        )
      }
      return manifest
    })
  }

  /**
   * Every checkpoint that can be read, newest first. Damaged ones are reported to `warn` and left out; if there
   * are some and all are damaged, throws `CHECKPOINT_CORRUPT` rather than let the job start from nothing.
   *
   * They need not be durable: whoever goes on from one renews it.
   */
  async readable(warn: (message: string) => void): Promise<readonly Manifest[]> {
    const numbers = await this.list()
    const manifests: Manifest[] = []
    for (const number of numbers) {
      try {
        manifests.push(await this.read(number))
      } catch (error) {
        if (!isMillraceError(error, 'CHECKPOINT_CORRUPT')) throw error
        warn(`checkpoint ${number} cannot be used: ${describeError(error)}`)
      }
    }
    if (numbers.length > 0 && manifests.length === 0) {
      throw new MillraceError(
        'CHECKPOINT_CORRUPT',
        `none of the ${numbers.length} checkpoints in ${this.directory} can be read; restore the directory from a copy, or start with another data directory`,
      )
    }
    return manifests
  }

  /**
   * Returns once a crash can no longer lose the checkpoint.
   *
   * With a `publisher` a process that has lost the directory cannot publish any more, wherever it was paused: what it
   * has written is there before it is asked to confirm, and whoever takes over removes it by `fence`.
   */
  async publish(manifest: Manifest, publisher?: Publisher): Promise<void> {
    const { checkpoint } = manifest
    const [name] = namesOf(checkpoint)
    await publishFile(this.#fs, this.directory, name, encodeManifest(manifest), publisher)
  }

  /**
   * Returns once a crash can no longer lose a checkpoint that is there. A process killed between a rename and its sync
   * leaves a manifest that a second crash could still take, after the sinks had committed what it names; and one whose
   * sync has failed leaves a name that can be seen, but that no later sync makes durable.
   *
   * So the manifest is given another name. Its bytes need not be written again: no manifest has its name before they
   * were synced without a failure. That takes no room, so it can be done on a full disk.
   */
  async renew(checkpoint: number, publisher?: Publisher): Promise<void> {
    const paths = this.#pathsOf(checkpoint)
    await publisher?.confirm()
    await this.#withFile(checkpoint, (path) => this.#fs.rename(path, path === paths[0] ? paths[1] : paths[0]))
    await this.#fs.syncDirectory(this.directory)
  }

  /** Takes from whoever was here before the means to publish what it has begun. Called before `list`. */
  async fence(): Promise<void> {
    for (const { name } of await this.#fs.list(this.directory)) {
      if (!name.endsWith('.tmp')) continue
      try {
        await this.#fs.remove(`${this.directory}/${name}`)
      } catch (error) {
        // It was quicker: then its checkpoint is there, and nobody has looked yet.
        if (!isMillraceError(error, 'FS_NOT_FOUND')) throw error
      }
    }
  }

  async remove(checkpoints: readonly number[]): Promise<void> {
    if (checkpoints.length === 0) return
    for (const checkpoint of checkpoints) await this.#withFile(checkpoint, (path) => this.#fs.remove(path))
    await this.#fs.syncDirectory(this.directory)
  }

  /** Does something with a manifest under the name that it has. */
  async #withFile<T>(checkpoint: number, use: (path: string) => Promise<T>): Promise<T> {
    const [published, renewed] = this.#pathsOf(checkpoint)
    try {
      return await use(published)
    } catch (error) {
      if (!isMillraceError(error, 'FS_NOT_FOUND')) throw error
      return use(renewed)
    }
  }

  #pathsOf(checkpoint: number): readonly [published: string, renewed: string] {
    const [published, renewed] = namesOf(checkpoint)
    return [`${this.directory}/${published}`, `${this.directory}/${renewed}`]
  }
}

function namesOf(checkpoint: number): readonly [published: string, renewed: string] {
  const name = `checkpoint-${String(checkpoint).padStart(10, '0')}`
  return [`${name}.json`, `${name}.renewed.json`]
}
