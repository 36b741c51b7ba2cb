import type { World } from '../cluster.ts'
import { pause } from '../patience.ts'
import type { Brokers, Lane, Place } from './brokers.ts'
import { answeredFailure, codes } from './codes.ts'
import { coordinatorRequest, type CoordinatorKind, type Request } from './request.ts'

const firstPauseMs = 2
const longestPauseMs = 100

/** After these another broker may be the coordinator. */
const moved: ReadonlySet<number> = new Set<number>([codes.noCoordinator, codes.notCoordinator])
/** What passes soon, and with which nothing has happened. */
const passing: ReadonlySet<number> = new Set<number>([
  ...moved,
  codes.coordinatorLoading,
  codes.concurrentTransactions,
  codes.unstableOffset,
])

/** Whose coordinator is asked. */
export interface CoordinatorParts {
  readonly brokers: Brokers
  readonly kind: CoordinatorKind
  readonly key: string
  readonly world: Pick<World, 'clock' | 'signal'>
  /** So long what passes is waited for. */
  readonly patienceMs: number
}

/** How a request is asked that waits on the broker: over which connection, and for so long. */
export interface CoordinatorWait {
  readonly lane: Lane
  readonly extraMs: number
}

/** The broker that keeps the members and offsets of a group, or the state of a transactional id. */
export class Coordinator {
  readonly #parts: CoordinatorParts
  #place: Place | undefined

  constructor(parts: CoordinatorParts) {
    this.#parts = parts
  }

  /** Asks it, and again while it says that this is not possible yet. Rejects with a `KafkaFailure`. */
  async ask<T>(request: Request<T>, errorOf: (answer: T) => number, wait?: CoordinatorWait): Promise<T> {
    const { clock, signal } = this.#parts.world
    const until = clock.monotonic() + this.#parts.patienceMs
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const { error, answer } = await this.#once(request, errorOf, wait)
      if (error === codes.none) return answer!
      if (moved.has(error)) this.#place = undefined
      if (!passing.has(error) || clock.monotonic() >= until) {
        throw answeredFailure(error, `${request.name} for ${this.#parts.kind} ${this.#parts.key}`)!
      }
      await pause(clock, signal, pauseMs)
      signal.throwIfAborted()
    }
  }

  async #once<T>(
    request: Request<T>,
    errorOf: (answer: T) => number,
    wait: CoordinatorWait | undefined,
  ): Promise<{ readonly error: number; readonly answer?: T }> {
    const { brokers, kind, key } = this.#parts
    if (this.#place === undefined) {
      const found = await brokers.askAny(coordinatorRequest(kind, key))
      if (found.error !== codes.none) return found
      this.#place = found
    }
    try {
      const answer = await brokers.askAt(this.#place, request, wait?.lane, wait?.extraMs)
      return { error: errorOf(answer), answer }
    } catch (error) {
      this.#place = undefined
      throw error
    }
  }
}

/** The first error of several; 0 if there is none. */
export function firstError(errors: readonly number[]): number {
  return errors.find((error) => error !== codes.none) ?? codes.none
}
