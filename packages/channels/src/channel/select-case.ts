import { requireClock, requireDelay } from '@millrace/world'
import type { Clock } from '@millrace/world'

/**
 * One operation among which `select` chooses.
 *
 * `Outcome` is what the operation has to report besides its name. A case describes and holds nothing: the
 * same one may be selected again and again, and by several tasks.
 */
export interface SelectCase<out Outcome = unknown> {
  /** The operation ("receive") and what it is on, for those who watch. */
  readonly waitsFor?: readonly [kind: string, on: object]
  /** Whether `perform` may be called now. */
  isReady(): boolean
  /**
   * Performs the operation now, or returns undefined because it is no longer ready: another thread was faster, and
   * the select looks again. What it throws is what the select throws.
   */
  perform(name: string): Named<Outcome> | undefined
  /**
   * Waits for the operation. Not ready now, so nothing happens during this call; later the operation is
   * performed together with `selection.settle` or `selection.fail`. Disposing the result ends the wait.
   *
   * `again` is what a call with the same name and selection has returned, of this case or another, and is over: it
   * may be used once more.
   */
  park(name: string, selection: Selection<Named<Outcome>>, again?: Disposable): Disposable
}

/** An outcome and the name of the case it comes from. */
export type Named<Outcome> = { readonly case: string } & Outcome

/** A promise of what was performed at once. */
export function promised<Outcome extends Named<unknown>>(outcome: Outcome): Promise<Outcome> {
  // Reading a field shows the compiler which shapes come by here, so that the promise need not look for a `then`.
  void outcome.case
  return Promise.resolve(outcome)
}

/** A select that waits. Each of its cases may be the one that settles it; the first is the only one. */
export interface Selection<in Outcome> {
  settle(outcome: Outcome): void
  fail(error: Error): void
}

/**
 * A case that is chosen once `delayMs` milliseconds of monotonic time have passed on `clock`.
 *
 * The time counts anew from each select, and no timer is left behind when another case wins. Even a delay
 * of zero is never ready at once: whatever else is ready goes first.
 *
 * @throws TypeError when `clock` is no clock; RangeError when `delayMs` is not a number.
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
