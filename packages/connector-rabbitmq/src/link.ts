import type { MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { Connection } from './amqp/connection.ts'
import { isFinal, isHostRefused, isRefused, reasonOf } from './broker-error.ts'
import { invalid, type Address } from './options.ts'

const firstPauseMs = 50
const longestPauseMs = 5_000

/** What a link needs of its job. */
export type World = Pick<ConnectorContext, 'clock' | 'signal' | 'down' | 'trying' | 'up'>

/**
 * Connects a source or a sink to its broker.
 *
 * The first connection is made now or never: a wrong address is found at the start. Later ones, after a restart of the job,
 * wait for the broker.
 */
export class Connector {
  readonly #address: Address
  #wasConnected = false

  constructor(address: Address) {
    this.#address = address
  }

  /** Rejects with `OPTION_INVALID` for a broker that could never be reached or refuses the password. */
  async link(what: string, world: World): Promise<Link> {
    const link = new Link(this.#address, world)
    if (this.#wasConnected) return link
    try {
      await link.connection()
    } catch (error) {
      link.close()
      throw refusal(what, this.#address, error)
    }
    this.#wasConnected = true
    return link
  }
}

/** A connection that is replaced by a new one when it is lost. */
export class Link {
  /** Hosts and ports, for messages. */
  readonly server: string
  readonly #address: Address
  readonly #world: World
  readonly #closing = new AbortController()
  readonly #onAbort = (): void => {
    this.#closing.abort()
    if (!this.staysConnected) this.#drop()
  }
  /** Whether the connection stays open when the job stops, until `close`. */
  staysConnected = false
  #open: Connection | undefined
  #pauseMs = firstPauseMs
  #failures = 0

  constructor(address: Address, world: World) {
    this.server = address.server
    this.#address = address
    this.#world = world
    world.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The connection; a new one if there is none. */
  async connection(): Promise<Connection> {
    if (this.#open?.isClosed === false) return this.#open
    this.#open = undefined
    const open = await this.#address.open(this.#closing.signal)
    open.blocked = (reason) => (reason === undefined ? this.#world.up() : this.refuses(reason))
    this.#open = open
    return open
  }

  /**
   * Repeats what fails because the broker cannot be reached, each time with a new connection and after a longer pause, until
   * it succeeds. Reports the outage, and its end.
   *
   * Rejects with what is final, or when the link is closed.
   */
  async repeat<R>(action: (connection: Connection) => Promise<R>): Promise<R> {
    for (;;) {
      this.#closing.signal.throwIfAborted()
      try {
        const connection = await this.connection()
        const result = await Promise.race([action(connection), connection.lost])
        this.works()
        return result
      } catch (error) {
        this.#drop()
        this.#closing.signal.throwIfAborted()
        if (isFinal(error)) throw error
        this.#down(error)
      }
      await this.pause()
      this.#world.trying()
    }
  }

  /** An action that takes long says so when it has made progress. */
  works(): void {
    this.#pauseMs = firstPauseMs
    this.#failures = 0
    this.#world.up()
  }

  /** Waits, each time longer until something works. */
  pause(): Promise<void> {
    const { signal } = this.#closing
    const ms = this.#pauseMs
    this.#pauseMs = Math.min(ms * 2, longestPauseMs)
    return new Promise((resolve) => {
      const end = (): void => {
        timer[Symbol.dispose]()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = this.#world.clock.schedule(ms, end)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  /** Calls `expired` after a time, unless the result is disposed of before. */
  timer(ms: number, expired: () => void): Disposable {
    return this.#world.clock.schedule(ms, expired)
  }

  /** Reports that the broker takes no messages now. */
  refuses(reason: string): void {
    this.#world.down(`RabbitMQ on ${this.server} takes no messages: ${reason}`)
  }

  close(): void {
    this.#world.signal.removeEventListener('abort', this.#onAbort)
    this.#closing.abort()
    this.#drop()
  }

  #drop(): void {
    this.#open?.close()
    this.#open = undefined
  }

  #down(error: unknown): void {
    // A failure that the next try repairs is no outage.
    if (++this.#failures >= 2)
      this.#world.down(
        `no connection to RabbitMQ on ${this.server}: ${this.#address.redaction.redact(reasonOf(error))}`,
      )
  }
}

function refusal(what: string, { server, redaction }: Address, error: unknown): MillraceError {
  const help =
    isRefused(error) || isHostRefused(error)
      ? 'check user, password and virtual host in the url'
      : 'check the address and that the broker runs'
  // The cause is left out: it may hold what was sent.
  return invalid(
    what,
    `no connection to RabbitMQ on ${server}: ${redaction.redact(reasonOf(error))}; ${help}`,
  )
}
