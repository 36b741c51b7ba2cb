import type { System } from './system.ts'

/** An error made in this file. Its stack shows where a stack trace enters a wait registry: see `Site` of channels. */
export const madeHere: Error = new Error('made in wait-registry')

/**
 * Observes every wait and every task of the program, and may delay them.
 *
 * In production there is none, and each place costs one load and one comparison. An inspector records who waits for
 * what; a simulator decides which task continues. Both need the same two moments: a task begins to wait, or an operation
 * completed without waiting. There is at most one, because two could not both decide the order.
 */
export interface WaitRegistry {
  /** Replaces `systemClock`, `systemRandom` and `systemScheduler`. Undefined leaves them as they are. */
  readonly system?: System | undefined
  /**
   * A task begins to wait on `on`; `kind` names the operation ("send", "sleep"). Replaces `new Promise(begin)`: the
   * functions passed to `begin` settle the promise, once, now or as late as the registry likes.
   */
  wait<T>(kind: string, on: object, begin: Begin<T>): Promise<T>
  /** An operation on `on` completed without waiting. Returns `outcome`, which has settled, or a later promise of it. */
  pass<T>(kind: string, on: object, outcome: Promise<T>): Promise<T>
  /** A task of `owner` starts. Replaces `task()`; its code up to its first wait runs during the call. */
  run<T>(task: () => Promise<T>, owner: object, name: string | undefined): Promise<T>
  /** A channel or a scope ("channel", "scope") was created. */
  created(kind: string, thing: object, name: string | undefined): void
  /** A scope has ended: its block was left and its tasks are over. */
  ended(thing: object): void
}

/** Starts a wait: stores the functions that settle the promise where the wait ends. */
export type Begin<T> = (resolve: (value: T) => void, reject: (reason: Error) => void) => void

/** The installed registry. Only `installWaitRegistry` sets it; all others compare it with undefined. */
// oxlint-disable-next-line import/no-mutable-exports -- read at every wait, and a binding is one load
export let waitRegistry: WaitRegistry | undefined

/**
 * Installs `registry` for every task and wait of this program until disposed. For inspectors and simulators.
 *
 * It does not see waits that began before.
 *
 * @throws Error when another registry is installed.
 */
export function installWaitRegistry(registry: WaitRegistry): Disposable {
  if (waitRegistry !== undefined) {
    throw new Error(
      'installWaitRegistry: an inspector or a simulator is already running; dispose of it first: only one can decide the order',
    )
  }
  waitRegistry = registry
  return {
    [Symbol.dispose]() {
      if (waitRegistry === registry) waitRegistry = undefined
    },
  }
}

/** Waits: a promise that `begin` gets the means to settle. Packages of Millrace wait in no other way. */
export function waiting<T>(kind: string, on: object, begin: Begin<T>): Promise<T> {
  return waitRegistry === undefined ? new Promise(begin) : waitRegistry.wait(kind, on, begin)
}

/** Returns `outcome` of an operation that completed without waiting, or the registry's promise of it. */
export function passing<T>(kind: string, on: object, outcome: Promise<T>): Promise<T> {
  return waitRegistry === undefined ? outcome : waitRegistry.pass(kind, on, outcome)
}

/** Starts a task of `owner`: `task()`, or the registry's promise of it. */
export function running<T>(task: () => Promise<T>, owner: object, name: string | undefined): Promise<T> {
  return waitRegistry === undefined ? task() : waitRegistry.run(task, owner, name)
}

/** Reports a new channel or scope to the registry. */
export function created(kind: string, thing: object, name: string | undefined): void {
  waitRegistry?.created(kind, thing, name)
}

/**
 * Returns the result of `make` without reporting what it creates. For things that a package keeps to itself: values left
 * in them at the end are no leak of the program. Waits on them are reported like all others.
 */
export function unlisted<T>(make: () => T): T {
  const watching = waitRegistry
  waitRegistry = undefined
  try {
    return make()
  } finally {
    waitRegistry = watching
  }
}
