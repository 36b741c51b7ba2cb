import { assert } from '../errors/errors.ts'
import type { IncomingEdge } from '../exchange/edge.ts'
import { factsOfRecord, placeOfRecord } from '../operator/cursor.ts'
import type { Place, RecordFacts } from '../operator/failure-policy.ts'
import type { Origin } from '../record/element.ts'
import type { OpenSpan } from '../operator/tracing.ts'
import type { RecordHeaders } from '../record/headers.ts'
import { tokenKey, type KeyToken } from '../record/key-token.ts'
import type { EventTime } from '../record/time.ts'
import type { Cell } from '../state/state-store.ts'
import { BinaryHeap } from '../time/binary-heap.ts'
import type { Bulkhead } from './bulkhead.ts'

/** How a call of the user's function ended. */
export type Outcome = { readonly result: unknown } | { readonly thrown: unknown }

/** A record as it arrived. */
export interface AsyncRecord {
  readonly value: unknown
  readonly time: EventTime
  /** The watermark at its arrival. */
  readonly watermark: EventTime
  /** Undefined on a stream without keys. */
  readonly key: KeyToken | undefined
  /** Its group for the bulkhead; undefined without one. */
  readonly group: KeyToken | undefined
  readonly origin: Origin | undefined
  readonly originIndex: number
  readonly headers: RecordHeaders | undefined
  /** The edge whose credit it uses until its call begins; undefined for a restored record. */
  readonly edge: IncomingEdge | undefined
  /** The state cell that holds it; undefined until the first checkpoint. */
  readonly cell: Cell<unknown> | undefined
  /** How many calls have failed for it before. */
  readonly attempts: number
  /** When the first of them failed, in milliseconds since the epoch. */
  readonly failingSince: number | undefined
}

/** The call for one record: pending, running, or with an outcome that was not emitted. */
export class AsyncCall implements Place {
  readonly value: unknown
  readonly time: EventTime
  readonly key: KeyToken | undefined
  readonly group: KeyToken | undefined
  readonly origin: Origin | undefined
  readonly originIndex: number
  readonly headers: RecordHeaders | undefined
  readonly edge: IncomingEdge | undefined
  /** Increases in the order of the records. */
  readonly index: number
  /** The result is emitted before any later watermark. */
  watermark: EventTime
  cell: Cell<unknown> | undefined
  outcome: Outcome | undefined = undefined
  /** How many calls have failed for it, as far as they count as attempts. */
  attempts: number
  /** When the first of them failed, in milliseconds since the epoch. */
  failingSince: number | undefined
  hasBegun = false
  /** The span of its latest call; undefined: it is not traced. */
  span: OpenSpan | undefined = undefined

  constructor(record: AsyncRecord, index: number) {
    this.value = record.value
    this.time = record.time
    this.watermark = record.watermark
    this.key = record.key
    this.group = record.group
    this.origin = record.origin
    this.originIndex = record.originIndex
    this.headers = record.headers
    this.edge = record.edge
    this.cell = record.cell
    this.attempts = record.attempts
    this.failingSince = record.failingSince
    this.index = index
  }

  /** The headers of the call and of its result. */
  get carried(): RecordHeaders | undefined {
    return this.span?.headers ?? this.headers
  }

  place(): string {
    return this.origin === undefined && this.edge === undefined
      ? 'a record that had arrived before the last restart'
      : placeOfRecord(this.origin, this.originIndex)
  }

  raw(): Uint8Array | undefined {
    return this.originIndex < 0 ? undefined : this.origin?.raw(this.originIndex)
  }

  facts(): RecordFacts | undefined {
    return factsOfRecord(this.origin, this.originIndex)
  }

  get recordKey(): unknown {
    return this.key === undefined ? undefined : tokenKey(this.key)
  }
}

/** How calls may run and in which order their results are emitted: options of `mapAsync`. */
export interface CallRules {
  /** How many calls may run, or have results that were not emitted. */
  readonly concurrency: number
  /** `key`: at most one call of each key runs. */
  readonly serial: 'key' | 'none'
  readonly order: 'none' | 'input' | 'key'
}

/** The number of paused calls per running call. With more, records wait for them, so memory is bounded. */
const pausedPerCall = 16

/**
 * The records of an asynchronous task in the order of their arrival: those that wait for their call, those whose call
 * runs, and those whose result was not emitted. Chooses the next call to begin and the next result to emit.
 *
 * Invariants between any two calls:
 *
 *  1. Watermarks never fall in the order of the records, so under that of the oldest one no result is late.
 *  2. At most `concurrency` calls run, and at most `pausedPerCall` times as many pause. At most `concurrency` calls have
 *     begun and not left, and the oldest one besides: results may wait for it, so it must never wait for them.
 *  3. With `serial: 'key'` at most one call of each key runs, and they begin in the order of their records.
 */
export class AsyncCalls {
  readonly #rules: CallRules
  /** Calls by `index`, from `#base` on; undefined where the result was emitted. The first is never undefined. */
  #calls: (AsyncCall | undefined)[] = []
  #first = 0
  #base = 0
  #size = 0
  #begun = 0
  #running = 0
  /** The number of failed calls to repeat. They no longer count as begun. */
  #paused = 0
  /** Calls that may begin, oldest first; with a bulkhead also those that wait for a place of their group. */
  readonly #callable: Pick<BinaryHeap<AsyncCall>, 'first' | 'add' | 'take'>
  readonly #bulkhead: Bulkhead<AsyncCall> | undefined
  /** By key with a call that may begin or runs: the later calls of that key. Used with `serial: 'key'`. */
  readonly #behind = new Map<KeyToken, AsyncCall[]>()
  /** By key: its calls in order. Used when calls of one key run at once and their results are emitted in order. */
  readonly #ofKey = new Map<KeyToken, AsyncCall[]>()
  /** Calls whose results may be emitted. Not used for the order of the input. */
  #leaving: AsyncCall[] = []

  constructor(rules: CallRules, bulkhead?: Bulkhead<AsyncCall>) {
    this.#rules = rules
    this.#bulkhead = bulkhead
    this.#callable = bulkhead ?? new BinaryHeap((a, b) => a.index < b.index)
  }

  /** Whether there is no record. */
  get isEmpty(): boolean {
    return this.#first === this.#calls.length
  }

  /** How many records there are. */
  get size(): number {
    return this.#size
  }

  /** How many calls run now. */
  get running(): number {
    return this.#running
  }

  /** The watermark of the oldest record, or undefined if there is none. */
  get watermark(): EventTime | undefined {
    return this.#calls[this.#first]?.watermark
  }

  /** The records in order. */
  *all(): Iterable<AsyncCall> {
    for (let i = this.#first; i < this.#calls.length; i++) {
      const call = this.#calls[i]
      if (call !== undefined) yield call
    }
  }

  add(record: AsyncRecord): void {
    this.#lower(record.watermark)
    this.#size++
    const call = new AsyncCall(record, this.#base + this.#calls.length)
    this.#calls.push(call)
    const { key } = call
    if (key !== undefined && this.#keepsKeyOrder) append(this.#ofKey, key, call)
    if (key === undefined || this.#rules.serial === 'none') {
      this.#callable.add(call)
      return
    }
    const behind = this.#behind.get(key)
    if (behind !== undefined) {
      behind.push(call)
      return
    }
    this.#behind.set(key, [])
    this.#callable.add(call)
  }

  /** The next call to make, which counts as begun; undefined if none may begin now. */
  begin(): AsyncCall | undefined {
    const { concurrency } = this.#rules
    if (this.#running >= concurrency || this.#paused > concurrency * pausedPerCall) return undefined
    const call = this.#callable.first
    if (call === undefined) return undefined
    if (this.#begun >= concurrency && call !== this.#calls[this.#first]) return undefined
    this.#callable.take()
    this.#begun++
    this.#running++
    return call
  }

  /** Handles a failed call that is repeated later. Calls of other keys may begin meanwhile. */
  pause(call: AsyncCall): void {
    this.#bulkhead?.ended(call)
    this.#begun--
    this.#running--
    this.#paused++
  }

  /** Lets a paused call begin again, before any later call. */
  resume(call: AsyncCall): void {
    this.#paused--
    this.#callable.add(call)
  }

  settle(call: AsyncCall, outcome: Outcome): void {
    call.outcome = outcome
    this.#bulkhead?.ended(call)
    this.#running--
    const { key } = call
    if (key !== undefined && this.#rules.serial === 'key') this.#letNextBegin(key)
    if (this.#rules.order === 'input') return
    if (key === undefined || !this.#keepsKeyOrder || this.#ofKey.get(key)![0] === call)
      this.#leaving.push(call)
  }

  /** Makes no further calls. */
  end(): void {
    this.#bulkhead?.end()
  }

  /** The next call whose result may be emitted, or undefined. The caller removes it once the result is emitted. */
  next(): AsyncCall | undefined {
    if (this.#rules.order !== 'input') return this.#leaving[0]
    const oldest = this.#calls[this.#first]
    return oldest?.outcome === undefined ? undefined : oldest
  }

  /** Removes `call`, whose result was emitted. */
  remove(call: AsyncCall): void {
    assert(call.outcome !== undefined, 'a result leaves once its call has ended')
    this.#begun--
    this.#size--
    if (this.#rules.order !== 'input') this.#leaving.shift()
    const { key } = call
    if (key !== undefined && this.#keepsKeyOrder) this.#letNextLeave(key)
    this.#calls[call.index - this.#base] = undefined
    while (this.#first < this.#calls.length && this.#calls[this.#first] === undefined) this.#first++
    if (this.#first < 1024 || this.#first * 2 < this.#calls.length) return
    this.#calls = this.#calls.slice(this.#first)
    this.#base += this.#first
    this.#first = 0
  }

  /**
   * Restored records may have arrived under later watermarks than the records behind them: in another subtask, or
   * before an idle input became active again.
   */
  #lower(watermark: EventTime): void {
    for (let i = this.#calls.length - 1; i >= this.#first; i--) {
      const call = this.#calls[i]
      if (call === undefined) continue
      if (call.watermark <= watermark) return
      call.watermark = watermark
    }
  }

  /** With one call per key at a time, results of a key are in order without further work. */
  get #keepsKeyOrder(): boolean {
    return this.#rules.order === 'key' && this.#rules.serial === 'none'
  }

  #letNextBegin(key: KeyToken): void {
    const next = this.#behind.get(key)!.shift()
    if (next === undefined) this.#behind.delete(key)
    else this.#callable.add(next)
  }

  #letNextLeave(key: KeyToken): void {
    const calls = this.#ofKey.get(key)!
    calls.shift()
    if (calls.length === 0) this.#ofKey.delete(key)
    else if (calls[0]!.outcome !== undefined) this.#leaving.push(calls[0]!)
  }
}

function append(lists: Map<KeyToken, AsyncCall[]>, key: KeyToken, call: AsyncCall): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [call])
  else list.push(call)
}
