import type { View } from '@millrace/core/job'
import type { Pipeline, ViewsOf } from '@millrace/flow'
import { pathOf } from '../contract/routes.ts'
import type { PeekRecord } from '../contract/peek.ts'
import type { StateAnswer, StateChange, StateEntry, StatePage, StateRead } from '../contract/state.ts'
import { fromExactJson } from '../state/exact-json.ts'
import {
  againMs,
  Connection,
  keyText,
  pause,
  StateRequestError,
  unavailable,
  type ClientOptions,
} from './connection.ts'
import { peek, type PeekOptions } from './peek.ts'
import { eventsOf } from './server-events.ts'

/** The views that a pipeline declares, by name: none if it declares none. */
type DeclaredBy<Program> =
  Program extends Pipeline<infer Declared>
    ? string extends keyof ViewsOf<Declared>
      ? NoViews
      : ViewsOf<Declared>
    : NoViews

type NoViews = Readonly<Record<never, never>>

/** The state of a view. */
type ViewState<Declared> =
  Declared extends View<infer Value, infer Key> ? OperatorState<Value, Key> : OperatorState<unknown, string>

/** A running job of the pipeline `Program`. */
export interface JobClient<Program = Pipeline> {
  /**
   * What a view keeps that the pipeline returns from its build function. Keys and values have the types of its table.
   *
   * @example
   * const perCustomer = client<typeof shop>('http://127.0.0.1:9090').state('per-customer')
   * await perCustomer.get('c1') // => { key: 'c1', n: 2 }
   */
  state<Name extends keyof DeclaredBy<Program> & string>(view: Name): ViewState<DeclaredBy<Program>[Name]>
  /**
   * What an operator keeps. The types are the caller's word: nothing checks them.
   *
   * @example
   * const perCard = client('http://127.0.0.1:9090').state<{ n: number }>('per-card')
   * await perCard.get('4929') // => { n: 12 }
   */
  state<Value = unknown, Key = string>(operator: string): OperatorState<Value, Key>
  /**
   * Records that an operator emits, as they pass: a sample. Ends with `limit`, `seconds`, the job, `signal`, or when the loop is left. Rejects
   * with `StateRequestError` where the API refuses it.
   *
   * @example
   * for await (const { key, value } of client(url, { token }).peek('per-card', { key: '4929', limit: 5 })) console.log(key, value)
   */
  peek(operator: string, options?: PeekOptions): AsyncIterable<PeekRecord>
}

/** Which state is read. */
export interface ReadOptions {
  /** One piece of the operator's state. Default: all. */
  readonly table?: string
  /** `latest`: as the operator sees it, not committed yet; `checkpoint`: as of the newest checkpoint. Default `latest`. */
  readonly read?: StateRead
  /**
   * Whether a copy will do while the state moves to another worker, if one keeps a copy: what it was at a checkpoint some seconds ago. Default
   * false.
   */
  readonly stale?: boolean
  /**
   * The number of a checkpoint that the state contains at least: it waits for it for five seconds, and rejects with the status 503 then. For
   * a job that one process runs.
   */
  readonly atLeast?: number
}

/**
 * Which keys a scan returns. State is not in the order of keys: `prefix`, `from` and `to` are compared with every key, 10,000
 * values in one request.
 */
export interface ScanOptions extends ReadOptions {
  /** Only keys that are text and begin so. */
  readonly prefix?: string
  /** Only keys from `from` on and before `to`: both text, or both numbers. */
  readonly from?: string | number
  readonly to?: string | number
  /** How many values at most. Default: all. */
  readonly limit?: number
}

/** One value that an operator keeps. */
export interface KeyedValue<Value, Key> {
  readonly key: Key
  /** The piece of state. */
  readonly table: string
  /** The key in a map, or the window; null where a key has one value. */
  readonly inner: unknown
  readonly value: Value
}

/** What is watched. */
export interface WatchStateOptions<Key> {
  /** Default: all keys, up to `limit`. */
  readonly key?: Key
  readonly table?: string
  /** How many values at most, 1,000 or less. Default 100. */
  readonly limit?: number
  /** Ends the watch. */
  readonly signal?: AbortSignal
}

/** A change of watched state. */
export interface StateUpdate<Value, Key> {
  /** Whether it is everything: at the beginning, and where changes were missed. What was known before is void then. */
  readonly isSnapshot: boolean
  readonly changed: readonly KeyedValue<Value, Key>[]
  readonly removed: readonly Omit<KeyedValue<Value, Key>, 'value'>[]
}

/** What one operator keeps. All methods reject with `StateRequestError`. */
export interface OperatorState<Value, Key> {
  /** The first value of a key; undefined if it has none. */
  get(key: Key, options?: ReadOptions): Promise<Value | undefined>
  /** Everything that is kept for a key: an operator with windows or maps keeps several values. */
  entries(key: Key, options?: ReadOptions): Promise<readonly KeyedValue<Value, Key>[]>
  /** All values in the order of creation, page by page. What changes meanwhile may be seen or not. */
  scan(options?: ScanOptions): AsyncIterable<KeyedValue<Value, Key>>
  /**
   * What is kept, then what changes, once a second. After a lost connection it continues with what was missed. Ends with
   * `signal`; rejects where the API refuses the request.
   */
  watch(options?: WatchStateOptions<Key>): AsyncIterable<StateUpdate<Value, Key>>
}

/**
 * A client of the job whose control API is at `url`. With the type of its pipeline, the state of views has their types; only the
 * type is imported, so that a browser loads no pipeline.
 *
 * @example
 * const job = client('http://127.0.0.1:9090', { token })
 * for await (const { key, value } of job.state<{ n: number }>('per-card').scan({ prefix: '49' })) console.log(key, value.n)
 */
export function client<Program = Pipeline>(url: string, options: ClientOptions = {}): JobClient<Program> {
  const connection = new Connection(url.replace(/\/+$/, ''), options)
  const state = <Value, Key>(operator: string): OperatorState<Value, Key> => stateOf(connection, operator)
  return {
    state: state as JobClient<Program>['state'],
    peek: (operator, peeked) => peek(connection, operator, peeked),
  }
}

const pageRows = 1_000

function stateOf<Value, Key>(connection: Connection, operator: string): OperatorState<Value, Key> {
  const entries = async (
    key: Key,
    { table, read, stale, atLeast }: ReadOptions = {},
  ): Promise<readonly KeyedValue<Value, Key>[]> => {
    const answer = await connection.get<StateAnswer>(
      'stateOfKey',
      { operator, key: keyText(key) },
      {
        table,
        read,
        stale: stale === true ? 'true' : undefined,
        atLeast,
        keyType: typeof key === 'string' ? 'text' : 'json',
        values: 'exact',
      },
    )
    return answer.entries.map((entry) => keyedValue<Value, Key>(entry))
  }
  return {
    entries,
    get: async (key, options) => (await entries(key, options))[0]?.value,
    scan: (options) => scan(connection, operator, options),
    watch: (options) => watch(connection, operator, options),
  }
}

async function* scan<Value, Key>(
  connection: Connection,
  operator: string,
  { table, read, stale, atLeast, prefix, from, to, limit = Number.POSITIVE_INFINITY }: ScanOptions = {},
): AsyncGenerator<KeyedValue<Value, Key>> {
  const keyType = typeof (from ?? to) === 'number' ? 'json' : 'text'
  let left = limit
  let cursor: string | null = '0'
  while (cursor !== null && left > 0) {
    const query = {
      table,
      read,
      stale: stale === true ? 'true' : undefined,
      atLeast,
      prefix,
      from,
      to,
      keyType,
      cursor,
      limit: Math.min(left, pageRows),
      values: 'exact',
    }
    const page: StatePage = await connection.get<StatePage>('stateScan', { operator }, query)
    left -= page.entries.length
    for (const entry of page.entries) yield keyedValue<Value, Key>(entry)
    cursor = page.next
  }
}

async function* watch<Value, Key>(
  connection: Connection,
  operator: string,
  { key, table, limit, signal }: WatchStateOptions<Key> = {},
): AsyncGenerator<StateUpdate<Value, Key>> {
  const text = key === undefined ? undefined : keyText(key)
  const query = {
    table,
    limit,
    key: text,
    keyType: typeof key === 'string' ? 'text' : 'json',
    values: 'exact',
  }
  let seen: string | undefined
  const isOver = (): boolean => signal?.aborted === true
  while (!isOver()) {
    try {
      const path = pathOf('watch', { job: await connection.job(), operator })
      const headers = seen === undefined ? {} : { 'last-event-id': seen }
      const response = await connection.send(path, query, { headers, ...(signal && { signal }) })
      for await (const { id, event, data } of eventsOf(response.body!)) {
        seen = id ?? seen
        yield updateOf<Value, Key>(event, JSON.parse(data) as StateChange)
      }
    } catch (error) {
      // What the API has answered is final. A lost connection is not: what was missed comes with the next one.
      const isFinal = [StateRequestError, SyntaxError, RangeError].some((kind) => error instanceof kind)
      if (isFinal && (error as Partial<StateRequestError>).status !== unavailable) throw error
    }
    if (!isOver()) await pause(againMs, signal)
  }
}

function updateOf<Value, Key>(event: string, { entries, removed }: StateChange): StateUpdate<Value, Key> {
  return {
    isSnapshot: event === 'snapshot',
    changed: entries.map((entry) => keyedValue<Value, Key>(entry)),
    removed: removed.map(({ key, table, inner }) => ({
      key: fromExactJson(key) as Key,
      table,
      inner: fromExactJson(inner),
    })),
  }
}

function keyedValue<Value, Key>({ key, table, inner, value }: StateEntry): KeyedValue<Value, Key> {
  return {
    key: fromExactJson(key) as Key,
    table,
    inner: fromExactJson(inner),
    value: fromExactJson(value) as Value,
  }
}
