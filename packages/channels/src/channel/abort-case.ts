import type { Named, SelectCase, Selection } from './select-case.ts'
import { onAbort, requireSignal } from '@millrace/world'

/** The result of a case made by `aborted`. */
export interface Aborted {
  /** The reason of the abort. */
  readonly reason: unknown
}

/**
 * A case of select that is chosen once `signal` has aborted.
 *
 * Go's `case <-ctx.Done()`. Usually pass `signal` as an option of select instead, which rejects. Use this
 * case for a task that must act when it is stopped.
 *
 * @throws TypeError when `signal` is not an AbortSignal.
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
