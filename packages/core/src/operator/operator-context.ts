import { MillraceError } from '../errors/errors.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { Key } from '../record/key.ts'
import type { Codec } from '../codec/codec.ts'
import { structuredCodec } from '../codec/structured-codec.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import { TokenMap } from '../record/token-map.ts'
import { backupByCodec, backupByLength, type Backup } from '../state/backup.ts'
import { expiringBackup, expiringCodec, unstampedCodec } from '../state/expiring-cell.ts'
import { ExpiringTable } from '../state/expiring-table.ts'
import type { Expiries } from '../state/expiries.ts'
import { KeyedOrderedMap } from '../state/keyed-ordered-map.ts'
import { KeyedElements } from '../state/keyed-elements.ts'
import { KeyedList, KeyedMap, KeyedValue, KeyScope } from '../state/keyed-handles.ts'
import type { Participant } from '../state/transaction.ts'
import type { EarlierSetting } from '../state/fingerprint.ts'
import type { ListState, MapState, OrderedMapState, ValueState } from '../state/handles.ts'
import type { Cell, OwnTableSpec, StateTable, TableSpec } from '../state/state-store.ts'
import type { TimeToLive } from '../state/time-to-live.ts'
import type { SweepKeys } from '../time/sweep-queue.ts'
import { TransactionalTable } from '../state/transactional-table.ts'
import type { TimerDomain } from '../time/due-timer.ts'
import type { TimerQueue } from '../time/timer-queue.ts'
import type {
  Collector,
  OperatorContext,
  OperatorMetric,
  PendingTimer,
  StateContext,
  StateDescriptor,
  Timers,
} from './operator.ts'
import type { RecordTransaction } from './record-transaction.ts'

/** What the chain provides to an operator. */
export interface OperatorSurroundings {
  readonly name: string
  readonly subtask: number
  readonly scope: KeyScope
  /** Undefined for an operator without a key. */
  readonly timers: TimerQueue | undefined
  /** Undefined for an operator that stops the task when it fails. */
  readonly transaction: RecordTransaction | undefined
  /** Sets the headers of what is emitted. */
  setHeaders(headers: RecordHeaders | undefined): void
  watermark(): EventTime
  /** The watermark that has passed for every key. */
  passed(): EventTime
  now(): number
  /** The tables whose cells expire. */
  readonly expiries: Expiries
  /** The time by which event-time values expire: that of the record or event timer, or the watermark. */
  expiryTime(): EventTime
  /** What the restored checkpoint says about the operator's earlier settings. */
  readonly earlier: readonly EarlierSetting[]
  output(name: string): Collector<unknown>
  count(metric: OperatorMetric, by: number): void
  /** Opens a table of this operator, stored under its name and subtask. */
  table<T>(spec: OwnTableSpec<T>): StateTable<T>
  /** Opens one that is the same in every subtask. */
  sharedTable<T>(spec: Pick<TableSpec<T>, 'name' | 'codec'>): StateTable<T>
  /** A timer for `time` was set: the chain must check its timers by then. */
  noteTimer(domain: TimerDomain, time: number): void
}

/** The only implementation of `OperatorContext`: used by running tasks and by the test harness. */
export class ChainedOperatorContext implements OperatorContext {
  readonly name: string
  readonly subtask: number
  readonly timers: Timers
  readonly shared: StateContext
  readonly #around: OperatorSurroundings
  readonly #states = new Set<string>()
  /** Handles that store state by key. */
  readonly #keyed: { keys(): Iterable<KeyToken> }[] = []

  constructor(around: OperatorSurroundings) {
    this.#around = around
    this.name = around.name
    this.subtask = around.subtask
    this.timers = new KeyedTimers(around)
    this.shared = this.#sharedState()
  }

  watermark(): EventTime {
    return this.#around.watermark()
  }

  lowestWatermark(): EventTime {
    return this.#around.passed()
  }

  now(): number {
    return this.#around.now()
  }

  value<T>(descriptor: StateDescriptor<T>): ValueState<T> {
    return this.#known(new KeyedValue<T>(this.table(descriptor), this.#around.scope, descriptor.name))
  }

  list<T>(descriptor: StateDescriptor<T>): ListState<T> {
    // A list is one cell with the array, so an element codec does not fit.
    if (descriptor.codec) {
      throw new MillraceError(
        'OPTION_INVALID',
        `state '${descriptor.name}' of operator '${this.name}' is a list and takes no codec of its own; use a value state with a codec for the whole list`,
      )
    }
    const { name, ttl } = descriptor
    if (ttl !== undefined) {
      const elements = this.#expiring<T>({ ...descriptor, ttl, isNumbered: true })
      return this.#known(new KeyedElements(elements, this.#around.scope, name))
    }
    const table = this.table<T[]>({ name, backup: backupByLength })
    return this.#known(new KeyedList(table, this.#around.scope, descriptor.name))
  }

  map<K extends Key, V>(descriptor: StateDescriptor<V>): MapState<K, V> {
    const table = this.table(descriptor)
    const read = table instanceof ExpiringTable ? (cell: Cell<V>) => table.read(cell) : undefined
    return this.#known(new KeyedMap<K, V>(table, this.#around.scope, descriptor.name, read))
  }

  orderedMap<K extends Key, V>(descriptor: StateDescriptor<V>): OrderedMapState<K, V> {
    const { name } = descriptor
    const { scope, transaction } = this.#around
    const table = this.table(descriptor)
    const expiring = table instanceof ExpiringTable ? (table as ExpiringTable<V>) : undefined
    const read = expiring && ((cell: Cell<V>) => expiring.read(cell))
    const map = new KeyedOrderedMap<K, V>(table, { scope, name, read, transaction })
    if (expiring !== undefined) expiring.whenExpired = ({ outer, inner }) => map.removed(outer, inner)
    return this.#known(map)
  }

  /** Every key that has a value, a list or a map, once. State may be changed during iteration. */
  *keys(): Generator<KeyToken> {
    const seen = new TokenMap<true>()
    for (const [i, handle] of this.#keyed.entries()) {
      for (const token of handle.keys()) {
        if (seen.get(token) !== undefined) continue
        if (i < this.#keyed.length - 1) seen.add(token, true)
        yield token
      }
    }
  }

  #known<H extends { keys(): Iterable<KeyToken> }>(handle: H): H {
    this.#keyed.push(handle)
    return handle
  }

  table<T>(descriptor: StateDescriptor<T>): StateTable<T> {
    const { name, ttl } = descriptor
    if (ttl !== undefined) return this.#expiring({ ...descriptor, ttl })
    const codec = descriptor.codec ?? structuredCodec<T>()
    const backup = descriptor.backup ?? backupByCodec(codec, this.#pieceText(name))
    const { staysLive = false } = descriptor
    return this.#stored(name, unstampedCodec(codec), backup, (spec) =>
      this.#around.table({ ...spec, staysLive }),
    )
  }

  #expiring<T>(
    descriptor: StateDescriptor<T> & { readonly ttl: TimeToLive; readonly isNumbered?: boolean },
  ): ExpiringTable<T> {
    const { name, ttl, codec = structuredCodec<T>(), isNumbered = false } = descriptor
    const { clock } = ttl
    const around = this.#around
    const backup = descriptor.backup ?? backupByCodec(codec, this.#pieceText(name))
    const table = this.#stored(name, expiringCodec(codec, clock), expiringBackup(backup), (spec) =>
      // What expires when is known by its cells.
      around.table({ ...spec, staysLive: true, isNumbered }),
    )
    const expiring = new ExpiringTable(table, ttl, {
      now: clock === 'event' ? () => around.expiryTime() : () => around.now(),
      noteExpiry: (time) => around.noteTimer(clock, time),
      transaction: around.transaction,
    })
    around.expiries.add(expiring)
    return expiring
  }

  /** Handles for one key, which is none: their tables are the same in every subtask. */
  #sharedState(): StateContext {
    const scope = new KeyScope(this.name, 1)
    scope.setToken(null, 0)
    const table = <T>({ name, ttl, codec = structuredCodec<T>(), backup }: StateDescriptor<T>) => {
      if (ttl !== undefined) {
        throw new MillraceError(
          'OPTION_INVALID',
          `${this.#pieceText(name)} is the same in every subtask and cannot expire; leave out its ttl`,
        )
      }
      const saved = backup ?? backupByCodec(codec, this.#pieceText(name))
      return this.#stored(name, unstampedCodec(codec), saved, (spec) => this.#around.sharedTable(spec))
    }
    return {
      value: (descriptor) => new KeyedValue(table(descriptor), scope, descriptor.name),
      list: ({ name, ttl }) => new KeyedList(table({ name, ttl, backup: backupByLength }), scope, name),
      map: (descriptor) => new KeyedMap(table(descriptor), scope, descriptor.name),
      orderedMap: (descriptor) => {
        const { transaction } = this.#around
        const parts = { scope, name: descriptor.name, read: undefined, transaction }
        return new KeyedOrderedMap(table(descriptor), parts)
      },
    }
  }

  #stored<T>(
    name: string,
    codec: Codec<T>,
    backup: Backup<T>,
    open: (spec: Pick<TableSpec<T>, 'name' | 'codec'>) => StateTable<T>,
  ): StateTable<T> {
    if (name.startsWith('#') || this.#states.has(name)) {
      throw new MillraceError(
        'NAME_TAKEN',
        `operator '${this.name}' asks for state '${name}' ${name.startsWith('#') ? 'but names that begin with # are reserved' : 'twice'}; ask once, in open, and give each piece of state its own name`,
      )
    }
    this.#states.add(name)
    const { transaction } = this.#around
    const table = open({ name, codec })
    return transaction === undefined ? table : new TransactionalTable(table, transaction, backup)
  }

  #pieceText(name: string): string {
    return `state '${name}' of operator '${this.name}'`
  }

  earlier(setting: string): readonly EarlierSetting[] {
    return this.#around.earlier.filter((each) => each.setting === setting)
  }

  output<T>(name: string): Collector<T> {
    return this.#around.output(name)
  }

  keyToken(): KeyToken {
    return this.#around.scope.token
  }

  keyGroup(): number {
    return this.#around.scope.group
  }

  setHeaders(headers: RecordHeaders | undefined): void {
    this.#around.setHeaders(headers)
  }

  count(metric: OperatorMetric, by = 1): void {
    const { transaction } = this.#around
    if (transaction?.isOpen === true) transaction.whenHandled(() => this.count(metric, by))
    else this.#around.count(metric, by)
  }
}

/**
 * With a transaction timers are set and deleted when the record has been handled; `list` knows what waits for
 * that.
 */
class KeyedTimers implements Timers, Participant {
  readonly #around: OperatorSurroundings
  /** What the record at hand has set and deleted, in order. */
  readonly #deferred: { readonly isSet: boolean; readonly timer: PendingTimer }[] = []

  constructor(around: OperatorSurroundings) {
    this.#around = around
    around.transaction?.join(this)
  }

  list(): readonly PendingTimer[] {
    const queued = this.#queue().list(this.#around.scope.token)
    const timers = queued.map(({ time, name, domain }): PendingTimer => ({ time, name, domain }))
    for (const { isSet, timer } of this.#deferred) {
      const at = timers.findIndex((each) => isSame(each, timer))
      if (isSet && at < 0) timers.push(timer)
      else if (!isSet && at >= 0) timers.splice(at, 1)
    }
    if (this.#deferred.length === 0) return timers
    const byTime = timers.toSorted((a, b) => a.time - b.time)
    return [
      ...byTime.filter(({ domain }) => domain === 'event'),
      ...byTime.filter(({ domain }) => domain === 'processing'),
    ]
  }

  commit(): void {
    this.#deferred.length = 0
  }

  rollback(): void {
    this.#deferred.length = 0
  }

  setEvent(time: EventTime, name = ''): void {
    this.#set('event', time, name)
  }

  deleteEvent(time: EventTime, name = ''): void {
    this.#delete('event', time, name)
  }

  setProcessing(time: number, name = ''): void {
    this.#set('processing', time, name)
  }

  deleteProcessing(time: number, name = ''): void {
    this.#delete('processing', time, name)
  }

  setSweep(time: EventTime, name: string, keys: SweepKeys): void {
    const { transaction } = this.#around
    if (transaction?.isOpen === true) transaction.whenHandled(() => this.setSweep(time, name, keys))
    else if (time > this.#around.passed()) {
      this.#queue().setSweep(time, name, keys)
      this.#around.noteTimer('event', time)
    }
  }

  #set(domain: TimerDomain, time: number, name: string): void {
    const { transaction, scope } = this.#around
    if (Number.isNaN(time)) {
      throw new MillraceError('TIMESTAMP_INVALID', `operator '${this.#around.name}' set a timer for NaN`)
    }
    const queue = this.#queue()
    const { token } = scope
    if (transaction?.isOpen === true) {
      this.#deferred.push({ isSet: true, timer: { time, name, domain } })
      transaction.whenHandled(() => this.#set(domain, time, name))
    } else {
      queue.set(domain, time, name, token)
      const hasPassed = domain === 'event' && time <= this.#around.passed()
      this.#around.noteTimer(domain, hasPassed ? MIN_TIME : time)
    }
  }

  #delete(domain: TimerDomain, time: number, name: string): void {
    const { transaction, scope } = this.#around
    const queue = this.#queue()
    const { token } = scope
    if (transaction?.isOpen === true) {
      this.#deferred.push({ isSet: false, timer: { time, name, domain } })
      transaction.whenHandled(() => this.#delete(domain, time, name))
    } else queue.delete(domain, time, name, token)
  }

  #queue(): TimerQueue {
    const { timers, name } = this.#around
    if (timers === undefined) {
      throw new MillraceError(
        'STATE_MISUSED',
        `operator '${name}' has no key, so it has no timers; use keyBy before it`,
      )
    }
    return timers
  }
}

function isSame(a: PendingTimer, b: PendingTimer): boolean {
  return a.time === b.time && a.name === b.name && a.domain === b.domain
}
