import { MillraceError } from '../errors/errors.ts'
import type { ConnectorContext } from './source.ts'

const firstPauseMs = 50
const longestPauseMs = 5_000

/** A server as a connector knows it, and connections of type `C` to it. */
export interface Server<C> {
  /** What it is, for messages: `'NATS'`. */
  readonly product: string
  /** Hosts and ports, for messages; no password. */
  readonly address: string
  /** Connects. Rejects when that fails, at the latest when the signal is aborted. */
  open(signal: AbortSignal, link: ServerLink<C>): Promise<C>
  isOpen(connection: C): boolean
  close(connection: C): void
  /** Rejects when a connection is lost, so that an action does not wait for it. Default: actions find out by themselves. */
  lost?(connection: C): Promise<never>
  /** Whether a failure stays when the action is tried again. */
  readonly isFinal: (error: unknown) => boolean
  /** What a failure says, without passwords. */
  readonly reasonOf: (error: unknown) => string
  /** What the user may do when the first connection fails: `'check the address and that the server runs'`. */
  readonly adviceOn: (error: unknown) => string
}

/** What a link needs of its job: a `ConnectorContext` has it. */
export type LinkContext = Pick<ConnectorContext, 'clock' | 'signal' | 'down' | 'trying' | 'up'>

/**
 * Connects a source or a sink to its server.
 *
 * The first connection is made at once or never: a wrong address is found at the start. Later ones, after a restart of the job,
 * wait for the server.
 *
 * @example
 * readonly #connector = new ServerConnector(server)
 *
 * async open(split: string, position: Offset | undefined, context: ConnectorContext) {
 *   const link = await this.#connector.link(`source ${context.name}`, context)
 *   return new Reader(link, await link.repeat((connection) => connection.subscribe(split, position)))
 * }
 */
export class ServerConnector<C> {
  readonly #server: Server<C>
  #wasConnected = false

  constructor(server: Server<C>) {
    this.#server = server
  }

  /** Rejects with `OPTION_INVALID` for a server that could never be reached. `what` is the source or sink, for messages. */
  async link(what: string, context: LinkContext): Promise<ServerLink<C>> {
    const link = new ServerLink(this.#server, context)
    if (this.#wasConnected) return link
    try {
      await link.connection()
    } catch (error) {
      link.close()
      const problem = `${unconnected(this.#server, error)}; ${this.#server.adviceOn(error)}`
      // The cause is left out: it may hold what was sent, such as a password.
      throw new MillraceError('OPTION_INVALID', `${what}: ${problem}`, { isFinal: true })
    }
    this.#wasConnected = true
    return link
  }
}

/** A connection that is replaced by a new one when it is lost. */
export class ServerLink<C> {
  readonly #server: Server<C>
  readonly #context: LinkContext
  readonly #closing = new AbortController()
  readonly #onAbort = (): void => {
    this.#closing.abort()
    if (!this.staysConnected) this.#drop()
  }
  /** Whether the connection stays open when the job stops, until `close`. Default false. */
  staysConnected = false
  #open: { readonly connection: C } | undefined
  #pauseMs = firstPauseMs
  #failures = 0

  constructor(server: Server<C>, context: LinkContext) {
    this.#server = server
    this.#context = context
    context.signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Hosts and ports of the server, for messages. */
  get address(): string {
    return this.#server.address
  }

  /** The connection; a new one if there is none. Rejects when it cannot be made. */
  async connection(): Promise<C> {
    const open = this.#open?.connection
    if (open !== undefined && this.#server.isOpen(open)) return open
    this.#open = undefined
    const connection = await this.#server.open(this.#closing.signal, this)
    if (this.#closing.signal.aborted) {
      this.#server.close(connection)
      this.#closing.signal.throwIfAborted()
    }
    this.#open = { connection }
    return connection
  }

  /**
   * Repeats what fails because the server cannot be reached, each time with a new connection and after a longer pause, from 50 ms
   * to 5 s, until it succeeds. Reports the outage from the second failure on, and its end.
   *
   * Rejects with what is final, or when the link is closed or the job stops.
   */
  async repeat<R>(action: (connection: C) => Promise<R>): Promise<R> {
    for (;;) {
      this.#closing.signal.throwIfAborted()
      try {
        const connection = await this.connection()
        const lost = this.#server.lost?.(connection)
        const result = await (lost === undefined
          ? action(connection)
          : Promise.race([action(connection), lost]))
        this.works()
        return result
      } catch (error) {
        this.#drop()
        this.#closing.signal.throwIfAborted()
        if (this.#server.isFinal(error)) throw error
        // A failure that the next try repairs, such as a consumer that the server has forgotten, is no outage.
        if (++this.#failures >= 2) this.down(unconnected(this.#server, error))
      }
      await this.pause()
      this.#context.trying()
    }
  }

  /** An action that takes long calls it when it has made progress. */
  works(): void {
    this.#pauseMs = firstPauseMs
    this.#failures = 0
    this.#context.up()
  }

  /** Reports that the server does not do its work, until `works`. */
  down(reason: string): void {
    this.#context.down(reason)
  }

  /** Waits, each time longer until something works. Resolves when the link is closed. */
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
      const timer = this.#context.clock.schedule(ms, end)
      signal.addEventListener('abort', end, { once: true })
    })
  }

  /** Calls `expired` after a time, unless the result is disposed of before. */
  timer(ms: number, expired: () => void): Disposable {
    return this.#context.clock.schedule(ms, expired)
  }

  /** Closes the connection. What is repeated rejects. */
  close(): void {
    this.#context.signal.removeEventListener('abort', this.#onAbort)
    this.#closing.abort()
    this.#drop()
  }

  #drop(): void {
    if (this.#open !== undefined) this.#server.close(this.#open.connection)
    this.#open = undefined
  }
}

function unconnected<C>({ product, address, reasonOf }: Server<C>, error: unknown): string {
  return `no connection to ${product} on ${address}: ${reasonOf(error)}`
}
