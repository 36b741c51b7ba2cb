import type { ConnectorContext } from '@millrace/core/connector'

/** How long to wait between attempts. */
export interface Backoff {
  readonly firstPauseMs: number
  readonly longestPauseMs: number
}

/** What an outage needs of its job. */
export type World = Pick<ConnectorContext, 'clock' | 'random' | 'down' | 'trying' | 'up'>

/**
 * Says how long to wait while another server does not work: after each failure longer, up to a limit, and with jitter, so
 * that many clients do not return at once. Reports the outage, and its end.
 */
export class Outage {
  readonly #server: string
  readonly #world: World
  readonly #backoff: Backoff
  /** The calls that fail now. */
  readonly #failing = new Set<object>()

  /** `server` is printed. */
  constructor(server: string, world: World, backoff: Backoff) {
    this.#server = server
    this.#world = world
    this.#backoff = backoff
  }

  /** A call is made again. */
  again(): void {
    if (this.#failing.size > 0) this.#world.trying()
  }

  /** A call has succeeded, or is not repeated. */
  over(call: object = this): void {
    this.#failing.delete(call)
    if (this.#failing.size === 0) this.#world.up()
  }

  /** Returns how long to wait after the failure number `failures` of a call. `leastMs` is what the server has asked for. */
  failed(reason: string, failures: number, leastMs = 0, call: object = this): number {
    const { firstPauseMs, longestPauseMs } = this.#backoff
    const pauseMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures - 1, 30))
    // A failure that the next attempt repairs, such as a connection that was closed while it was idle, is no outage.
    if (failures > 1) {
      this.#failing.add(call)
      this.#world.down(reason.startsWith(this.#server) ? reason : `${this.#server}: ${reason}`)
    }
    return Math.max(leastMs, pauseMs / 2 + this.#world.random.next() * (pauseMs / 2))
  }
}

/** Waits, or returns earlier when the signal aborts. */
export function pause({ clock }: Pick<World, 'clock'>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = (): void => {
      timer[Symbol.dispose]()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = clock.schedule(ms, end)
    signal.addEventListener('abort', end, { once: true })
  })
}
