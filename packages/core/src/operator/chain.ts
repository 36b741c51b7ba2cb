/**
 * Several operators in one task, called directly.
 *
 * True between any two calls:
 *
 *  1. No operator has an event timer that is due at `cursor.watermark`.
 *  2. Every record was handled under the watermark it was emitted under, wherever a batch was cut.
 *  3. A call that returned early can be made again and continues where it stopped. It returns early because the
 *     outputs are full, or because it has worked long enough and the event loop needs a turn. Each call makes progress.
 *
 * Time reaches the operators one after another: what an operator emits while its timers fire is handled by the
 * operators behind it under the old watermark, and only then do they advance themselves.
 */
import type { Batch } from '../kernel/element.ts'
import type { EventTime } from '../kernel/time.ts'
import type { Slicing } from '../kernel/yield-budget.ts'
import type { TimerDomain } from '../time/due-timer.ts'
import { ChainAssembly, type ChainSurroundings } from './chain-assembly.ts'
import type { ChainTarget } from './chain-part.ts'
import type { Cursor } from './cursor.ts'
import type { OperatorLink } from './operator-link.ts'
import type { Receiver } from './receiver.ts'

/** The operators of one task. */
export class Chain {
  readonly #cursor: Cursor
  readonly #budget: Slicing
  readonly #head: Receiver
  /** Operators in the order in which time reaches them. */
  readonly #links: readonly OperatorLink[]
  /** The operator that is advancing to `#target`, or -1. */
  #advancing = -1
  #target: EventTime = 0
  #nextEvent = Number.POSITIVE_INFINITY
  #nextProcessing = Number.POSITIVE_INFINITY
  #finishing = 0

  /** The chain that starts at `heads`: all of them receive every record. */
  constructor(heads: readonly ChainTarget[], around: ChainSurroundings) {
    this.#cursor = around.cursor
    this.#budget = around.budget
    const assembly = new ChainAssembly(around, {
      watermark: (link) => this.#watermarkOf(link),
      noteTimer: (domain, time) => this.#noteTimer(domain, time),
    })
    this.#head = assembly.receiver(heads)
    this.#links = assembly.links()
    for (const link of this.#links) assembly.open(link)
  }

  /** State is in place: takes up timers again. Called once, before the first record. */
  start(isRestored: boolean): void {
    for (const link of this.#links) {
      link.timers?.rebuild()
      if (isRestored) link.operator.restored?.()
    }
    this.#lookAtTimers()
  }

  /** Where records enter when they come one by one. */
  get head(): Receiver {
    return this.#head
  }

  /** When the clock must next be looked at, in milliseconds since the epoch; infinity: never. */
  get nextProcessing(): number {
    return this.#nextProcessing
  }

  /** Handles records from index `from` on; returns the index of the first one not handled. */
  process(batch: Batch, from: number, watermarks: Float64Array): number {
    const { length, values, times } = batch
    const cursor = this.#cursor
    const budget = this.#budget
    const head = this.#head
    cursor.enter(batch)
    for (let i = from; i < length; i++) {
      const watermark = watermarks[i]!
      if (watermark > cursor.watermark) {
        if (watermark < this.#nextEvent) cursor.watermark = watermark
        else {
          if (!this.advance(watermark)) return i
          cursor.enter(batch)
        }
      }
      cursor.at(batch, i)
      head.receive(values[i], times[i]!)
      if (budget.spend() || cursor.isFull) return i + 1
    }
    return length
  }

  /** Fires every event timer up to `watermark`; false if the call must be made again. */
  advance(watermark: EventTime): boolean {
    if (this.#advancing < 0) {
      if (watermark <= this.#cursor.watermark) return true
      this.#advancing = 0
      this.#target = watermark
    }
    while (this.#advancing < this.#links.length) {
      const link = this.#links[this.#advancing]!
      if (link.timers !== undefined) {
        while (link.timers.next('event') <= this.#target) {
          if (this.#cursor.isFull) return false
          if (!link.fire('event', this.#target, this.#target)) break
          if (this.#budget.spend()) return false
        }
      }
      this.#advancing++
    }
    this.#advancing = -1
    this.#cursor.watermark = this.#target
    this.#lookAtTimers()
    return true
  }

  /** Fires every processing timer due at `now`; false if the call must be made again. */
  fireProcessing(now: number): boolean {
    for (const link of this.#links) {
      if (link.timers === undefined) continue
      while (link.timers.next('processing') <= now) {
        if (this.#cursor.isFull) return false
        if (!link.fire('processing', now, this.#untimed(now))) break
        if (this.#budget.spend()) return false
      }
    }
    this.#lookAtTimers()
    return true
  }

  /** Tells each operator that its input has ended; false if the call must be made again. */
  finish(): boolean {
    while (this.#finishing < this.#links.length) {
      if (this.#cursor.isFull) return false
      this.#links[this.#finishing++]!.finish()
      if (this.#budget.spend()) return false
    }
    return true
  }

  /** Operators whose timers went on setting one another after the end of the input, and how many were dropped. */
  *endlessTimers(): Iterable<readonly [operator: string, dropped: number]> {
    for (const { timers, policy } of this.#links) {
      if (timers !== undefined && timers.dropped > 0) yield [policy.operator, timers.dropped]
    }
  }

  /** The kinds of key that each keyed operator has had. */
  keyKinds(): readonly { readonly operator: string; readonly kinds: readonly string[] }[] {
    return this.#links
      .map(({ policy, kinds }) => ({ operator: policy.operator, kinds: kinds.list() }))
      .filter(({ kinds }) => kinds.length > 0)
  }

  close(log: (error: unknown) => void): void {
    for (const link of this.#links) {
      try {
        link.operator.close?.()
      } catch (error) {
        log(error)
      }
    }
  }

  /** An operator that has advanced already sees the new watermark, those behind it still the old one. */
  #watermarkOf(link: OperatorLink): EventTime {
    return this.#advancing >= 0 && this.#links.indexOf(link) <= this.#advancing
      ? this.#target
      : this.#cursor.watermark
  }

  #noteTimer(domain: TimerDomain, time: number): void {
    if (domain === 'event') this.#nextEvent = Math.min(this.#nextEvent, time)
    else this.#nextProcessing = Math.min(this.#nextProcessing, time)
  }

  /** Records a processing timer emits must not be late, and must have a time if the stream has times. */
  #untimed(now: number): EventTime {
    const { watermark } = this.#cursor
    return Number.isFinite(watermark) ? watermark : now
  }

  #lookAtTimers(): void {
    let event = Number.POSITIVE_INFINITY
    let processing = Number.POSITIVE_INFINITY
    for (const { timers } of this.#links) {
      if (timers === undefined) continue
      event = Math.min(event, timers.next('event'))
      processing = Math.min(processing, timers.next('processing'))
    }
    this.#nextEvent = event
    this.#nextProcessing = processing
  }
}
