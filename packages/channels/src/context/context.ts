import { onAbort } from '@millrace/world'

/**
 * What goes down through every call that serves one request: until when, whether still, and for whom.
 *
 * A context ends at most once and never begins again. Contexts form a tree: what ends one ends all that were
 * derived from it, and nothing else. Code takes a `Context` to learn of the end; who derives one may also
 * bring the end about.
 *
 * A wait does not take a context but an AbortSignal, as everywhere in JavaScript: `jobs.receive(ctx.signal)`.
 *
 * Anyone may implement this interface, most easily by handing each question on to a context inside. Children
 * of such a context end with it like all others.
 *
 * The idea is Sameer Ajmani's `context` package of Go.
 */
export interface Context {
  /** The wall-clock time at which it ends at the latest, in milliseconds since the epoch, if it is set. */
  readonly deadline: number | undefined

  /**
   * Aborts when the context ends, with the cause as its reason.
   *
   * Made when it is first asked for: a tree that nobody waits on has no signals.
   */
  readonly signal: AbortSignal

  /**
   * How the context has ended: a `ContextCancelledError` or a `DeadlineExceededError`; undefined until then.
   *
   * A descendant that ended with its ancestor has the very error of the ancestor.
   */
  readonly error: Error | undefined

  /** Why it has ended: what was handed to `cancel`, or else `error`; undefined until then. */
  readonly cause: unknown

  /** The value that the nearest ancestor with this key holds, or undefined. */
  value<T>(key: ContextKey<T>): T | undefined

  /**
   * Calls back once when the context ends, during the call that ends it, unless disposed before.
   *
   * A context that has ended calls nothing: look at `error` first. Optional: where it is missing, children
   * listen to `signal`, which is then made. Programs use `afterFunc` and `doneCase`; this is for those who
   * implement contexts.
   */
  onEnd?(callback: () => void): Disposable

  /** For people: those of this package show the chain, as `background.withTimeout(500 ms).withValue(user)`. */
  toString(): string
}

/** A context that whoever derived it may end. Leaving the block of `using` ends it, which frees its parent. */
export interface CancellableContext extends Context, Disposable {
  /**
   * Ends this context and all derived from it before it returns. Only the first end counts.
   *
   * `cause` is for those who ask why. Without one, or with null, the cause is the error itself.
   */
  cancel(cause?: unknown): void
}

/**
 * Names a value of type `T` in contexts. Two keys are never equal, also with the same name, so packages need not
 * agree on names.
 *
 * @example
 * const user = new ContextKey<string>('user')
 * withValue(background, user, 'ada').value(user) // => 'ada'
 */
export class ContextKey<T> {
  /** What people see in messages and in the text form of a context. */
  readonly name: string
  /** Exists for the compiler alone, so that keys of different types are different types. */
  declare readonly type?: (value: T) => T

  constructor(name: string) {
    this.name = name
  }
}

/** Calls back when a context of any make ends. It must not have ended. */
export function onEnd(context: Context, callback: () => void): Disposable {
  return context.onEnd?.(callback) ?? onAbort(context.signal, callback)
}
