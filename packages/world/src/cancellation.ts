import { requireSignal } from './argument.ts'

/**
 * One listener per AbortSignal, for any number of waits.
 *
 * A host searches the list of a signal's listeners for each one added, and warns from the eleventh on. A scope's signal
 * often has thousands of waits, so they are kept here instead.
 *
 * Invariants between any two calls: a signal has one listener of ours while at least one hook depends on it, and none
 * otherwise. The second half matters too: hosts keep a derived signal alive while it has listeners.
 */

class Hooks {
  readonly #signal: AbortSignal
  readonly #hooks = new Set<Hook>()

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(hook: Hook): void {
    if (this.#hooks.size === 0) this.#signal.addEventListener('abort', this.#run)
    this.#hooks.add(hook)
  }

  remove(hook: Hook): void {
    if (this.#hooks.delete(hook) && this.#hooks.size === 0)
      this.#signal.removeEventListener('abort', this.#run)
  }

  // A hook may dispose of others on its way; iterating the live set skips those.
  readonly #run = (): void => {
    heard.add(this.#signal)
    for (const hook of this.#hooks) {
      this.remove(hook)
      hook.callback(this.#signal.reason as Error)
    }
  }
}

class Hook implements Disposable {
  readonly callback: (reason: Error) => void
  readonly #hooks: Hooks

  constructor(hooks: Hooks, callback: (reason: Error) => void) {
    this.#hooks = hooks
    this.callback = callback
    hooks.add(this)
  }

  [Symbol.dispose](): void {
    this.#hooks.remove(this)
  }
}

const hooksOf = new WeakMap<AbortSignal, Hooks>()

/** Aborted signals whose reason was passed to a waiter. */
const heard = new WeakSet<AbortSignal>()

/** Whether the reason of `signal` was passed to a task: one whose wait it ended, or a later caller. */
export function wasHeard(signal: AbortSignal): boolean {
  return heard.has(signal)
}

/**
 * Calls `callback` with the reason once `signal` aborts, unless disposed before.
 *
 * The reason is the value the signal was aborted with, unchanged. Its type is Error because callers reject with it.
 *
 * Callbacks run in the order they were added, during `abort()`, and must not throw. A signal that has
 * already aborted calls nothing: check `aborted` first.
 *
 * @throws TypeError when `signal` is no AbortSignal.
 */
export function onAbort(signal: AbortSignal, callback: (reason: Error) => void): Disposable {
  let hooks = hooksOf.get(signal)
  if (hooks === undefined) {
    requireSignal('onAbort', signal)
    hooks = new Hooks(signal)
    hooksOf.set(signal, hooks)
  }
  return new Hook(hooks, callback)
}

/** Records that the reason of `signal` is passed on in a way this file does not see. */
export function markHeard(signal: AbortSignal): void {
  heard.add(signal)
}

/** A promise that rejects with the reason of `signal`, which has aborted. */
export async function refused(signal: AbortSignal): Promise<never> {
  heard.add(signal)
  throw signal.reason
}

/** Throws the reason of `signal` if it has aborted. */
export function refuseIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return
  heard.add(signal)
  signal.throwIfAborted()
}

/** A promise that rejects with `reason` as it is. Reasons of signals may be anything. */
export async function rejected(reason: unknown): Promise<never> {
  throw reason
}
