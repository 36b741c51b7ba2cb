import { MillraceError, positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import { sleep, systemClock } from '@millrace/world'
import { CallConnection } from './call-connection.ts'
import type { RedisOptions } from './connection.ts'

/** How many calls may begin in a time, in all processes together. */
export interface RateLimitOptions extends RedisOptions {
  /** A whole number from 1. After a pause so many begin at once. */
  readonly calls: number
  /** Default `'1s'`. */
  readonly per?: Duration
}

/** A token bucket that programs on several machines share. */
export interface SharedRateLimit {
  /**
   * Resolves when the next call may begin. Rejects if the server cannot be asked, or when the signal is aborted; the call that
   * was waited for counts then too.
   */
  take(signal: AbortSignal): Promise<void>
}

/**
 * Gives each of `n` calls the next free time. The key holds the time of the server, in microseconds, at which the bucket is full
 * again; it expires then. Returns how long the first of the calls has to wait; each of the others waits for a step more.
 */
const takeScript = `
local step, most, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full = tonumber(redis.call('GET', KEYS[1]) or now)
if full < now then full = now end
local first = full - now - (most - 1) * step
full = full + n * step
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000)))
return string.format('%.0f', first)
`

/** Calls that ask together. */
interface Asking {
  count: number
  readonly firstMs: Promise<number>
}

/** A token bucket in a key of a server. */
export class KeyRateLimit implements SharedRateLimit {
  readonly #key: string
  readonly #calls: number
  readonly #stepMs: number
  readonly #connection: CallConnection
  #asking: Asking | undefined

  /** Throws `OPTION_INVALID`. */
  constructor(what: string, key: string, options: RateLimitOptions) {
    const known = ['calls', 'per', 'url', 'tls', 'connectTimeout', 'requestTimeout']
    requireKnown(what, options, known)
    const { calls, per = '1s' } = options
    if (!Number.isSafeInteger(calls) || calls < 1) {
      throw new MillraceError(
        'OPTION_INVALID',
        `${what}: calls is ${String(calls)}; give a whole number from 1`,
      )
    }
    this.#key = key
    this.#calls = calls
    this.#stepMs = positiveDurationMs(per, `${what}: per`) / calls
    this.#connection = new CallConnection(what, options)
  }

  async take(signal: AbortSignal): Promise<void> {
    const asking = (this.#asking ??= this.#begin(signal))
    const waitMs = asking.count++ * this.#stepMs
    const firstMs = await asking.firstMs
    if (firstMs + waitMs > 0) await sleep(systemClock, firstMs + waitMs, signal)
  }

  /** Calls that ask in one turn of the event loop are one request. `signal` is that of the first. */
  #begin(signal: AbortSignal): Asking {
    const firstMs = Promise.resolve().then(() => {
      this.#asking = undefined
      return this.#ask(asking.count, signal)
    })
    const asking: Asking = { count: 0, firstMs }
    return asking
  }

  async #ask(count: number, signal: AbortSignal): Promise<number> {
    const numbers = [this.#stepMs * 1_000, this.#calls, count]
    const answer = await this.#connection.call(
      (client) => client.eval(takeScript, 1, this.#key, ...numbers),
      signal,
    )
    return Number(answer) / 1_000
  }
}
