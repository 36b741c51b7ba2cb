import { rejected, requireClock, requireDelay } from '@millrace/world'
import type { Clock } from '@millrace/world'
import { Waiter, WaitQueue } from '../wait/wait-queue.ts'
import { ContextCancelledError, DeadlineExceededError } from './context-error.ts'
import { onEnd } from './context.ts'
import type { CancellableContext, Context } from './context.ts'
import { Layer, requireContext, sourceOf } from './layer.ts'

/**
 * The tree of contexts through which ends are passed down.
 *
 * Invariants between any two calls:
 *
 *  1. A context that has not ended is in the list of its source's children exactly once (if the source is one
 *     of these), or has one hook in its source (if it is a custom context).
 *  2. A context that has ended is in no list, has no hook in its source, no timer and no children.
 *  3. When a context has ended, so have all its descendants, with the same error and cause unless they had
 *     ended before.
 *
 * An end has two passes. The first visits the whole tree and only marks; the second aborts signals and calls
 * callbacks, which are user code. So that code sees the whole tree ended, and if it throws the other
 * callbacks still run.
 */
class CancelContext extends Layer implements CancellableContext {
  readonly word: string
  readonly deadline: number | undefined
  #end: End | undefined
  #place: Disposable | undefined
  #timer: Disposable | undefined
  // Most contexts are leaves without a signal, so everything else is created lazily.
  #children: WaitQueue<Child> | undefined
  #callbacks: WaitQueue<EndCallback> | undefined
  #controller: AbortController | undefined

  constructor(parent: Context, word: string, deadline: number | undefined) {
    super(parent)
    this.word = word
    this.deadline = deadline
    const source = sourceOf(parent)
    if (source instanceof CancelContext) {
      this.#end = source.#end
      if (this.#end === undefined) this.#place = source.#adopt(this)
    } else {
      if (source.error !== undefined) this.#end = endOf(source)
      else this.#place = onEnd(source, () => this.#endAs(endOf(source)))
    }
  }

  get source(): Context {
    return this
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#end !== undefined) this.#controller.abort(this.#end.cause)
    }
    return this.#controller.signal
  }

  get error(): Error | undefined {
    return this.#end?.error
  }

  get cause(): unknown {
    return this.#end?.cause
  }

  onEnd(callback: () => void): Disposable {
    const waiter = new Waiter(undefined, callback)
    this.#callbacks ??= new WaitQueue()
    this.#callbacks.join(waiter)
    return waiter
  }

  cancel(cause?: unknown): void {
    if (this.#end === undefined) this.#endAs(new End(undefined, cause))
  }

  [Symbol.dispose](): void {
    this.leave()
  }

  /** Cancels with an error without a stack. */
  leave(): void {
    if (this.#end === undefined) this.#endAs(new End(undefined, undefined, false))
  }

  /** Ends the context in `delayMs`; at once if that is zero or less. */
  expire(clock: Clock, delayMs: number, cause: unknown): void {
    if (this.#end !== undefined || delayMs === Infinity) return
    const end = (): void => this.#endAs(new End(new DeadlineExceededError(cause, delayMs), cause))
    if (delayMs <= 0) end()
    else this.#timer = clock.schedule(delayMs, end)
  }

  #adopt(child: CancelContext): Disposable {
    const place = new Waiter(undefined, child)
    this.#children ??= new WaitQueue()
    this.#children.join(place)
    return place
  }

  #endAs(end: End): void {
    if (this.#end !== undefined) return
    const ended: CancelContext[] = [this]
    for (const context of ended) context.#mark(end, ended)
    for (const context of ended) context.#tell(end)
  }

  // Adds the children to the list that the caller iterates over.
  #mark(end: End, ended: CancelContext[]): void {
    this.#end = end
    this.#place?.[Symbol.dispose]()
    this.#place = undefined
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    const children = this.#children
    if (children === undefined) return
    this.#children = undefined
    for (let child = children.shift(); child; child = children.shift()) ended.push(child.value)
  }

  #tell(end: End): void {
    this.#controller?.abort(end.cause)
    const callbacks = this.#callbacks
    if (callbacks === undefined) return
    this.#callbacks = undefined
    for (let waiter = callbacks.shift(); waiter; waiter = callbacks.shift()) {
      try {
        waiter.value()
      } catch (error) {
        // As with a listener of a signal: the error is reported as uncaught, and the other callbacks run.
        void rejected(error)
      }
    }
  }
}

/**
 * Ends a context of `withCancel` because its work is over. Its error has no stack: to capture one costs more than the
 * rest of the end, and shows no more than the line that left the block.
 */
export function leave(context: CancellableContext): void {
  ;(context as CancelContext).leave()
}

function cancelledWithoutStack(): ContextCancelledError {
  const limit: unknown = Reflect.get(Error, 'stackTraceLimit')
  // Hosts may have frozen it; then the error has a stack.
  Reflect.set(Error, 'stackTraceLimit', 0)
  const error = new ContextCancelledError()
  Reflect.set(Error, 'stackTraceLimit', limit)
  return error
}

/** How a context has ended. A whole tree shares one. */
class End {
  readonly #cause: unknown
  readonly #hasStack: boolean
  #error: Error | undefined

  constructor(error: Error | undefined, cause: unknown, hasStack = true) {
    this.#error = error
    this.#cause = cause
    this.#hasStack = hasStack
  }

  // An error captures its stack, which costs more than the rest of an end; and most contexts end because
  // their block was left, and their error is never read.
  get error(): Error {
    this.#error ??= this.#hasStack ? new ContextCancelledError(this.#cause) : cancelledWithoutStack()
    return this.#error
  }

  get cause(): unknown {
    return this.#cause ?? this.error
  }
}

/** How a custom context has ended. It may provide less than required. */
function endOf(context: Context): End {
  return new End(context.error, context.cause)
}

/** The node of a context among the children of its source. */
type Child = Waiter<undefined, CancelContext>

/** A callback for the end. */
type EndCallback = Waiter<undefined, () => void>

/**
 * Returns a context that ends when it is cancelled or `parent` ends.
 *
 * Cancel it when the work is over, also after success: until then the parent keeps a reference. `using` does
 * that.
 *
 * @throws TypeError when `parent` is not a context.
 *
 * @example
 * using ctx = withCancel(background)
 * const first = jobs.receive(ctx.signal)
 * ctx.cancel(new Error('closing')) // => `first` rejects with that error
 */
export function withCancel(parent: Context): CancellableContext {
  requireContext(parent, 'withCancel')
  return new CancelContext(parent, 'withCancel', parent.deadline)
}

/**
 * Returns a context that also ends once `delayMs` milliseconds of monotonic time have passed on `clock`.
 *
 * Then its error is a `DeadlineExceededError`, and its cause is `cause` or else the error. A delay of zero or
 * less ends it at once. The parent's end takes effect first if it is earlier. Ending it early frees the
 * timer.
 *
 * @throws TypeError when `parent` is not a context or `clock` not a clock; RangeError when `delayMs` is not a
 * number.
 *
 * @example
 * using ctx = withTimeout(background, systemClock, 500)
 * const reply = await replies.receive(ctx.signal)
 */
export function withTimeout(
  parent: Context,
  clock: Clock,
  delayMs: number,
  cause?: unknown,
): CancellableContext {
  requireContext(parent, 'withTimeout')
  requireClock('withTimeout', clock)
  requireDelay('withTimeout', 'delayMs', delayMs)
  return expiring(parent, `withTimeout(${delayMs} ms)`, clock, delayMs, cause)
}

/**
 * Returns a context that also ends when the wall clock of `clock` shows `atMs`, milliseconds since the epoch.
 *
 * The delay is computed now: a later jump of the wall clock does not move the end. Otherwise it is like
 * `withTimeout`.
 *
 * @throws TypeError when `parent` is not a context or `clock` not a clock; RangeError when `atMs` is not a
 * number.
 */
export function withDeadline(
  parent: Context,
  clock: Clock,
  atMs: number,
  cause?: unknown,
): CancellableContext {
  requireContext(parent, 'withDeadline')
  requireClock('withDeadline', clock)
  requireDelay('withDeadline', 'atMs', atMs, 'milliseconds since the Unix epoch')
  return expiring(parent, `withDeadline(${atMs})`, clock, atMs - clock.now(), cause)
}

// The timer is set even if the parent's deadline is earlier: the wall clock by which deadlines compare may
// have jumped between the two.
function expiring(
  parent: Context,
  word: string,
  clock: Clock,
  delayMs: number,
  cause: unknown,
): CancellableContext {
  const deadline = Math.min(clock.now() + delayMs, parent.deadline ?? Infinity)
  const context = new CancelContext(parent, word, deadline === Infinity ? undefined : deadline)
  context.expire(clock, delayMs, cause)
  return context
}
