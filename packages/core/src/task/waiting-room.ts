import type { Clock, Random } from '@millrace/world'
import { structuredFault } from '../codec/structured-codec.ts'
import type { RetryRules } from '../graph/node.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { Batch, Origin } from '../record/element.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { EventTime } from '../record/time.ts'
import { mayBeRetried } from '../operator/operator-error.ts'
import type { Cell } from '../state/state-store.ts'
import { BinaryHeap } from '../time/binary-heap.ts'
import { mayRepeat, pauseAfter } from './backoff.ts'
import type { KeptRecords } from './kept-records.ts'
import { restoredOrigin, type Waiting } from './waiting-record.ts'

/** A record as it arrived. */
export interface ArrivedRecord {
  readonly value: unknown
  readonly time: EventTime
  /** The watermark under which it arrived. */
  readonly watermark: EventTime
  /** Undefined without a key. */
  readonly key: KeyToken | undefined
  readonly origin: Origin | undefined
  readonly originIndex: number
  readonly headers: RecordHeaders | undefined
  readonly input: number
}

/** A record that waits: for its next attempt, or for an earlier record of its key. */
export interface WaitingEntry extends ArrivedRecord, Waiting {
  readonly input: number
  attempts: number
  failingSince: number | undefined
  cell: Cell<unknown> | undefined
  /** When its next attempt is due, on the monotonic clock. */
  dueAt: number
  /** Increases in the order of arrival. */
  readonly index: number
}

/** The dependencies of a waiting room. */
interface WaitingRoomParts {
  readonly rules: RetryRules
  readonly kept: KeptRecords
  readonly clock: Clock
  readonly random: Random
}

/** The most records that wait in one subtask before it takes no more input. */
const most = 1_024

/**
 * The records of one subtask that have failed and are tried again, and the later records of their keys.
 *
 * Invariants between any two calls: records of one key are in the order of their arrival, and only the first of them is due
 * at some time. Every record is part of the state of the task.
 */
export class WaitingRoom {
  readonly #parts: WaitingRoomParts
  readonly #entries = new Set<WaitingEntry>()
  readonly #due = new BinaryHeap<WaitingEntry>(
    (a, b) => a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.index < b.index),
  )
  /** By key with a record that is tried again: the later ones. */
  readonly #behind = new Map<KeyToken, WaitingEntry[]>()
  #hold: EventTime = Infinity
  #next = 0

  constructor(parts: WaitingRoomParts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  get isFull(): boolean {
    return this.#entries.size >= most
  }

  /** The lowest watermark under which a waiting record arrived; infinite if none waits. Event time waits for it. */
  get hold(): EventTime {
    return this.#hold
  }

  /** When the next attempt is due, on the monotonic clock; infinite: never. */
  get nextAt(): number {
    return this.#due.first?.dueAt ?? Infinity
  }

  /** Whether a record of this key waits, so that later ones must too. */
  isWaiting(key: KeyToken | undefined): boolean {
    return key !== undefined && this.#behind.has(key)
  }

  /** Takes the records of the restored checkpoint. Their attempts are due at once. */
  *restore(keyOf: (value: unknown, input: number) => KeyToken | undefined): Generator<undefined> {
    for (const { cell, record } of this.#parts.kept.restored()) {
      const { value, time, watermark, headers, input = 0, attempts = 0, failingSince } = record
      const entry: WaitingEntry = {
        value,
        time,
        watermark,
        input,
        attempts,
        failingSince,
        key: keyOf(value, input),
        origin: restoredOrigin(record),
        originIndex: 0,
        headers,
        cell,
        dueAt: 0,
        index: this.#next++,
      }
      if (this.isWaiting(entry.key)) this.#queue(entry)
      else this.#begin(entry)
      yield undefined
    }
  }

  /** Adds a record whose first attempt has failed. False if it is not tried again. */
  enter(record: ArrivedRecord, thrown: unknown): boolean {
    const entry = this.#entry(record)
    if (structuredFault(record.value) !== undefined || !this.#fail(entry, thrown)) return false
    entry.cell = this.#parts.kept.keep(entry)
    this.#begin(entry)
    return true
  }

  /** Adds a record behind the earlier ones of its key. */
  follow(record: ArrivedRecord): void {
    const entry = this.#entry(record)
    entry.cell = this.#parts.kept.keep(entry)
    this.#queue(entry)
  }

  /** The next record whose attempt is due; undefined if none is. It stays in the room until `leave`. */
  take(): WaitingEntry | undefined {
    return this.nextAt <= this.#parts.clock.monotonic() ? this.#due.take() : undefined
  }

  /** A record that was taken has failed again. False if that was its last attempt. */
  again(entry: WaitingEntry, thrown: unknown): boolean {
    if (!this.#fail(entry, thrown)) return false
    this.#parts.kept.keepAttempts(entry)
    this.#due.add(entry)
    return true
  }

  /** A record that was taken has been handled. The next one of its key is due. */
  leave(entry: WaitingEntry): void {
    const { key, cell } = entry
    this.#entries.delete(entry)
    if (cell !== undefined) this.#parts.kept.delete(cell)
    if (entry.watermark === this.#hold) this.#hold = this.#lowest()
    if (key === undefined) return
    const next = this.#behind.get(key)!.shift()
    if (next === undefined) this.#behind.delete(key)
    else this.#due.add(next)
  }

  #entry(record: ArrivedRecord): WaitingEntry {
    const index = this.#next++
    return { ...record, attempts: 0, failingSince: undefined, cell: undefined, dueAt: 0, index }
  }

  #begin(entry: WaitingEntry): void {
    if (entry.key !== undefined) this.#behind.set(entry.key, [])
    this.#note(entry)
    this.#due.add(entry)
  }

  #queue(entry: WaitingEntry): void {
    this.#behind.get(entry.key!)!.push(entry)
    this.#note(entry)
  }

  #note(entry: WaitingEntry): void {
    this.#entries.add(entry)
    this.#hold = Math.min(this.#hold, entry.watermark)
  }

  #lowest(): EventTime {
    let lowest = Infinity
    for (const { watermark } of this.#entries) lowest = Math.min(lowest, watermark)
    return lowest
  }

  /** Counts a failed attempt and sets when the next is due. False if there is none. */
  #fail(entry: WaitingEntry, thrown: unknown): boolean {
    const { rules, clock, random } = this.#parts
    if (!mayBeRetried(thrown) || !(rules.retryIf?.(thrown) ?? true)) return false
    const now = clock.now()
    entry.attempts++
    entry.failingSince ??= now
    const pauseMs = pauseAfter(entry.attempts, rules, random)
    entry.dueAt = clock.monotonic() + pauseMs
    return mayRepeat(entry.attempts, now - entry.failingSince, pauseMs, rules)
  }
}

/** A batch with one record that waits. */
export function batchOf({ value, time, watermark, origin, originIndex, headers }: WaitingEntry): Batch {
  return {
    length: 1,
    values: [value],
    times: Float64Array.of(time),
    watermarks: Float64Array.of(watermark),
    origin,
    originIndex: Int32Array.of(originIndex),
    headers: headers && [headers],
  }
}
