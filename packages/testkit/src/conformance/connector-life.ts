import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import type { ConnectorContext } from '@millrace/core/connector'
import type { Fs, Owner } from '@millrace/core/disk'
import { SimFs } from '../sim-fs.ts'
import { SimOwners } from '../sim-owners.ts'
import { ContractViolation } from './conformance-case.ts'

/** Turns of the event loop between two steps of time: enough for work that needs no time to settle. */
const TURNS_PER_STEP = 20
/** The maximum number of timers that are fired during a wait. */
const TIMERS_MAX = 300
/** The maximum number of steps during a wait. */
const STEPS_MAX = 3_000

/** A timer that is further away is a time limit: it does not fire while real I/O, which takes no simulated time, may be in progress. */
const LIMIT_MS = 10_000

/** The parts of one life of a connector. */
export interface ConnectorLifeOptions {
  readonly fs: SimFs
  readonly isBounded: boolean
  /** The owner of the data directory. Default: the first owner. */
  readonly owner?: Owner
  /** The file system for the connector. Default: `fs`. */
  readonly seenFs?: Fs
  /** Whether it waits for threads, sockets or other real I/O, whose duration only the test's time limit bounds. */
  readonly worksOutside?: boolean | undefined
}

/** The environment of a connector in one life of the process: simulated time, disk and randomness. */
export class ConnectorLife {
  readonly clock: ManualClock = new ManualClock(1_000_000)
  readonly fs: SimFs
  readonly context: ConnectorContext
  readonly #stop = new AbortController()
  readonly #stepsMax: number
  readonly #longestDelayMs: number

  constructor(options: ConnectorLifeOptions) {
    const { fs, isBounded, owner = new SimOwners().take(), seenFs = fs, worksOutside = false } = options
    this.fs = fs
    this.#stepsMax = worksOutside ? Infinity : STEPS_MAX
    this.#longestDelayMs = worksOutside ? LIMIT_MS : Number.MAX_VALUE
    this.context = {
      name: 'subject',
      clock: this.clock,
      // Chance is never the same in two processes.
      random: seededRandom(fs.life * 1_000 + owner.epoch),
      fs: seenFs,
      directory: 'connector',
      owner,
      isBounded,
      start: { kind: 'first', checkpoint: undefined },
      signal: this.#stop.signal,
      warn: () => {},
      down: () => {},
      trying: () => {},
      up: () => {},
    }
  }

  /** Requests the connector to stop, as a job does. */
  abort(): void {
    this.#stop.abort(new Error('the job stops'))
  }

  /**
   * Waits for a promise while simulated time passes, timer by timer.
   *
   * Throws a `ContractViolation` with `promise`, the broken one, if it does not settle.
   */
  async settled<T>(waiting: Promise<T>, promise: string): Promise<T> {
    let isSettled = false
    const note = (): void => {
      isSettled = true
    }
    waiting.then(note, note)
    let timers = 0
    for (let step = 0; step < this.#stepsMax && timers < TIMERS_MAX && !isSettled; step++) {
      for (let turn = 0; turn < TURNS_PER_STEP && !isSettled; turn++) await systemScheduler.turn()
      const delayMs = this.clock.nextDelay() ?? Infinity
      if (isSettled || delayMs > this.#longestDelayMs) continue
      await this.clock.advance(delayMs)
      timers++
    }
    if (isSettled) return waiting
    throw new ContractViolation(promise)
  }

  /** Waits until all work that needs no time has settled. */
  async quiet(): Promise<void> {
    for (let turn = 0; turn < TURNS_PER_STEP; turn++) await systemScheduler.turn()
  }

  /** Throws if an open file or a timer is left. */
  checkReleased(): void {
    const open = this.fs.openPaths()
    if (open.length > 0) throw new ContractViolation(`files are open after close: ${open.join(', ')}`)
    const { pending } = this.clock
    if (pending > 0) throw new ContractViolation(`${pending} timers are set after close`)
  }
}
