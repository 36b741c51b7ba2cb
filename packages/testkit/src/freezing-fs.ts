import type { Fs } from '@millrace/core/disk'
import { InterceptedFs } from './intercepted-fs.ts'

/**
 * The file system of a process that is frozen at one of its calls: the call takes effect only once the process resumes.
 * Other processes can change the disk meanwhile.
 *
 * @example
 * const seen = new FreezingFs(fs, 12)
 * const job = run(seen)
 * await seen.frozen // before its 12th call
 * // ... another process takes over on `fs` ...
 * seen.thaw()
 */
export class FreezingFs extends InterceptedFs {
  /** The number of calls so far. */
  calls = 0
  /** Resolves when the process is frozen. */
  readonly frozen: Promise<void>
  readonly #at: number
  readonly #thawed: Promise<void>
  #freeze!: () => void
  #thaw!: () => void

  /** Freezes at call `at`, from 1; by default never. */
  constructor(fs: Fs, at: number = Infinity) {
    super(fs)
    this.#at = at
    this.frozen = new Promise((resolve) => (this.#freeze = resolve))
    this.#thawed = new Promise((resolve) => (this.#thaw = resolve))
  }

  /** Resumes the process. */
  thaw(): void {
    this.#thaw()
  }

  protected async pass<T>(call: () => Promise<T>): Promise<T> {
    if (++this.calls === this.#at) {
      this.#freeze()
      await this.#thawed
    }
    return call()
  }
}
