import { hasMethod, isSignal, misfit } from '@millrace/world'
import type { Context, ContextKey } from './context.ts'

/**
 * A context of this package, derived from its parent.
 *
 * Layers are iterated in loops, so a chain of any length needs no stack.
 */
export abstract class Layer implements Context {
  /** Where values come from that this layer does not have. */
  readonly parent: Context | undefined

  constructor(parent: Context | undefined) {
    this.parent = parent
  }

  abstract readonly deadline: number | undefined
  abstract readonly signal: AbortSignal
  abstract readonly error: Error | undefined
  abstract readonly cause: unknown
  abstract onEnd(callback: () => void): Disposable

  /** The context whose end is this one's: itself, unless it only adds a value. */
  abstract readonly source: Context

  /** This layer as a word: the text form of a context joins them. */
  abstract readonly word: string

  /** The key of this layer, and its value. */
  get key(): ContextKey<unknown> | undefined {
    return undefined
  }

  get held(): unknown {
    return undefined
  }

  value<T>(key: ContextKey<T>): T | undefined {
    return valueOf(this, key)
  }

  toString(): string {
    return wordsOf(this).join('.')
  }
}

function valueOf<T>(context: Context, key: ContextKey<T>): T | undefined {
  let at: Context | undefined = context
  for (; at instanceof Layer; at = at.parent) {
    if (at.key === key) return at.held as T // `withValue` checked that key and value belong together.
  }
  return at?.value(key)
}

function wordsOf(context: Context): string[] {
  const words: string[] = []
  let at: Context | undefined = context
  for (; at instanceof Layer; at = at.parent) words.unshift(at.word)
  if (at !== undefined) words.unshift(at.constructor.name)
  return words
}

/** The context whose end is the end of `context`. */
export function sourceOf(context: Context): Context {
  return context instanceof Layer ? context.source : context
}

/** Rejects values that plain JavaScript might pass in place of a context. */
export function requireContext(context: Context, operation: string, what = 'the parent'): void {
  if (context instanceof Layer) return
  if (context === null || context === undefined)
    throw misfit(operation, what, context, 'background if there is none')
  if (hasMethod(context, 'value')) return
  const { signal } = context as Partial<Context>
  if (isSignal(context)) throw misfit(operation, what, context, 'fromSignal(signal)')
  throw misfit(operation, what, context, isSignal(signal) ? 'fromSignal of its property signal' : 'a Context')
}
