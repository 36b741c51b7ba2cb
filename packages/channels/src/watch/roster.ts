import type { Clock } from '@millrace/world'
import { HandOff } from '../channel/hand-off.ts'
import type { SelectCases } from '../channel/select.ts'
import { Site } from './site.ts'

/** A task: code that was started in a scope, with everything it calls. */
export interface WatchedTask {
  readonly name: string
  /** The line that started it. */
  readonly site: Site
}

/** A pending wait. */
export interface WatchedWait {
  /** The operation that waits: "send", "receive", "select", "sleep" ... */
  readonly kind: string
  readonly on: object
  /** Undefined for code that no scope has started. */
  readonly task: WatchedTask | undefined
  /** When it began, in milliseconds of the roster's monotonic clock. */
  readonly sinceMs: number
  /** The line that waits. */
  readonly site: Site
}

/**
 * Knows which task runs. Node's `AsyncLocalStorage` fits directly; without one a roster knows every wait, but not its
 * task.
 */
export interface TaskContext {
  run<T>(task: WatchedTask, code: () => T): T
  getStore(): WatchedTask | undefined
  /** Ends its overhead: in Node 20 every promise of a process is slower between the first `run` and this call. */
  disable?(): void
}

/** The parts of the environment that a roster needs. */
export interface RosterOptions {
  readonly clock: Pick<Clock, 'monotonic'>
  readonly context?: TaskContext | undefined
}

/** A created channel or scope. */
interface Thing {
  readonly kind: string
  readonly label: string
  readonly site: Site
  /** A roster keeps no task alive. */
  readonly ref: WeakRef<object>
}

/**
 * A record of every task, what it waits for and since when, and of every channel and scope with the line that created
 * it.
 *
 * An inspector or a simulator reports the events to it.
 */
export class Roster implements Disposable {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #context: TaskContext | undefined
  readonly #tasks = new Set<WatchedTask>()
  readonly #waits = new Set<WatchedWait>()
  readonly #things = new Set<Thing>()
  readonly #thingOf = new WeakMap<object, Thing>()
  readonly #forgetting = new FinalizationRegistry<Thing>((thing) => this.#things.delete(thing))
  #made = 0

  constructor({ clock, context }: RosterOptions) {
    this.#clock = clock
    this.#context = context
  }

  /** Called when no more events follow. The record can still be read, but the current task is unknown. */
  [Symbol.dispose](): void {
    this.#context?.disable?.()
  }

  /** The pending waits, in the order in which they began. */
  get waits(): readonly WatchedWait[] {
    return [...this.#waits]
  }

  /** The task whose code runs now; undefined for code that no scope has started. */
  get running(): WatchedTask | undefined {
    return this.#context?.getStore()
  }

  /** Records the begin of a wait. */
  begin(kind: string, on: object): WatchedWait {
    const sinceMs = this.#clock.monotonic()
    const wait: WatchedWait = { kind, on, task: this.running, sinceMs, site: new Site() }
    this.#waits.add(wait)
    return wait
  }

  /** Records the end of a wait. */
  end(wait: WatchedWait): void {
    this.#waits.delete(wait)
  }

  /** Starts a task, which ends when its promise has settled. Watching it adds no delay. */
  run<T>(task: () => Promise<T>, name: string | undefined): Promise<T> {
    const watched: WatchedTask = { name: name ?? `task ${++this.#made}`, site: new Site() }
    const forget = (): void => void this.#tasks.delete(watched)
    const outcome = this.#context === undefined ? task() : this.#context.run(watched, task)
    this.#tasks.add(watched)
    // What is no promise, as plain JavaScript may return it, is waited for like one.
    Promise.resolve(outcome).then(forget, forget)
    return outcome
  }

  /** Records a new channel or scope. */
  created(kind: string, object: object, name: string | undefined): void {
    const label = name === undefined ? `${kind} ${++this.#made}` : `${kind} "${name}"`
    const thing = { kind, label, site: new Site(), ref: new WeakRef(object) }
    this.#things.add(thing)
    this.#thingOf.set(object, thing)
    this.#forgetting.register(object, thing)
  }

  /** Records the end of a scope. */
  ended(object: object): void {
    const thing = this.#thingOf.get(object)
    if (thing !== undefined) this.#things.delete(thing)
  }

  /**
   * Every task and every pending wait as text, as Go prints its goroutines.
   *
   * @example
   * roster.dump()
   * // 1 task, 1 wait
   * // "worker", started at app.ts:9
   * //   receive on channel "jobs" (0 of 8, made at app.ts:3) since 1200 ms, at app.ts:14
   */
  dump(): string {
    const of = (task: WatchedTask | undefined): WatchedWait[] =>
      [...this.#waits].filter((wait) => wait.task === task)
    const lines = [`${count(this.#tasks.size, 'task')}, ${count(this.#waits.size, 'wait')}`]
    const outside = of(undefined)
    if (outside.length > 0) lines.push('outside of every scope', ...outside.map((wait) => this.#line(wait)))
    for (const task of this.#tasks) {
      const waits = of(task)
      lines.push(`"${task.name}", started at ${task.site.place}`)
      if (waits.length === 0) lines.push('  runs, or waits for a promise that is no operation of a channel')
      lines.push(...waits.map((wait) => this.#line(wait)))
    }
    return lines.join('\n')
  }

  /**
   * What is left at the end of a program or a test: waits, tasks that have not ended, scopes that were not left,
   * channels with unreceived values. One line each; empty if nothing is left.
   */
  leaks(): readonly string[] {
    const leaks = [...this.#tasks].map(
      (task) => `"${task.name}", started at ${task.site.place}, has not ended`,
    )
    for (const wait of this.#waits) {
      const who = wait.task === undefined ? 'code outside of every scope' : `"${wait.task.name}"`
      leaks.push(`${who} still waits: ${this.#line(wait).trim()}`)
    }
    for (const { kind, label, site, ref } of this.#things) {
      const object = ref.deref()
      if (kind === 'scope')
        leaks.push(`${label}, made at ${site.place}, was not left; make it with await using`)
      if (object instanceof HandOff && object.length > 0) {
        leaks.push(
          `${label}, made at ${site.place}, holds ${count(object.length, 'value')} that were never received`,
        )
      }
    }
    return leaks
  }

  #line({ kind, on, sinceMs, site }: WatchedWait): string {
    const ms = Math.round(this.#clock.monotonic() - sinceMs)
    return `  ${this.#waitingFor(kind, on)} since ${ms} ms, at ${site.place}`
  }

  #waitingFor(kind: string, on: object): string {
    if (kind === 'select') return `select ${this.#cases(on as SelectCases)}`
    const thing = this.#thingOf.get(on)
    if (thing === undefined) return kind
    const room =
      on instanceof HandOff ? `${on.length} of ${on.capacity}${on.isClosed ? ', closed' : ''}, ` : ''
    return `${kind} on ${thing.label} (${room}made at ${thing.site.place})`
  }

  #cases(cases: SelectCases): string {
    const texts = Object.entries(cases).map(([name, each]) => {
      const text = each?.waitsFor === undefined ? 'never' : this.#waitingFor(...each.waitsFor)
      return `${name}: ${text}`
    })
    return `{ ${texts.join('; ')} }`
  }
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}
