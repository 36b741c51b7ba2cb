import type { Clock } from '../world/clock.ts'
import type { Random } from '../world/random.ts'
import type { Scheduler } from '../world/scheduler.ts'

/** This file within its package, without its ending: where stack traces cross from the package to an overseer. */
export const entryFile = 'wait/overseer'

/**
 * One place from which every wait and every task of this package can be watched, and held back.
 *
 * In production nobody watches, and each place costs one load and one comparison. An inspector notes who waits for
 * what; a simulator decides who goes on next. Both need the same two moments: a task begins to wait, or it could have
 * waited and did not have to. There is at most one overseer, because two could not both decide the order.
 */
export interface Overseer {
  /**
   * What stands for `systemClock`, `systemRandom` and `systemScheduler` meanwhile. Undefined leaves them as they are.
   */
  readonly system?: System | undefined
  /**
   * A task begins to wait on `on`, as `kind` says ("send", "sleep"). Stands for `new Promise(begin)`: what `begin` is
   * handed settles the promise, once, now or as late as the overseer likes.
   */
  wait<T>(kind: string, on: object, begin: Begin<T>): Promise<T>
  /** An operation on `on` that did not have to wait. Stands for `outcome`, which has settled. */
  pass<T>(kind: string, on: object, outcome: Promise<T>): Promise<T>
  /** Stands for `task()`: a task of `owner` starts. Its code up to its first wait runs during the call. */
  run<T>(task: () => Promise<T>, owner: object, name: string | undefined): Promise<T>
  /** A channel or a scope ("channel", "scope") was made. */
  created(kind: string, thing: object, name: string | undefined): void
  /** A scope has ended: its block was left and its tasks are over. */
  ended(thing: object): void
}

/** Time, chance and turns, as a whole program has them. */
export interface System {
  readonly clock: Clock
  readonly random: Random
  readonly scheduler: Scheduler
}

/** What a wait does first: it joins a line, and hands the line what settles the promise. */
export type Begin<T> = (resolve: (value: T) => void, reject: (reason: Error) => void) => void

/** Who watches now. Only `oversee` sets it; everyone else compares it with undefined. */
// oxlint-disable-next-line import/no-mutable-exports -- read at every wait, and a binding is one load
export let overseer: Overseer | undefined

/**
 * Lets `next` watch over every task and wait of this program until disposed. For inspectors and simulators.
 *
 * Waits that began before are not seen.
 *
 * @throws Error when somebody watches already.
 */
export function oversee(next: Overseer): Disposable {
  if (overseer !== undefined)
    throw new Error('oversee: another overseer is at work; dispose of it first, they cannot both decide')
  overseer = next
  return {
    [Symbol.dispose]() {
      if (overseer === next) overseer = undefined
    },
  }
}

/** A promise that `begin` hands to a line: the one way to wait in this package. */
export function waiting<T>(kind: string, on: object, begin: Begin<T>): Promise<T> {
  return overseer === undefined ? new Promise(begin) : overseer.wait(kind, on, begin)
}

/** What an operation that did not have to wait returns: `outcome`, or what the overseer makes of it. */
export function passing<T>(kind: string, on: object, outcome: Promise<T>): Promise<T> {
  return overseer === undefined ? outcome : overseer.pass(kind, on, outcome)
}

/** A task of `owner` starts: `task()`, or what the overseer makes of it. */
export function running<T>(task: () => Promise<T>, owner: object, name: string | undefined): Promise<T> {
  return overseer === undefined ? task() : overseer.run(task, owner, name)
}

/** A channel or a scope was made. */
export function created(kind: string, thing: object, name: string | undefined): void {
  overseer?.created(kind, thing, name)
}

/**
 * Returns what `make` makes, without telling anybody that it was made: a thing that this package keeps to itself. What
 * lies in it at the end is no leak of the program's. Waits for it are seen like all others.
 */
export function unlisted<T>(make: () => T): T {
  const watching = overseer
  overseer = undefined
  try {
    return make()
  } finally {
    overseer = watching
  }
}
