import { onAbort } from '@millrace/world'

/**
 * Deadline, cancellation and values, passed down through every call that serves one request.
 *
 * A context ends at most once. Contexts form a tree: an end also ends all derived contexts, and no others.
 * Code that receives a `Context` can observe its end; only the code that derived it can end it.
 *
 * Waits take an AbortSignal, not a context, as everywhere in JavaScript: `jobs.receive(ctx.signal)`.
 *
 * You may implement this interface, most easily by delegating to an inner context. Children of such a context
 * end with it like all others.
 *
 * From Sameer Ajmani's `context` package of Go.
 */
export interface Context {
  /** The wall-clock time of its latest end, in milliseconds since the epoch, if it is set. */
  readonly deadline: number | undefined

  /**
   * Aborts when the context ends, with the cause as its reason.
   *
   * Created when it is first read: a tree without waits has no signals.
   */
  readonly signal: AbortSignal

  /**
   * How the context has ended: a `ContextCancelledError` or a `DeadlineExceededError`; undefined until then.
   *
   * A descendant that ended with its ancestor has the ancestor's error.
   */
  readonly error: Error | undefined

  /** Why it has ended: the argument of `cancel`, or else `error`; undefined until then. */
  readonly cause: unknown

  /** The value of the nearest ancestor with this key, or undefined. */
  value<T>(key: ContextKey<T>): T | undefined

  /**
   * Calls back once when the context ends, during the call that ends it, unless disposed before.
   *
   * A context that has ended calls nothing: check `error` first. Optional: if it is missing, children listen
   * to `signal`, which is then created. Programs use `afterFunc` and `doneCase`; this is for implementers of
   * contexts.
   */
  onEnd?(callback: () => void): Disposable

  /**
   * For people: contexts of this package show the chain, as `background.withTimeout(500 ms).withValue(user)`.
   */
  toString(): string
}

/** A context that its creator may end. Leaving the block of `using` ends it, which frees its parent. */
export interface CancellableContext extends Context, Disposable {
  /**
   * Ends this context and all derived ones before it returns. Only the first end counts.
   *
   * `cause` becomes the context's cause. Without one, or with null, the cause is the error itself.
   */
  cancel(cause?: unknown): void
}

/**
 * Names a value of type `T` in contexts. Two keys are never equal, even with the same name, so packages need
 * not agree on names.
 *
 * @example
 * const user = new ContextKey<string>('user')
 * withValue(background, user, 'ada').value(user) // => 'ada'
 */
export class ContextKey<T> {
  /** Shown in messages and in the text form of a context. */
  readonly name: string
  /** For the compiler only: keys of different value types are different types. */
  declare readonly type?: (value: T) => T

  constructor(name: string) {
    this.name = name
  }
}

/** Calls back when any context ends. It must not have ended. */
export function onEnd(context: Context, callback: () => void): Disposable {
  return context.onEnd?.(callback) ?? onAbort(context.signal, callback)
}
