import { describeError } from '@millrace/core'
import { KafkaFailure, type World } from './cluster.ts'

const firstPauseMs = 50
const longestPauseMs = 5_000

/** An outage of brokers, which the job shows. */
export class Outage {
  readonly #address: string
  readonly #world: World
  #isThere = false

  constructor(address: string, world: World) {
    this.#address = address
    this.#world = world
  }

  get isThere(): boolean {
    return this.#isThere
  }

  began(error: unknown): void {
    this.#isThere = true
    this.#world.down(`Kafka on ${this.#address} does not answer: ${describeError(error)}`)
  }

  /** Another attempt begins. */
  tried(): void {
    if (this.#isThere) this.#world.trying()
  }

  ended(): void {
    if (!this.#isThere) return
    this.#isThere = false
    this.#world.up()
  }
}

/**
 * Repeats what fails because brokers cannot be reached, with growing pauses, until it succeeds or the job stops.
 */
export class Patience {
  readonly #world: World
  readonly #outage: Outage

  constructor(address: string, world: World) {
    this.#world = world
    this.#outage = new Outage(address, world)
  }

  /** Rejects with what is final, with an error that is no `KafkaFailure`, or when the job stops. */
  async repeat<T>(action: () => Promise<T>): Promise<T> {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      this.#world.signal.throwIfAborted()
      try {
        const result = await action()
        this.#outage.ended()
        return result
      } catch (error) {
        this.#world.signal.throwIfAborted()
        if (!(error instanceof KafkaFailure) || error.isFinal) throw error
        this.#outage.began(error)
      }
      await pause(this.#world.clock, this.#world.signal, pauseMs)
      this.#outage.tried()
    }
  }
}

/** By signal: what ends the pauses that it has. One listener is for all of them, because hosts warn from the eleventh on. */
const pauses = new WeakMap<AbortSignal, Set<() => void>>()

/** Waits for a time, or until the signal aborts. */
export function pause(clock: World['clock'], signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const ends = pauses.get(signal) ?? pausesOf(signal)
    const end = (): void => {
      timer[Symbol.dispose]()
      ends.delete(end)
      resolve()
    }
    const timer = clock.schedule(ms, end)
    ends.add(end)
    if (signal.aborted) end()
  })
}

function pausesOf(signal: AbortSignal): Set<() => void> {
  const ends = new Set<() => void>()
  pauses.set(signal, ends)
  signal.addEventListener('abort', () => {
    for (const end of ends) end()
  })
  return ends
}
