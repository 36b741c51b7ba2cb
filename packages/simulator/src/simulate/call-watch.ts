import type { Key } from '@millrace/core'
import type { MapState, StateDescriptor, ValueState } from '@millrace/core/operator'

/** Sees each call of user code in a simulated pipeline, and what came of it. */
export interface CallWatch {
  /** Runs `code()`, synchronous user code of `operator`. */
  call<T>(operator: string, code: () => T): T
  /**
   * Runs `code()`, asynchronous user code of `operator`, for `value`; the call is abandoned once
   * `signal` aborts.
   */
  callAsync<T>(operator: string, value: unknown, signal: AbortSignal, code: () => Promise<T>): Promise<T>
  /** Wraps `state`, which is passed to `operator`. */
  value<T>(operator: string, state: ValueState<T>, descriptor: StateDescriptor<T>): ValueState<T>
  /** Wraps `state`, which is passed to `operator`. */
  map<K extends Key, V>(
    operator: string,
    state: MapState<K, V>,
    descriptor: StateDescriptor<V>,
  ): MapState<K, V>
  /** `operator` has put this out, or decided this. */
  emitted(operator: string, value: unknown): void
  /** `operator` asked for the time or set a timer by the clock: what it puts out may differ from run to run. */
  usedClock(operator: string): void
  /** `operator` waits for event time or for the end of its input: an end in between makes it put out something else. */
  waitsForTime(operator: string): void
}
