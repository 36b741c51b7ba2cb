import type { Named, SelectCase, Selection } from '../channel/select-case.ts'
import { onEnd } from './context.ts'
import type { Context } from './context.ts'
import { requireContext } from './layer.ts'

/**
 * Returns a case that is ready once `context` has ended.
 *
 * For a select that continues when the context ends. If it should fail then, pass the context's signal as an
 * option instead.
 *
 * @throws TypeError when `context` is not a context.
 *
 * @example
 * const chosen = await select({ job: jobs.receiveCase(), done: doneCase(ctx) })
 * if (chosen.case === 'done') return summary(ctx.cause)
 */
export function doneCase(context: Context): SelectCase {
  requireContext(context, 'doneCase', 'the context')
  return new DoneCase(context)
}

class DoneCase implements SelectCase {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  get waitsFor(): readonly [string, object] {
    return ['end of context', this.#context]
  }

  isReady(): boolean {
    return this.#context.error !== undefined
  }

  perform(name: string): Named<unknown> {
    return { case: name }
  }

  park(name: string, selection: Selection<Named<unknown>>): Disposable {
    return onEnd(this.#context, () => selection.settle({ case: name }))
  }
}
