import { requireMethods } from '../wait/argument.ts'
import { installWaitRegistry, systemClock } from '@millrace/world'
import type { Begin, WaitRegistry } from '@millrace/world'
import { Roster } from './roster.ts'
import type { RosterOptions, WatchedWait } from './roster.ts'

/** Watches every task, wait, channel and scope from now on, until disposed. */
export class Inspector implements Disposable {
  readonly #roster: Roster
  readonly #watch: Disposable

  /** Use `inspect`. */
  constructor(roster: Roster) {
    this.#roster = roster
    this.#watch = installWaitRegistry(new Bookkeeper(roster))
  }

  /** The pending waits, in the order in which they began. */
  get waits(): readonly WatchedWait[] {
    return this.#roster.waits
  }

  /** Every task and every pending wait as text: which task waits on what, since when, and at which line. */
  dump(): string {
    return this.#roster.dump()
  }

  /**
   * What a program or a test has left at its end, one line each: tasks that have not ended, waits, scopes that were not
   * left, channels with values that were never received.
   */
  leaks(): readonly string[] {
    return this.#roster.leaks()
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]()
    this.#roster[Symbol.dispose]()
  }
}

/**
 * Begins to watch the tasks of this program. Earlier tasks and waits are not recorded.
 *
 * A program without an inspector pays nothing. An inspected program pays a stack trace for each
 * wait: a few microseconds.
 *
 * `options.context` attributes each wait to its task; on Node, `inspectProcess` of `@millrace/node` passes one.
 *
 * @throws Error when an inspector or a simulator watches already.
 *
 * @example
 * using inspector = inspect()
 * void new Channel<string>(0, 'jobs').receive()
 * inspector.leaks().length // => 1
 */
export function inspect({ clock = systemClock, context }: Partial<RosterOptions> = {}): Inspector {
  requireMethods('inspect', 'the clock', clock, ['monotonic'], 'a Clock, such as systemClock')
  return new Inspector(new Roster({ clock, context }))
}

/** Records everything and delays nothing. */
class Bookkeeper implements WaitRegistry {
  readonly #roster: Roster

  constructor(roster: Roster) {
    this.#roster = roster
  }

  wait<T>(kind: string, on: object, begin: Begin<T>): Promise<T> {
    const wait = this.#roster.begin(kind, on)
    return new Promise((resolve, reject) => {
      const fail = (reason: Error): void => {
        this.#roster.end(wait)
        reject(reason)
      }
      try {
        begin((value) => {
          this.#roster.end(wait)
          resolve(value)
        }, fail)
      } catch (error) {
        // What cannot begin has ended: a wait under a signal that has aborted.
        fail(error as Error)
      }
    })
  }

  pass<T>(_kind: string, _on: object, outcome: Promise<T>): Promise<T> {
    return outcome
  }

  run<T>(task: () => Promise<T>, _owner: object, name: string | undefined): Promise<T> {
    return this.#roster.run(task, name)
  }

  created(kind: string, thing: object, name: string | undefined): void {
    this.#roster.created(kind, thing, name)
  }

  ended(thing: object): void {
    this.#roster.ended(thing)
  }
}
