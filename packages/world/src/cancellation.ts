import { requireSignal } from './argument.ts'
import { afterTurnOfHost } from './scheduler.ts'

/**
 * One listener per AbortSignal, for any number of waits.
 *
 * A host searches the list of a signal's listeners for each one added, and warns from the eleventh on. A scope's signal
 * often has thousands of waits, so they are kept here instead. And most signals have one short wait after another, so
 * the listener of a signal without waits stays until the host's next turn: adding and removing it costs more than a
 * wait. It goes then, because hosts keep a derived signal alive while it has listeners.
 *
 * Invariants between any two calls: a signal with a hook has one listener of ours; one that has the listener but no hook
 * is in `quiet`. The hooks of a signal form a ring with `Hooks` itself, in the order in which they were added.
 */

/** A place in a ring. Alone, its own neighbour. */
class Place {
  before: Place = this
  after: Place = this
}

class Hooks extends Place {
  readonly #signal: AbortSignal
  #isListening = false
  #isQuiet = false

  constructor(signal: AbortSignal) {
    super()
    this.#signal = signal
  }

  add(hook: AbortHook): void {
    if (!this.#isListening) {
      this.#signal.addEventListener('abort', this.#run, once)
      this.#isListening = true
    }
    hook.before = this.before
    hook.after = this
    this.before.after = hook
    this.before = hook
  }

  remove(hook: AbortHook): void {
    const { before, after } = hook
    before.after = after
    after.before = before
    hook.before = hook
    hook.after = hook
    if (after === this && before === this && this.#isListening && !this.#isQuiet) {
      this.#isQuiet = true
      removeLater(this)
    }
  }

  /** Removes the listener unless a hook was added meanwhile. */
  removeListener(): void {
    this.#isQuiet = false
    if (this.after !== this) return
    this.#signal.removeEventListener('abort', this.#run)
    this.#isListening = false
  }

  // A hook may dispose of others on its way.
  readonly #run = (): void => {
    this.#isListening = false
    if (this.after !== this) heard.add(this.#signal)
    while (this.after !== this) {
      const hook = this.after as AbortHook
      this.remove(hook)
      hook.aborted(this.#signal.reason as Error)
    }
  }
}

/**
 * Waits for the abort of a signal, as `onAbort` does, and is itself what that calls: it saves a closure for each wait.
 *
 * @throws TypeError when the signal is no AbortSignal.
 */
export abstract class AbortHook extends Place implements Disposable {
  readonly #hooks: Hooks

  constructor(signal: AbortSignal) {
    super()
    this.#hooks = hooksFor(signal)
    this.#hooks.add(this)
  }

  /** Called once, during `abort()`, unless disposed before. It must not throw. */
  abstract aborted(reason: Error): void

  [Symbol.dispose](): void {
    if (this.after !== this) this.#hooks.remove(this)
  }
}

class CallbackHook extends AbortHook {
  readonly #callback: (reason: Error) => void

  constructor(signal: AbortSignal, callback: (reason: Error) => void) {
    super(signal)
    this.#callback = callback
  }

  override aborted(reason: Error): void {
    this.#callback(reason)
  }
}

const once = { once: true } as const

/** The signals that had a listener without hooks since the last turn. */
let quiet: Hooks[] = []

function removeLater(hooks: Hooks): void {
  if (quiet.length === 0) afterTurnOfHost(removeQuiet)
  quiet.push(hooks)
}

function removeQuiet(): void {
  const all = quiet
  quiet = []
  for (const hooks of all) hooks.removeListener()
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
  return new CallbackHook(signal, callback)
}

function hooksFor(signal: AbortSignal): Hooks {
  let hooks = hooksOf.get(signal)
  if (hooks === undefined) {
    requireSignal('onAbort', signal)
    hooks = new Hooks(signal)
    hooksOf.set(signal, hooks)
  }
  return hooks
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
