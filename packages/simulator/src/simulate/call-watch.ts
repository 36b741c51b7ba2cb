import type { Key } from '@millrace/core'
import type { MapState, StateDescriptor, ValueState } from '@millrace/core/operator'

/** Observes each call of user code in a simulated pipeline, and its result. */
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
  /** Called when `operator` has emitted or decided this. */
  emitted(operator: string, value: unknown): void
  /** Called when `operator` read the clock or set a processing timer: its output may differ from run to run. */
  usedClock(operator: string): void
  /** Called when `operator` waits for event time or the end of its input, or reads the watermark: an earlier end changes its output. */
  waitsForTime(operator: string): void
  /** Called when `operator` has state that expires by event time: it depends on how far the splits had come when a run ended. */
  expiresByTime(operator: string): void
}
