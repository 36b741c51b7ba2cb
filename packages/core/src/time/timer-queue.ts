import type { KeyToken } from '../record/key-token.ts'
import { MAX_TIME, type EventTime } from '../record/time.ts'
import type { DueTimer, TimerDomain } from './due-timer.ts'
import { SweepQueue, type SweepKeys } from './sweep-queue.ts'
import { TimerHeap, type TimerTable } from './timer-heap.ts'

/**
 * How many timers in a row, each set by the one before, fire after the end of the input.
 *
 * At the end the watermark is infinite and every event timer is due, also one that always sets itself again. A finite
 * chain ends by itself: a time-out that checks for later activity, or a reminder followed by an escalation. A timer
 * beyond this link is dropped and counted. An operator that repeats a timer without end, and wants nothing after the
 * end, sets none once its watermark is `MAX_TIME`.
 */
export const finalLinksMax = 100

/**
 * The timers of one operator's subtask, in the order in which they fire.
 *
 * Timers fire by time and, at one time, in the order in which they were set, also after a restart. Of the event
 * timers due at one time keyed ones come before sweeps. A timer set for a time that has passed fires at the next
 * `take`, also in the middle of a sweep.
 *
 * Keyed timers are saved: the table `#timers` holds a cell without a value for each. Sweeps are not.
 */
export class TimerQueue {
  readonly #groupOf: (token: KeyToken) => number
  readonly #event: TimerHeap
  readonly #processing: TimerHeap
  readonly #sweeps = new SweepQueue()
  /** Whether the watermark has become infinite. */
  #isFinal = false
  /** The link of the event timer that is being handled. */
  #link = 0
  #dropped = 0
  /** Whether new processing timers are dropped. */
  #isProcessingOver = false
  #droppedProcessing = 0

  constructor(table: TimerTable, groupOf: (token: KeyToken) => number) {
    this.#groupOf = groupOf
    this.#event = new TimerHeap('event', table)
    this.#processing = new TimerHeap('processing', table)
  }

  /** How many event timers were dropped because their chain continued after the end of the input. */
  get dropped(): number {
    return this.#dropped
  }

  /** How many processing timers were dropped because they were set at the end of the input. */
  get droppedProcessing(): number {
    return this.#droppedProcessing
  }

  /** Ends the input: processing timers that are set now still fire, later ones are dropped. */
  endProcessing(): void {
    this.#isProcessingOver = true
  }

  /** Sets a timer; setting the same one twice sets one. */
  set(domain: TimerDomain, time: number, name: string, token: KeyToken): void {
    if (domain === 'processing') {
      if (this.#isProcessingOver) this.#droppedProcessing++
      else this.#processing.set(time, name, token, this.#groupOf, 0)
    } else if (this.#mayFollow()) this.#event.set(time, name, token, this.#groupOf, this.#nextLink())
  }

  /** Deletes a timer if it is set. */
  delete(domain: TimerDomain, time: number, name: string, token: KeyToken): void {
    this.#heap(domain).delete(time, name, token)
  }

  /** The timers of a key: event timers and then processing timers, each in the order in which they fire. */
  list(token: KeyToken): readonly DueTimer[] {
    return [...this.#event.list(token), ...this.#processing.list(token)]
  }

  /** Sets an event timer for every key that `keys` will yield when it is due. See `Timers.setSweep`. */
  setSweep(time: EventTime, name: string, keys: SweepKeys): void {
    if (this.#mayFollow()) this.#sweeps.set(time, name, keys, this.#nextLink())
  }

  /** When the next timer is due; infinity if there is none, or if it is due at `MAX_TIME`. */
  next(domain: TimerDomain): number {
    const timer = this.#heap(domain).first?.time ?? Number.POSITIVE_INFINITY
    if (domain === 'processing') return timer
    const sweep = this.#sweeps.next
    return sweep !== undefined && sweep < timer ? sweep : timer
  }

  /**
   * Removes and returns the first timer due at `upTo`; undefined if there is none. A sweep yields one key after another
   * and is removed after the last. `'searching'` means a step of a sweep without a key, so that the caller can let
   * other tasks run.
   */
  take(domain: TimerDomain, upTo: number): DueTimer | 'searching' | undefined {
    return domain === 'event' ? this.#takeEvent(upTo) : this.#takeProcessing(upTo)
  }

  /** Restores the keyed timers from the loaded table. Yields after each. */
  *rebuild(): Generator<undefined> {
    yield* this.#event.rebuild()
    yield* this.#processing.rebuild()
  }

  #takeProcessing(upTo: number): DueTimer | undefined {
    const { first } = this.#processing
    return first !== undefined && first.time <= upTo ? this.#processing.take() : undefined
  }

  #takeEvent(upTo: EventTime): DueTimer | 'searching' | undefined {
    if (upTo === MAX_TIME) this.#isFinal = true
    const timer = this.#event.first
    const sweep = this.#sweeps.next
    if (timer !== undefined && timer.time <= upTo && (sweep === undefined || timer.time <= sweep)) {
      this.#link = timer.link
      return this.#event.take()
    }
    if (sweep === undefined || sweep > upTo) {
      this.#link = 0
      return undefined
    }
    const due = this.#sweeps.take()
    this.#link = this.#sweeps.link
    return due ?? 'searching'
  }

  #heap(domain: TimerDomain): TimerHeap {
    return domain === 'event' ? this.#event : this.#processing
  }

  #nextLink(): number {
    return this.#isFinal ? this.#link + 1 : 0
  }

  /** Whether the timer being set belongs to a chain that may continue. */
  #mayFollow(): boolean {
    if (this.#nextLink() <= finalLinksMax) return true
    this.#dropped++
    return false
  }
}
