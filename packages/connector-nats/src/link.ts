import { isMillraceError, type MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { JetStreamApiError } from '@nats-io/jetstream'
import { errors, type NatsConnection } from '@nats-io/transport-node'
import { invalid, type Address } from './options.ts'

const firstPauseMs = 50
const longestPauseMs = 5_000

/** What a link needs of its job. */
export type World = Pick<ConnectorContext, 'clock' | 'signal' | 'down' | 'trying' | 'up'>

/**
 * Connects a source or a sink to its server.
 *
 * The first connection is made now or never: a wrong address is found at the start. Later ones, after a restart of the job,
 * wait for the server.
 */
export class Connector {
  readonly #address: Address
  #wasConnected = false

  constructor(address: Address) {
    this.#address = address
  }

  /** Rejects with `OPTION_INVALID` for a server that could never be reached or refuses the password. */
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
  readonly #onAbort = (): void => this.close()
  #nc: NatsConnection | undefined
  #pauseMs = firstPauseMs
  #failures = 0

  constructor(address: Address, world: World) {
    this.server = address.server
    this.#address = address
    this.#world = world
    world.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** The connection; a new one if there is none. */
  async connection(): Promise<NatsConnection> {
    if (this.#nc?.isClosed() === false) return this.#nc
    this.#nc = undefined
    const nc = await this.#address.open()
    if (this.#closing.signal.aborted) {
      await nc.close()
      this.#closing.signal.throwIfAborted()
    }
    this.#nc = nc
    return nc
  }

  /**
   * Repeats what fails because the server cannot be reached, each time with a new connection and after a longer pause, until
   * it succeeds. Reports the outage, and its end.
   *
   * Rejects with what is final, or when the link is closed.
   */
  async repeat<R>(action: (nc: NatsConnection) => Promise<R>): Promise<R> {
    for (;;) {
      this.#closing.signal.throwIfAborted()
      try {
        const result = await action(await this.connection())
        this.works()
        return result
      } catch (error) {
        this.#drop()
        this.#closing.signal.throwIfAborted()
        if (isFinal(error)) throw error
        this.#down(error)
      }
      await this.#pause()
      this.#world.trying()
    }
  }

  /** An action that takes long says so when it has made progress. */
  works(): void {
    this.#pauseMs = firstPauseMs
    this.#failures = 0
    this.#world.up()
  }

  /** Calls `expired` after a time, unless the result is disposed of before. */
  timer(ms: number, expired: () => void): Disposable {
    return this.#world.clock.schedule(ms, expired)
  }

  close(): void {
    this.#world.signal.removeEventListener('abort', this.#onAbort)
    this.#closing.abort()
    this.#drop()
  }

  #drop(): void {
    const nc = this.#nc
    this.#nc = undefined
    nc?.close().catch(() => {})
  }

  #down(error: unknown): void {
    // A failure that the next try repairs, such as a consumer that the server has forgotten, is no outage.
    if (++this.#failures >= 2)
      this.#world.down(
        `no connection to NATS on ${this.server}: ${this.#address.redaction.redact(reasonOf(error))}`,
      )
  }

  #pause(): Promise<void> {
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
}

/** Whether a failure stays when it is tried again. */
function isFinal(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status !== 503
  return isMillraceError(error) || isRefused(error) || error instanceof errors.InvalidArgumentError
}

function isRefused(error: unknown): boolean {
  return (
    error instanceof errors.AuthorizationError ||
    error instanceof errors.UserAuthenticationExpiredError ||
    error instanceof errors.PermissionViolationError
  )
}

function refusal(what: string, { server, redaction }: Address, error: unknown): MillraceError {
  const help = isRefused(error)
    ? 'give user and password or a token in the url, or credentials'
    : 'check the address and that the server runs'
  // The cause is left out: it may hold what was sent.
  return invalid(what, `no connection to NATS on ${server}: ${redaction.redact(reasonOf(error))}; ${help}`)
}

/** The client names its errors after their classes, which says nothing to a user. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
