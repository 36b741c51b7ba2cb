/**
 * The only way to read the time or wait for it.
 *
 * The system clock is one implementation; tests and the simulator pass a clock that they control.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. May jump. */
  now(): number
  /** Milliseconds on a clock that never goes back; only differences mean anything. */
  monotonic(): number
  /**
   * Calls `callback` once after `delayMs` (monotonic).
   *
   * Never calls it during `schedule` itself, and never before the delay is over: a delay of zero or less comes due at
   * once but still fires later. `Infinity` never fires and keeps nothing alive. Disposing before the callback cancels
   * it; disposing afterwards does nothing. Delays over 2^31-1 ms are chained.
   *
   * @throws RangeError when `delayMs` is not a number.
   */
  schedule(delayMs: number, callback: () => void): Disposable
}

/** A source of randomness. One seed gives one sequence, on every machine and in every version. */
export interface Random {
  /** A number in [0, 1), uniform, with 53 random bits. */
  next(): number
  /**
   * An integer in [0, bound), uniform and without bias.
   *
   * @throws RangeError unless `bound` is an integer from 1 to 2^53-1.
   */
  int(bound: number): number
  /**
   * An independent source named by `label`.
   *
   * It depends only on this source's seed and the label, not on previous draws, and drawing from one does not affect
   * the other. The same label gives the same sequence again.
   */
  fork(label: string): Random
}

/**
 * Gives the rest of the program a turn.
 *
 * Code that never waits for anything but settled promises starves sockets, files and timers. A loop that
 * may run for long calls `turn` from time to time.
 */
export interface Scheduler {
  /** Resolves after the event loop has had a turn (I/O, timers). */
  turn(): Promise<void>
}

/** Time, randomness and scheduling of a whole program. */
export interface System {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
}
