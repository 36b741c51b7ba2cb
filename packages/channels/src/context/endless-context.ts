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

  // One signal serves all contexts that never end, as they never abort it.
  get signal(): AbortSignal {
    never ??= new AbortController().signal
    return never
  }

  onEnd(): Disposable {
    return nothing
  }
}

/** The root of every tree of contexts: it never ends, has no deadline and holds no values. */
export const background: Context = new EndlessContext('background', undefined)

/**
 * A context with the values of `parent` that does not end with it: for what must be done all the same.
 *
 * @throws TypeError when `parent` is no context.
 *
 * @example
 * using cleanup = withTimeout(withoutCancel(ctx), clock, 5_000)
 * await rollBack(cleanup)
 */
export function withoutCancel(parent: Context): Context {
  requireContext(parent, 'withoutCancel')
  return new EndlessContext('withoutCancel', parent)
}
