import { misfit } from '@millrace/world'
import { ContextKey, onEnd } from './context.ts'
import type { Context } from './context.ts'
import { Layer, requireContext, sourceOf } from './layer.ts'

/** One value added to a parent; otherwise it is its parent. */
class ValueContext extends Layer {
  readonly source: Context
  readonly #key: ContextKey<unknown>
  readonly #held: unknown

  constructor(parent: Context, key: ContextKey<unknown>, held: unknown) {
    super(parent)
    this.source = sourceOf(parent)
    this.#key = key
    this.#held = held
  }

  get word(): string {
    return `withValue(${this.#key.name})`
  }

  override get key(): ContextKey<unknown> {
    return this.#key
  }

  override get held(): unknown {
    return this.#held
  }

  get deadline(): number | undefined {
    return this.source.deadline
  }

  get signal(): AbortSignal {
    return this.source.signal
  }

  get error(): Error | undefined {
    return this.source.error
  }

  get cause(): unknown {
    return this.source.cause
  }

  onEnd(callback: () => void): Disposable {
    return onEnd(this.source, callback)
  }
}

/**
 * Returns a context with `value` under `key`, otherwise like `parent`.
 *
 * The nearest value wins; `undefined` and `null` hide an outer one, too. Use it for data of the request, such
 * as the user; not for optional parameters.
 *
 * @throws TypeError when `parent` is not a context, or `key` not a `ContextKey`.
 *
 * @example
 * const user = new ContextKey<string>('user')
 * const ctx = withValue(background, user, 'ada')
 * ctx.value(user) // => 'ada'
 */
export function withValue<T>(parent: Context, key: ContextKey<T>, value: NoInfer<T>): Context {
  requireContext(parent, 'withValue')
  if (!(key instanceof ContextKey))
    throw misfit('withValue', 'the key', key, 'one made with new ContextKey(name)')
  // The type of the value is checked by the compiler only.
  return new ValueContext(parent, key as unknown as ContextKey<unknown>, value)
}
