import type { Context } from './context.ts'
import { Layer, requireContext } from './layer.ts'

const nothing: Disposable = { [Symbol.dispose]: () => undefined }

let never: AbortSignal | undefined

/** A context that never ends. */
class EndlessContext extends Layer {
  readonly word: string
  readonly deadline = undefined
  readonly error = undefined
  readonly cause = undefined

  constructor(word: string, parent: Context | undefined) {
    super(parent)
    this.word = word
  }

  get source(): Context {
    return this
  }

  // One signal serves all endless contexts, as they never abort it.
  get signal(): AbortSignal {
    never ??= new AbortController().signal
    return never
  }

  onEnd(): Disposable {
    return nothing
  }
}

/** The root of every tree of contexts: it never ends, has no deadline and no values. */
export const background: Context = new EndlessContext('background', undefined)

/**
 * Returns a context with the values of `parent` that does not end with it: for work that must be done anyway.
 *
 * @throws TypeError when `parent` is not a context.
 *
 * @example
 * using cleanup = withTimeout(withoutCancel(ctx), clock, 5_000)
 * await rollBack(cleanup)
 */
export function withoutCancel(parent: Context): Context {
  requireContext(parent, 'withoutCancel')
  return new EndlessContext('withoutCancel', parent)
}
