import type { Slicing } from '../disk/yield-budget.ts'
import type { Chain } from '../operator/chain.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { KeySelectors } from '../operator/key-kinds.ts'
import type { Batch } from '../record/element.ts'
import { keyToken, type KeyToken } from '../record/key-token.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import { batchOf, type WaitingEntry, type WaitingRoom } from './waiting-room.ts'

/** The dependencies of the retries of a chain. */
interface RetriesParts {
  readonly room: WaitingRoom
  /** The key selectors of the first operator, by input. Empty: it has no key. */
  readonly keys: KeySelectors
  readonly cursor: Cursor
  readonly budget: Slicing
}

/**
 * Tries records again that have failed at the first operator of a chain. Other keys continue meanwhile, and event time
 * waits: the chain sees no watermark beyond those under which the waiting records arrived.
 */
export class Retries {
  readonly #parts: RetriesParts
  /** The watermark of the input; that of the chain is lower while records wait. */
  #arrived: EventTime = MIN_TIME
  /** The record at hand, if it was tried before, and the input of any other. */
  #entry: WaitingEntry | undefined
  #input = 0
  #hasFailed = false

  constructor(parts: RetriesParts) {
    this.#parts = parts
  }

  get isEmpty(): boolean {
    return this.#parts.room.isEmpty
  }

  get isFull(): boolean {
    return this.#parts.room.isFull
  }

  /** When the next attempt is due, on the monotonic clock; infinite: never. */
  get nextAt(): number {
    return this.#parts.room.nextAt
  }

  restore(): Generator<undefined> {
    return this.#parts.room.restore((value, input) => this.#keyOf(value, input))
  }

  /** Notes the watermark of the input, and returns how far the chain may advance now. */
  reach(watermark: EventTime = this.#arrived): EventTime {
    this.#arrived = Math.max(this.#arrived, watermark)
    return Math.min(this.#arrived, this.#parts.room.hold)
  }

  /** Called when the record at hand fails. True if it is tried again. */
  readonly failed = (thrown: unknown, value: unknown, time: EventTime): boolean => {
    const { room, keys, cursor } = this.#parts
    if (this.#entry !== undefined) {
      this.#hasFailed = room.again(this.#entry, thrown)
      return this.#hasFailed
    }
    const input = this.#input
    // Every subtask handles a broadcast record, and all must do the same.
    if (keys.length > 0 && keys[input] === undefined) return false
    if (room.isEmpty) this.#arrived = cursor.watermark
    const { origin, originIndex, headers } = cursor
    const key = this.#keyOf(value, input)
    const record = { value, time, watermark: this.#arrived, key, origin, originIndex, headers, input }
    if (!room.enter(record, thrown)) return false
    // The rest of the batch is handled record by record.
    cursor.isFull = true
    return true
  }

  /** As `Chain.process`: records of keys that wait join them. */
  process(chain: Chain, batch: Batch, from: number, watermarks: Float64Array, input: number): number {
    const { room, cursor, budget } = this.#parts
    this.#input = input
    if (room.isEmpty) return chain.process(batch, from, watermarks, input)
    const { values, times, length, origin } = batch
    for (let i = from; i < length; i++) {
      const reachable = this.reach(watermarks[i])
      const key = this.#keyOf(values[i], input)
      if (room.isWaiting(key)) {
        cursor.at(batch, i)
        const { originIndex, headers } = cursor
        const record = { value: values[i], time: times[i]!, key, origin, originIndex, headers, input }
        room.follow({ ...record, watermark: this.#arrived })
      } else if (!chain.processOne(batch, i, reachable, input)) return i
      if (budget.spend() || cursor.isFull) return i + 1
    }
    return length
  }

  /** Makes one attempt that is due; false if none is. */
  retryOne(chain: Chain): boolean {
    const { room, cursor } = this.#parts
    const entry = room.take()
    if (entry === undefined) return false
    this.#entry = entry
    this.#hasFailed = false
    cursor.attempts = entry.attempts + 1
    try {
      chain.processOne(batchOf(entry), 0, MIN_TIME, entry.input)
    } finally {
      this.#entry = undefined
      cursor.attempts = undefined
    }
    if (!this.#hasFailed) room.leave(entry)
    return true
  }

  /** A record without a usable key fails at the operator, as it does without retries. */
  #keyOf(value: unknown, input: number): KeyToken | undefined {
    const select = this.#parts.keys[input]
    if (select === undefined) return undefined
    try {
      return keyToken(select(value))
    } catch {
      return undefined
    }
  }
}
