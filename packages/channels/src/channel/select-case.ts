import { requireClock, requireDelay } from '@millrace/world'
import type { Clock } from '@millrace/world'

/**
 * One operation among which `select` chooses.
 *
 * `Outcome` is the result of the operation besides its name. A case is only a description: it may be selected
 * repeatedly, and by several tasks.
 */
export interface SelectCase<out Outcome = unknown> {
  /** The operation ("receive") and its object, for inspectors. */
  readonly waitsFor?: readonly [kind: string, on: object]
  /** Whether `perform` may be called now. */
  isReady(): boolean
  /**
   * Performs the operation now, or returns undefined if it is no longer ready because another thread was
   * faster; the select then tries again. If it throws, the select throws the same error.
   */
  perform(name: string): Named<Outcome> | undefined
  /**
   * Waits for the operation. It is not ready, so nothing happens during this call; later the operation is
   * performed together with `selection.settle` or `selection.fail`. Disposing the result ends the wait.
   *
   * `again` is an earlier result, of this case or another, with the same name and selection, whose wait is
   * over: it may be reused.
   */
  park(name: string, selection: Selection<Named<Outcome>>, again?: Disposable): Disposable
}

/** An outcome and the name of the case it comes from. */
export type Named<Outcome> = { readonly case: string } & Outcome

/** A promise of an operation that was performed at once. */
export function promised<Outcome extends Named<unknown>>(outcome: Outcome): Promise<Outcome> {
  // Reading a field tells the engine the shapes, so that the promise skips the check for `then`.
  void outcome.case
  return Promise.resolve(outcome)
}

/** A waiting select. Any of its cases may settle it; only the first one does. */
export interface Selection<in Outcome> {
  settle(outcome: Outcome): void
  fail(error: Error): void
}

/**
 * A case that is chosen once `delayMs` milliseconds of monotonic time have passed on `clock`.
 *
 * The time restarts with each select, and no timer is left when another case wins. Even a delay of zero is
 * not ready at once: ready cases take precedence.
 *
 * @throws TypeError when `clock` is not a clock; RangeError when `delayMs` is not a number.
 *
 * @example
 * const chosen = await select({ job: jobs.receiveCase(), late: after(clock, 500) })
 * if (chosen.case === 'late') giveUp()
 */
export function after(clock: Clock, delayMs: number): SelectCase {
  requireClock('after', clock)
  requireDelay('after', 'delayMs', delayMs)
  return new TimeCase(clock, delayMs)
}

class TimeCase implements SelectCase {
  readonly #clock: Clock
  readonly #delayMs: number

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock
    this.#delayMs = delayMs
  }

  get waitsFor(): readonly [string, object] {
    return [`after ${this.#delayMs} ms`, this.#clock]
  }

  isReady(): boolean {
    return false
  }

  perform(name: string): Named<unknown> {
    return { case: name }
  }

  park(name: string, selection: Selection<Named<unknown>>): Disposable {
    return this.#clock.schedule(this.#delayMs, () => selection.settle({ case: name }))
  }
}
