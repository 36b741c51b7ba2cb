import { withCancel } from '../context/cancel-context.ts'
import { background } from '../context/endless-context.ts'
import { functionMisfit, rejected } from '@millrace/world'
import { SharedCall } from './shared-call.ts'

/** The shared call of a key. */
interface Flight<T> {
  readonly call: SharedCall<T>
  readonly abandon: (reason: Error) => void
}

/**
 * Lets tasks that make the same call at the same time share one call.
 *
 * It is not a cache: a caller after the end of the call makes a new one. All callers get the same outcome, value or
 * error; they must not change a shared value. The idea is that of Go's `x/sync/singleflight`.
 *
 * Invariants between any two calls: a key has a flight while its call is in progress, at least one caller waits for it,
 * and no caller has forgotten it.
 *
 * @example
 * const users = new SingleFlight<string, User>()
 * const user = await users.run(id, (signal) => load(id, signal))
 */
export class SingleFlight<K, T> {
  readonly #flights = new Map<K, Flight<T>>()

  /**
   * Waits for the running call for `key`, or makes it.
   *
   * An abort of `signal` ends this caller's wait with its reason. The call continues for the others; once none is left,
   * the signal passed to `work` aborts, and the next caller makes a new call. Keys are compared as a Map does.
   */
  run(key: K, work: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return rejected(signal.reason)
    const misuse = functionMisfit('SingleFlight.run', 'the work', work)
    if (misuse !== undefined) return rejected(misuse)
    const { call, abandon } = this.#flights.get(key) ?? this.#takeOff(key, work)
    return call.join('SingleFlight.run', signal, abandon)
  }

  /** Lets the next caller of `key` make a new call, even if one is running. */
  forget(key: K): void {
    this.#flights.delete(key)
  }

  #takeOff(key: K, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const context = withCancel(background)
    const land = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key)
    }
    const flight: Flight<T> = {
      call: new SharedCall(),
      abandon: (reason) => {
        land()
        context.cancel(reason)
      },
    }
    // Known before the work starts, which may come back here.
    this.#flights.set(key, flight)
    void flight.call.start(() => work(context.signal), land)
    return flight
  }
}
