import { MillraceError } from '@millrace/core'
import { systemClock } from '@millrace/world'
import type { Redis } from 'ioredis'
import { addressOf, clientOf, redactionOf, type RedisOptions } from './connection.ts'

/** A connection is kept for this long after its last call. */
const keptMs = 1_000

/**
 * Calls of a program, such as those of a lookup. A call opens the connection, and it is closed when none was made for a second,
 * so a job that ends leaves nothing open.
 *
 * A call fails if the server cannot be reached: the retries of the operator that has made it decide what follows.
 */
export class CallConnection {
  readonly #what: string
  readonly #options: RedisOptions
  readonly #address: URL
  #client: Redis | undefined
  #lastError: unknown
  #calls = 0
  #closing: Disposable | undefined

  /** Throws `OPTION_INVALID`. */
  constructor(what: string, options: RedisOptions) {
    this.#what = what
    this.#options = options
    this.#address = addressOf(what, options)
  }

  /** Rejects with what the server or the connection says, without passwords, or when the signal is aborted. */
  async call<R>(action: (client: Redis) => Promise<R>, signal: AbortSignal): Promise<R> {
    signal.throwIfAborted()
    this.#calls++
    this.#closing?.[Symbol.dispose]()
    this.#closing = undefined
    try {
      return await untilAborted(action(this.#connected()), signal)
    } catch (error) {
      signal.throwIfAborted()
      throw this.#named(error)
    } finally {
      if (--this.#calls === 0) this.#closeLater()
    }
  }

  #connected(): Redis {
    if (this.#client !== undefined && this.#client.status !== 'end') return this.#client
    const client = clientOf(this.#what, this.#address, this.#options, () => null)
    // A command of a connection that fails says only that it is closed.
    client.on('error', (error: unknown) => (this.#lastError = error))
    client.on('ready', () => (this.#lastError = undefined))
    this.#client = client
    return client
  }

  #closeLater(): void {
    this.#closing = systemClock.schedule(keptMs, () => {
      this.#client?.disconnect()
      this.#client = undefined
    })
  }

  #named(error: unknown): Error {
    if (error instanceof MillraceError) return error
    const cause = this.#lastError ?? error
    const reason = cause instanceof Error ? cause.message : String(cause)
    const said = redactionOf(this.#address).redact(reason)
    return new Error(`${this.#what}: no answer of Redis on ${this.#address.host}: ${said}`)
  }
}

function untilAborted<R>(result: Promise<R>, signal: AbortSignal): Promise<R> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    result.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
