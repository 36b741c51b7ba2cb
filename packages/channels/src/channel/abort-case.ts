import type { Named, SelectCase, Selection } from './select-case.ts'
import { onAbort, requireSignal } from '@millrace/world'

/** What a case made by `aborted` reports. */
export interface Aborted {
  /** What the signal was aborted with. */
  readonly reason: unknown
}

/**
 * A case of select that is chosen once `signal` has aborted.
 *
 * Go's `case <-ctx.Done()`. The option `signal` of select is the usual way: it rejects. This case is for a task
 * that has something to do when it is told to stop.
 *
 * @throws TypeError when `signal` is no AbortSignal.
 *
 * @example
 * const chosen = await select({ job: jobs.receiveCase(), stop: aborted(signal) })
 * if (chosen.case === 'stop') cleanUp(chosen.reason)
 */
export function aborted(signal: AbortSignal): SelectCase<Aborted> {
  requireSignal('aborted', signal)
  return new AbortCase(signal)
}

class AbortCase implements SelectCase<Aborted> {
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  get waitsFor(): readonly [string, object] {
    return ['abort', this.#signal]
  }

  isReady(): boolean {
    return this.#signal.aborted
  }

  perform(name: string): Named<Aborted> {
    return { case: name, reason: this.#signal.reason }
  }

  park(name: string, selection: Selection<Named<Aborted>>): Disposable {
    return onAbort(this.#signal, (reason) => selection.settle({ case: name, reason }))
  }
}
