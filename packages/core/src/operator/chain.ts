/**
 * Several operators in one task, called directly.
 *
 * Invariants between any two calls:
 *
 *  1. No operator has an event timer that became due at `cursor.watermark` or before.
 *  2. Every record was handled under the watermark it was emitted under, for any batches.
 *  3. A call that returned early can be repeated and continues where it stopped. It returns early because the
 *     outputs are full, or because it has worked long enough and the event loop needs a turn. Each call makes
 *     progress.
 *
 * Time reaches the operators one after another: the output of an operator's timers is handled by later
 * operators under the old watermark, and only then do they advance. The end of the input, after which every
 * timer is due, reaches them in the same way. It leaves `cursor.watermark` unchanged, so that input that
 * resumes in a later run is not late.
 */
import type { Batch } from '../record/element.ts'
import type { PartFrame } from '../disk/profiler.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import type { Key } from '../record/key.ts'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import type { Slicing } from '../disk/yield-budget.ts'
import type { ExpiryClock } from '../state/time-to-live.ts'
import type { TimerDomain } from '../time/due-timer.ts'
import type { Reached } from '../time/reached.ts'
import { ChainAssembly, type ChainSurroundings } from './chain-assembly.ts'
import type { ChainTarget } from './chain-part.ts'
import type { Cursor } from './cursor.ts'
import type { SeenKeys } from './key-kinds.ts'
import type { OperatorLink } from './operator-link.ts'
import type { PartFlow, Receiver } from './receiver.ts'
import type { PartOutput, Tap, Tapped } from './tap.ts'

/** The progress of a chain in an earlier run. */
export interface RestoredChain {
  /** The key groups of its subtask now. */
  readonly groups: KeyGroupRange
  reached(operator: string): readonly Reached[]
}

/** Where a row of a seed belongs, and the key groups of the subtask. */
export interface SeedPlace {
  readonly key: Key
  readonly time: EventTime
  readonly groups: KeyGroupRange
}

/** What happened to an operator's timers at the end of its input. */
export interface EndedTimers {
  readonly operator: string
  /** Processing timers that fired at once, and that were deleted as the operator requested. */
  readonly firedAtEnd: number
  readonly droppedAtEnd: number
  /** Processing timers that were set while others fired, and were dropped. */
  readonly setAtEnd: number
  /** Event timers that were dropped because each set the next. */
  readonly endless: number
}

/** The operators of one task. */
export class Chain implements Tapped {
  readonly #cursor: Cursor
  readonly #budget: Slicing
  readonly #now: () => number
  /** Where records enter, by input of the task. */
  readonly #heads: readonly Receiver[]
  /** Operators in the order in which time reaches them. */
  readonly #links: readonly OperatorLink[]
  readonly #assembly: ChainAssembly
  /** The operator that is advancing to `#target`, or -1. */
  #advancing = -1
  #target: EventTime = 0
  #nextEvent = Number.POSITIVE_INFINITY
  #nextProcessing = Number.POSITIVE_INFINITY
  /** The operator that the end of the input has reached, or -1. */
  #ending = -1
  #starting: Iterator<undefined> | undefined

  /** `inputs[n]` are the targets of the task's input `n`: every target gets each of its records. */
  constructor(inputs: readonly (readonly ChainTarget[])[], around: ChainSurroundings) {
    this.#cursor = around.cursor
    this.#budget = around.budget
    this.#now = () => around.now()
    const assembly = new ChainAssembly(around, {
      noteTimer: (domain, time) => this.#noteTimer(domain, time),
    })
    this.#assembly = assembly
    this.#heads = inputs.map((targets) => assembly.receiver(targets))
    this.#links = assembly.links()
    for (const link of this.#links) assembly.open(link)
  }

  /**
   * Called when state is loaded: restores timers and lets operators do the same. Called before the first
   * record until it returns true: false means that the event loop needs a turn.
   */
  start(restored: RestoredChain | undefined): boolean {
    this.#starting ??= this.#restore(restored)
    while (this.#starting.next().done !== true) if (this.#budget.spend()) return false
    return true
  }

  /** Hands a row of its seed to an operator. Called after `start` and before the first record. */
  seed(operator: string, row: unknown, { key, time, groups }: SeedPlace): void {
    this.#links.find(({ policy }) => policy.operator === operator)!.seed(row, key, time, groups)
  }

  /** The entry for records of the first input that arrive one by one. */
  get head(): Receiver {
    return this.#heads[0]!
  }

  /** The records of each part so far. */
  flows(): Iterable<PartFlow> {
    return this.#assembly.flows()
  }

  /** Gives each part frames of its own in profiles, or takes them away. */
  frameParts(isFramed: boolean): readonly PartFrame[] {
    return this.#assembly.frameParts(isFramed)
  }

  /** Lets `tap` see what leaves an output of a part; undefined: nothing does any more. */
  tap(output: PartOutput, tap: Tap | undefined): void {
    this.#assembly.tap(output, tap)
  }

  /** When the clock must be checked next, in milliseconds since the epoch; infinity: never. */
  get nextProcessing(): number {
    return this.#nextProcessing
  }

  /** Handles records of one input from index `from` on; returns the index of the first one not handled. */
  process(batch: Batch, from: number, watermarks: Float64Array, input = 0): number {
    const { length, values, times } = batch
    const cursor = this.#cursor
    const budget = this.#budget
    const head = this.#heads[input]!
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

  /** Handles one record of a batch, under `watermark`. False if the call must be repeated. */
  processOne(batch: Batch, index: number, watermark: EventTime, input: number): boolean {
    const cursor = this.#cursor
    if (watermark > cursor.watermark && !this.advance(watermark)) return false
    cursor.enter(batch)
    cursor.at(batch, index)
    this.#heads[input]!.receive(batch.values[index], batch.times[index]!)
    return true
  }

  /**
   * Advances to a watermark that makes no timer due, for inputs that announce theirs before their first
   * record; false if some timer is due.
   */
  begin(watermark: EventTime): boolean {
    const isDue = (link: OperatorLink): boolean =>
      link.timers !== undefined && watermark > link.passed && watermark >= link.timers.next('event')
    if (this.#links.some(isDue)) return false
    this.#cursor.watermark = Math.max(this.#cursor.watermark, watermark)
    return true
  }

  /** The progress of the operators, for a checkpoint. */
  reached(groups: KeyGroupRange): ReadonlyMap<string, readonly Reached[]> {
    return new Map(this.#links.map((link) => [link.policy.operator, link.reached(groups)]))
  }

  /** Fires every event timer up to `watermark`; false if the call must be repeated. */
  advance(watermark: EventTime): boolean {
    if (this.#advancing < 0) {
      if (watermark <= this.#cursor.watermark) return true
      this.#advancing = 0
      this.#target = watermark
    }
    while (this.#advancing < this.#links.length) {
      if (!this.#advanceLink(this.#links[this.#advancing]!, this.#target)) return false
      this.#advancing++
    }
    this.#advancing = -1
    this.#cursor.watermark = this.#target
    this.#lookAtTimers()
    return true
  }

  /** Fires every processing timer due at `now`; false if the call must be repeated. */
  fireProcessing(now: number): boolean {
    for (const link of this.#links) {
      if (link.timers === undefined) continue
      if (!this.#expire(link, 'processing', now)) return false
      while (link.timers.next('processing') <= now) {
        if (this.#cursor.isFull) return false
        if (!link.fire('processing', now, now)) break
        if (this.#budget.spend()) return false
      }
    }
    this.#lookAtTimers()
    return true
  }

  /**
   * Handles the end of the input: operator by operator, fires every timer, calls `onEnd` for every key and
   * finishes. False if the call must be repeated.
   */
  end(): boolean {
    if (this.#ending < 0) this.#ending = 0
    while (this.#ending < this.#links.length) {
      if (!this.#endLink(this.#links[this.#ending]!)) return false
      this.#ending++
      if (this.#budget.spend()) return false
    }
    this.#lookAtTimers()
    return true
  }

  /** What happened to timers at the end of the input, by operator. */
  *timersAtEnd(): Iterable<EndedTimers> {
    for (const { timers, policy, firedAtEnd, droppedAtEnd } of this.#links) {
      if (timers === undefined) continue
      const { dropped, droppedProcessing } = timers
      if (firedAtEnd + droppedAtEnd + dropped + droppedProcessing === 0) continue
      yield {
        operator: policy.operator,
        firedAtEnd,
        droppedAtEnd,
        setAtEnd: droppedProcessing,
        endless: dropped,
      }
    }
  }

  /** The kinds of key that each keyed operator has had. */
  keyKinds(): readonly SeenKeys[] {
    return this.#links
      .map(({ policy, kinds }) => ({
        operator: policy.operator,
        kinds: kinds.list(),
        selector: kinds.selector,
      }))
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

  /** Fires the event timers of one operator up to `watermark`; false if the call must be repeated. */
  #advanceLink(link: OperatorLink, watermark: EventTime): boolean {
    link.advance(watermark)
    const { timers } = link
    if (timers === undefined) return true
    const isKept = watermark === MAX_TIME && link.operator.timersAtEnd === 'keep'
    const upTo = isKept ? link.passed : Math.max(watermark, link.passed)
    while (timers.next('event') <= upTo) {
      if (this.#cursor.isFull) return false
      if (!link.fire('event', upTo, upTo)) break
      if (this.#budget.spend()) return false
    }
    return this.#expire(link, 'event', watermark === MAX_TIME ? link.passed : upTo)
  }

  /** Removes the state of one operator that has expired; false if the call must be repeated. */
  #expire({ expiries }: OperatorLink, clock: ExpiryClock, upTo: number): boolean {
    while (expiries.next(clock) <= upTo) {
      if (!expiries.sweep(clock, upTo)) break
      if (this.#budget.spend()) return false
    }
    return true
  }

  *#restore(restored: RestoredChain | undefined): Generator<undefined> {
    for (const link of this.#links) {
      if (restored !== undefined) link.restore(restored.groups, restored.reached(link.policy.operator))
      if (link.timers !== undefined) yield* link.timers.rebuild()
      yield* link.expiries.rebuild()
      if (restored !== undefined) yield* link.operator.restored?.() ?? []
    }
    this.#lookAtTimers()
  }

  /** Ends one operator. Event timers set meanwhile fire before the next step. */
  #endLink(link: OperatorLink): boolean {
    if (!this.#advanceLink(link, MAX_TIME)) return false
    if (link.operator.timersAtEnd !== 'keep') link.timers?.endProcessing()
    const now = this.#now()
    for (;;) {
      if (this.#cursor.isFull) return false
      if (!link.stepToEnd(now)) break
      if (this.#budget.spend() || !this.#advanceLink(link, MAX_TIME)) return false
    }
    link.finish(now)
    return true
  }

  #noteTimer(domain: TimerDomain, time: number): void {
    if (domain === 'event') this.#nextEvent = Math.min(this.#nextEvent, time)
    else this.#nextProcessing = Math.min(this.#nextProcessing, time)
  }

  #lookAtTimers(): void {
    let event = Number.POSITIVE_INFINITY
    let processing = Number.POSITIVE_INFINITY
    for (const link of this.#links) {
      link.forgetFloor()
      const { timers, expiries } = link
      if (timers === undefined) continue
      const next = Math.min(timers.next('event'), expiries.next('event'))
      // Set for a time that has passed: it is due whenever time advances.
      event = Math.min(event, next <= link.passed ? MIN_TIME : next)
      processing = Math.min(processing, timers.next('processing'), expiries.next('processing'))
    }
    this.#nextEvent = event
    this.#nextProcessing = processing
  }
}
