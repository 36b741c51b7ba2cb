import { MillraceError } from '@millrace/core'
import type { FsFile, FsMode } from '@millrace/core/disk'
import { InterceptedFs, SimulatedCrash, type SimFs } from '@millrace/testkit'
import type { Random } from '@millrace/world'
import type { Process } from './process.ts'

/** How the disk of a process behaves. */
export interface DiskManners {
  /** The share of operations that take time. */
  readonly slowShare: number
  readonly slowMs: number
  readonly random: Random
  /** The process dies in an operation, because the disk was to crash there. */
  readonly crashed: () => void
  /** A manifest is begun. Returns for how long that takes, or that it fails. */
  readonly beginsManifest: () => number | 'fails'
}

/** The disk as one process uses it: some operations take time, and those of a dead process never end. */
export class ProcessFs extends InterceptedFs {
  readonly #process: Process
  readonly #manners: DiskManners

  constructor(fs: SimFs, process: Process, manners: DiskManners) {
    super(fs)
    this.#process = process
    this.#manners = manners
  }

  override async open(path: string, mode: FsMode): Promise<FsFile> {
    if (mode === 'create' && path.includes('/checkpoints/')) {
      const takes = this.#manners.beginsManifest()
      if (takes === 'fails') throw new MillraceError('FS_IO', `${path}: the disk fails once`)
      if (takes > 0) await this.#process.later(takes)
    }
    return super.open(path, mode)
  }

  protected async pass<T>(operation: () => Promise<T>): Promise<T> {
    const { random, slowShare, slowMs, crashed } = this.#manners
    if (slowShare > 0 && random.next() < slowShare) await this.#process.later(random.next() * slowMs)
    if (this.#process.isFrozen) await this.#process.thawed()
    try {
      const result = await operation()
      if (this.#process.isAlive) return result
    } catch (error) {
      if (error instanceof SimulatedCrash) crashed()
      else if (this.#process.isAlive) throw error
    }
    return new Promise(() => {})
  }
}
