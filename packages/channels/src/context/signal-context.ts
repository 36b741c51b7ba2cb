import { isSignal, misfit, onAbort, requireSignal } from '@millrace/world'
import { ContextCancelledError, DeadlineExceededError } from './context-error.ts'
import { background } from './endless-context.ts'
import type { Context } from './context.ts'
import { Layer, requireContext } from './layer.ts'

/** A context of an AbortSignal. It adds a listener to the signal only when needed. */
class SignalContext extends Layer {
  readonly word = 'fromSignal'
  readonly deadline = undefined
  readonly signal: AbortSignal
  #error: Error | undefined

  constructor(signal: AbortSignal) {
    super(background)
    this.signal = signal
  }

  get source(): Context {
    return this
  }

  get error(): Error | undefined {
    if (this.signal.aborted) this.#error ??= asError(this.signal.reason)
    return this.#error
  }

  get cause(): unknown {
    return this.signal.aborted ? (this.signal.reason ?? this.error) : undefined
  }

  onEnd(callback: () => void): Disposable {
    return onAbort(this.signal, callback)
  }
}

// The platform's own timeouts are recognized by their name.
function asError(reason: unknown): Error {
  if (reason instanceof ContextCancelledError || reason instanceof DeadlineExceededError) return reason
  const isTimeout = reason instanceof Error && reason.name === 'TimeoutError'
  return isTimeout ? new DeadlineExceededError(reason) : new ContextCancelledError(reason)
}

/**
 * Returns a context that ends when `signal` aborts; its cause is the signal's reason.
 *
 * Use it to enter from code with AbortSignals; `context.signal` is the way back. A reason named
 * `TimeoutError`, like that of `AbortSignal.timeout`, makes the error a `DeadlineExceededError`.
 *
 * @throws TypeError when `signal` is not an AbortSignal.
 *
 * @example
 * const ctx = withValue(fromSignal(request.signal), user, 'ada')
 */
export function fromSignal(signal: AbortSignal): Context {
  if (signal === null || signal === undefined) {
    throw misfit('fromSignal', 'the signal', signal, 'background instead if there is none')
  }
  requireSignal('fromSignal', signal)
  return new SignalContext(signal)
}

/**
 * The context of a value passed as a parent.
 *
 * @throws TypeError when it is neither a context nor an AbortSignal.
 */
export function parentContext(operation: string, parent: Context | AbortSignal | undefined): Context {
  if (parent === undefined) return background
  if (isSignal(parent)) return fromSignal(parent as AbortSignal)
  requireContext(parent as Context, operation)
  return parent as Context
}
