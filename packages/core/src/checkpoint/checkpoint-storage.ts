import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import type { Fs } from '../disk/fs.ts'
import type { Owner } from '../disk/owner.ts'
import { publishFile, readWhole, removeIfThere, removeTemporaries } from '../disk/whole-file.ts'
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts'

const manifestPattern = /^checkpoint-(\d{10,})\.(\d+)\.json$/
const witnessPattern = /^announced-(\d{10,})$/

/**
 * The manifests of one job, in a directory of their own. A checkpoint exists from the moment its manifest is
 * published: temporary file, sync, rename, sync of the directory.
 *
 *     checkpoint-0000000012.3.json   the manifest of checkpoint 12, published or renewed in epoch 3
 *     announced-0000000012           empty: a checkpoint as high as this was published
 *
 * So a missing newest manifest is detected.
 */
export class CheckpointStorage {
  readonly #fs: Fs
  readonly directory: string

  constructor(fs: Fs, directory: string) {
    this.#fs = fs
    this.directory = directory
  }

  /** Numbers of the existing checkpoints, newest first, without half-published ones. */
  async list(): Promise<readonly number[]> {
    return [...(await this.#names()).keys()].toSorted((a, b) => b - a)
  }

  /** Throws `CHECKPOINT_CORRUPT` or `CHECKPOINT_INCOMPATIBLE`. */
  async read(checkpoint: number): Promise<Manifest> {
    const path = await this.#pathOf(checkpoint)
    const manifest = decodeManifest(await readWhole(this.#fs, path), path)
    if (manifest.checkpoint !== checkpoint) {
      throw new MillraceError(
        'CHECKPOINT_CORRUPT',
        `${path}: it contains checkpoint ${manifest.checkpoint}; was the file renamed?`,
      )
    }
    return manifest
  }

  /**
   * Reads all checkpoints, newest first. Damaged ones are reported to `warn` and omitted. Throws
   * `CHECKPOINT_CORRUPT` if there are some and all are damaged, or if the newest is missing: the job must not
   * go back to an older one without the user's consent.
   *
   * They need not be durable: `renew` the one that is restored.
   */
  async readable(warn: (message: string) => void): Promise<readonly Manifest[]> {
    const numbers = await this.list()
    await this.#requireNewest(numbers[0] ?? 0)
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
   * Resolves once a crash can no longer lose the checkpoint. Rejects, and publishes nothing, if the owner was
   * replaced.
   */
  async publish(manifest: Manifest, owner: Owner): Promise<void> {
    const name = nameOf(manifest.checkpoint, owner)
    await publishFile(this.#fs, this.directory, name, encodeManifest(manifest), owner)
  }

  /** Publishes the newest manifest again, with no pending commits. */
  async noteCommitted(manifest: Manifest, owner: Owner): Promise<void> {
    if (manifest.sinks.length === 0) return
    const sinks = manifest.sinks.map((entry) => ({ ...entry, isCommitted: true }) as const)
    await this.publish({ ...manifest, sinks }, owner)
  }

  /**
   * Resolves once a crash can no longer lose an existing checkpoint. A process killed between a rename and
   * its sync leaves a manifest that a second crash could still remove, after the sinks had committed its
   * output; and a failed sync leaves a name that is visible but that no later sync makes durable.
   *
   * So the manifest is renamed to this owner's epoch. Its bytes need not be written again: a manifest is
   * named only after its bytes were synced without a failure. Renaming needs no space, so it works on a full
   * disk. And an owner that was replaced before its rename does not find the manifest any more.
   */
  async renew(checkpoint: number, owner: Owner): Promise<void> {
    const path = await this.#pathOf(checkpoint)
    const renewed = `${this.directory}/${nameOf(checkpoint, owner)}`
    await owner.confirm()
    // A manifest of this epoch was published by this process, which stops after a failed sync.
    if (path !== renewed) await this.#fs.rename(path, renewed)
    await this.#fs.syncDirectory(this.directory)
  }

  /** Prevents earlier owners from publishing. Call it before `list`. */
  fence(owner: Owner): Promise<void> {
    return removeTemporaries(this.#fs, this.directory, owner)
  }

  /** Removes checkpoints older than `newest`, after recording that it was published. */
  async retire(checkpoints: readonly number[], newest: number): Promise<void> {
    await this.#note(newest)
    if (checkpoints.length === 0) return
    for (const [checkpoint, name] of await this.#names()) {
      if (checkpoints.includes(checkpoint)) await removeIfThere(this.#fs, `${this.directory}/${name}`)
    }
    await this.#fs.syncDirectory(this.directory)
  }

  /** Throws `CHECKPOINT_CORRUPT` if a newer checkpoint was published than the newest existing one. */
  async #requireNewest(newest: number): Promise<void> {
    const witness = await this.#witness()
    if (witness === undefined || witness.published <= newest) return
    const { published, path } = witness
    const back = newest === 0 ? 'to start empty' : `to go back to checkpoint ${newest}`
    throw new MillraceError(
      'CHECKPOINT_CORRUPT',
      `${this.directory}: checkpoint ${published} was published, but its manifest is missing. Restore the file, or remove ${path} ${back}: results since then may be written again`,
      { place: this.directory },
    )
  }

  /**
   * Records the newest checkpoint in the name of an empty file. It is renamed only after the manifest was
   * synced, so it never names a checkpoint that a crash can still remove.
   */
  async #note(newest: number): Promise<void> {
    const path = `${this.directory}/announced-${digits(newest)}`
    const witness = await this.#witness()
    if (witness === undefined) await (await this.#fs.open(path, 'append')).close()
    else if (witness.published < newest) await this.#fs.rename(witness.path, path)
  }

  async #witness(): Promise<{ readonly published: number; readonly path: string } | undefined> {
    let newest: { readonly published: number; readonly path: string } | undefined
    for (const name of await this.#list()) {
      const match = witnessPattern.exec(name)
      const published = Number(match?.[1] ?? 0)
      if (published > (newest?.published ?? 0)) newest = { published, path: `${this.directory}/${name}` }
    }
    return newest
  }

  async #pathOf(checkpoint: number): Promise<string> {
    const name = (await this.#names()).get(checkpoint)
    if (name !== undefined) return `${this.directory}/${name}`
    throw new MillraceError(
      'FS_NOT_FOUND',
      `${this.directory}: there is no checkpoint ${checkpoint}; list the existing ones`,
    )
  }

  /** The names of the manifests by checkpoint. */
  async #names(): Promise<ReadonlyMap<number, string>> {
    const names = new Map<number, string>()
    for (const name of await this.#list()) {
      const match = manifestPattern.exec(name)
      if (match !== null) names.set(Number(match[1]), name)
    }
    return names
  }

  async #list(): Promise<readonly string[]> {
    if ((await this.#fs.stat(this.directory)) === undefined) return []
    return (await this.#fs.list(this.directory)).map(({ name }) => name)
  }
}

function nameOf(checkpoint: number, { epoch }: Owner): string {
  return `checkpoint-${digits(checkpoint)}.${epoch}.json`
}

function digits(number: number): string {
  return String(number).padStart(10, '0')
}
