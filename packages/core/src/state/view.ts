import { MillraceError } from '../errors/errors.ts'
import type { Change, UpsertKind } from '../record/change.ts'
import { keyToken, tokenKey } from '../record/key-token.ts'
import type { Key } from '../record/key.ts'
import type { StateTable } from './state-store.ts'

/** What a subscriber of a view gets. */
export type ViewUpdate<T, K> =
  /** Rows have changed, in this order. */
  | { readonly kind: 'changed'; readonly changes: readonly Change<T, K, UpsertKind>[] }
  /** The job has started, or restarted from a checkpoint: what was read before is void. Read the view again. */
  | { readonly kind: 'restored' }

/**
 * The rows of a table, for the program that runs the job: read synchronously, without a copy and without the network.
 *
 * Reads are of the latest state, which is not committed yet: after a failure the view is that of the last checkpoint, and
 * records since then are processed again. Between two turns of the event loop it does not change. Do not change its rows.
 *
 * Reads throw `JOB_FAILED` while the job starts or restarts, and once it has ended.
 */
export interface View<T, K> {
  readonly name: string
  /** How many rows there are. */
  readonly size: number
  /** Resolves once the view can be read. Rejects with `JOB_FAILED` if the job ends before. */
  ready(): Promise<void>
  /** The row of a key; undefined if there is none. */
  get(key: K): T | undefined
  /** Every row with its key, for each subtask in the order in which its rows were inserted. */
  entries(): IterableIterator<[K, T]>
  /**
   * Calls `listener` with what changes from now on, until the result is disposed. To have all rows and then each change once,
   * subscribe and call `entries` in the same turn of the event loop. The listener must not throw.
   *
   * @example
   * using _ = totals.subscribe((update) => {
   *   if (update.kind === 'changed') for (const { kind, key, value } of update.changes) send({ kind, key, value })
   * })
   */
  subscribe(listener: (update: ViewUpdate<T, K>) => void): Disposable
}

/** Rows are stored by their key alone. */
const oneOuter = 0

/**
 * A view as the engine uses it. The tables are those of the operator's subtasks, which all run in the thread of the program,
 * so no row is kept twice.
 *
 * Invariant: it can be read exactly between `opened` and `closed`. Its tables are loaded then.
 */
export class OperatorView implements View<unknown, Key> {
  readonly name: string
  readonly #tables = new Map<number, StateTable<unknown>>()
  readonly #listeners = new Set<(update: ViewUpdate<unknown, Key>) => void>()
  #waiting: { readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []
  /** What the job does instead of running; undefined while it can be read. */
  #obstacle: string | undefined = 'starting'
  /** What listeners get at the end of this turn. */
  #changes: Change<unknown, Key, UpsertKind>[] = []

  constructor(name: string) {
    this.name = name
  }

  get size(): number {
    return this.#open().reduce((sum, table) => sum + table.size, 0)
  }

  ready(): Promise<void> {
    if (this.#obstacle === undefined) return Promise.resolve()
    if (this.#obstacle === ended) return Promise.reject(this.#unreadable())
    return new Promise((resolve, reject) => void this.#waiting.push({ resolve, reject }))
  }

  get(key: Key): unknown {
    const token = keyToken(key)
    for (const table of this.#open()) {
      const cell = table.find(oneOuter, token)
      if (cell !== undefined) return cell.value
    }
    return undefined
  }

  entries(): IterableIterator<[Key, unknown]> {
    return entriesOf(this.#open())
  }

  subscribe(listener: (update: ViewUpdate<unknown, Key>) => void): Disposable {
    // Changes of this turn are in what the subscriber reads now.
    this.#deliver()
    const own: typeof listener = (update) => listener(update)
    this.#listeners.add(own)
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) }
  }

  /** Adds the table of one subtask of its operator, in place of that of an earlier start. */
  attach(subtask: number, table: StateTable<unknown>): void {
    this.#tables.set(subtask, table)
  }

  /** Passes a change on to subscribers, once the current work is done. */
  changed(change: Change<unknown, Key, UpsertKind>): void {
    if (this.#listeners.size === 0) return
    this.#changes.push(change)
    if (this.#changes.length === 1) queueMicrotask(() => this.#deliver())
  }

  /** The tables are loaded: it can be read. */
  opened(): void {
    this.#obstacle = undefined
    for (const listener of this.#listeners) listener({ kind: 'restored' })
    for (const { resolve } of this.#waiting.splice(0)) resolve()
  }

  /** The attempt of the job is over or ends now, and its tables with it. */
  closed(obstacle: 'ending' | 'restarting' | typeof ended): void {
    this.#obstacle = obstacle
    this.#tables.clear()
    this.#changes = []
    if (obstacle === ended) for (const { reject } of this.#waiting.splice(0)) reject(this.#unreadable())
  }

  #deliver(): void {
    const changes = this.#changes
    if (changes.length === 0) return
    this.#changes = []
    for (const listener of this.#listeners) listener({ kind: 'changed', changes })
  }

  #open(): readonly StateTable<unknown>[] {
    if (this.#obstacle !== undefined) throw this.#unreadable()
    return [...this.#tables.values()]
  }

  #unreadable(): MillraceError {
    const advice = this.#obstacle === ended ? 'read it while the job runs' : 'wait for view.ready()'
    return new MillraceError(
      'JOB_FAILED',
      `view '${this.name}' cannot be read: the job ${this.#obstacle === ended ? 'has ended' : `is ${this.#obstacle}`}; ${advice}`,
    )
  }
}

const ended = 'ended'

function* entriesOf(tables: readonly StateTable<unknown>[]): IterableIterator<[Key, unknown]> {
  for (const table of tables) {
    for (const { inner, value } of table.cells(oneOuter)) yield [tokenKey(inner), value]
  }
}
