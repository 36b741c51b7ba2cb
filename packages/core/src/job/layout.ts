import type { Manifest, StorePart } from '../checkpoint/manifest.ts'
import type { Json } from '../codec/json.ts'
import { makeDurableDirectory } from '../disk/durable-directory.ts'
import type { Fs } from '../disk/fs.ts'
import { isMillraceError } from '../errors/errors.ts'
import type { DataDirectory } from './data-directory.ts'
import type { WorkerState } from './worker-state.ts'

/**
 * Where the state of each worker lies, below the directory of the job's state.
 *
 * A single worker has that directory itself, several have one each. When the state is divided in another way than before, every
 * worker begins in a new directory and copies what its subtasks own. The old directories are removed when no kept
 * checkpoint names them.
 */
export class Layout {
  /** Names who has which state. */
  readonly text: string
  /** The directory of each worker. */
  readonly directories: readonly string[]
  readonly #from: readonly StorePart[]
  readonly #others: readonly StorePart[]
  readonly #retained: readonly StorePart[]
  /** Directories of another layout that a kept checkpoint may name. */
  #old: ReadonlySet<string>

  /**
   * `restored` is the checkpoint to start from and `kept` are all that are kept. `newest` is the highest number of a
   * checkpoint ever used in this data directory, or 0.
   */
  constructor(
    text: string,
    workers: readonly string[],
    { restored, kept, newest }: { restored: Manifest | undefined; kept: readonly Manifest[]; newest: number },
  ) {
    this.text = text
    const store = restored?.store
    this.#retained = kept.flatMap((manifest) => manifest.store.parts)
    const isSame = store?.layout === text && store.parts.length === workers.length
    if (store !== undefined && isSame) {
      this.directories = store.parts.map(({ directory }) => directory)
      this.#from = store.parts
      this.#others = []
    } else {
      // No other checkpoint will have this number, so the directory is new or left by a start without a checkpoint.
      const base = store === undefined ? '' : `from-${newest + 1}`
      this.directories =
        workers.length === 1
          ? [base]
          : workers.map((worker) => `${base === '' ? '' : `${base}/`}${worker.replace(' ', '-')}`)
      this.#from = []
      this.#others = store?.parts ?? []
    }
    const current = new Set(this.directories)
    this.#old = new Set(this.#retained.map(({ directory }) => directory).filter((each) => !current.has(each)))
  }

  /** Makes the directories, which workers in several threads must not do at once. */
  async makeDirectories(fs: Fs, data: DataDirectory): Promise<void> {
    for (const directory of this.directories) await makeDurableDirectory(fs, data.statePart({ directory }))
  }

  /** What a worker starts from. */
  stateOf(worker: number): WorkerState {
    const directory = this.directories[worker]!
    return {
      directory,
      from: this.#from[worker]?.snapshot,
      retained: snapshotsIn(directory, this.#retained),
      others: this.#others,
    }
  }

  /** The part of a manifest that says where the state is. */
  parts(snapshots: readonly Json[]): readonly StorePart[] {
    return snapshots.map((snapshot, worker) => ({ directory: this.directories[worker]!, snapshot }))
  }

  /** The snapshots of a worker that are kept. */
  retainedOf(worker: number, kept: readonly Manifest[]): readonly Json[] {
    return snapshotsIn(
      this.directories[worker]!,
      kept.flatMap((manifest) => manifest.store.parts),
    )
  }

  /** Removes the old directories that none of these checkpoints names. */
  async tidy(fs: Fs, data: DataDirectory, kept: readonly Manifest[]): Promise<void> {
    const named = new Set(kept.flatMap(({ store }) => store.parts.map(({ directory }) => directory)))
    const unnamed = [...this.#old].filter((directory) => !named.has(directory))
    for (const directory of unnamed) await removeFiles(fs, data.statePart({ directory }))
    this.#old = new Set([...this.#old].filter((directory) => named.has(directory)))
  }
}

function snapshotsIn(directory: string, parts: readonly StorePart[]): readonly Json[] {
  return parts.filter((part) => part.directory === directory).map(({ snapshot }) => snapshot)
}

/** Removes the files of a directory, and the directory unless others lie in it. */
async function removeFiles(fs: Fs, path: string): Promise<void> {
  try {
    const entries = await fs.list(path)
    for (const { name, kind } of entries) if (kind === 'file') await fs.remove(`${path}/${name}`)
    if (entries.every(({ kind }) => kind === 'file')) await fs.removeDirectory(path)
  } catch (error) {
    if (!isMillraceError(error, 'FS_NOT_FOUND')) throw error
  }
}
