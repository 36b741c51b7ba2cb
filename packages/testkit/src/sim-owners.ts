import { MillraceError } from '@millrace/core'
import type { Owner } from '@millrace/core/disk'

/**
 * The successive owners of a simulated data directory, for tests of code that must detect that it was replaced.
 *
 * @example
 * const owners = new SimOwners()
 * const first = owners.take()
 * const second = owners.take()
 * await first.confirm() // rejects with DIRECTORY_LOCKED
 */
export class SimOwners {
  readonly #job: string
  #epoch = 0

  /** `job` names the data directory. */
  constructor(job = 'simulated') {
    this.#job = job
  }

  /** Begins the next epoch: earlier owners can no longer confirm. */
  take(): Owner {
    const epoch = ++this.#epoch
    return {
      job: this.#job,
      epoch,
      confirm: async () => {
        if (epoch === this.#epoch) return
        throw new MillraceError(
          'DIRECTORY_LOCKED',
          `the simulated owner of epoch ${epoch} was replaced by that of epoch ${this.#epoch}; let that one run`,
        )
      },
    }
  }
}
