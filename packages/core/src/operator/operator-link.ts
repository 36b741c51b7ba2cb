import type { PartFrame } from '../disk/profiler.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { Key } from '../record/key.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import { isThenable, refusePromise } from '../errors/synchronous.ts'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import { Expiries } from '../state/expiries.ts'
import type { KeyScope } from '../state/keyed-handles.ts'
import type { TimerDomain } from '../time/due-timer.ts'
import { WatermarkFloor, type Reached } from '../time/reached.ts'
import type { TimerQueue } from '../time/timer-queue.ts'
import type { Cursor } from './cursor.ts'
import type { FailurePolicy } from './failure-policy.ts'
import { framed, type PartWork } from './framed.ts'
import type { KeyKinds, KeySelectors } from './key-kinds.ts'
import { LinkCollector } from './link-collector.ts'
import { LinkInput } from './link-input.ts'
import { OperatorError } from './operator-error.ts'
import type { Collector, Operator } from './operator.ts'
import type { PartFlow, Receiver } from './receiver.ts'
import { RecordAtHand } from './record-at-hand.ts'
import type { RecordTransaction } from './record-transaction.ts'
import type { OperatorTraces, TracedOperator } from './operator-traces.ts'
import { placeAt, type PartOutput, type Tap, type TapPlace, type Tapped } from './tap.ts'

/**
 * One operator of a chain with its key, its timers, its error policy and its progress in event time.
 *
 * Its watermark is that of the chain, unless it is ahead: because the chain advances one operator after
 * another, because it was restored with a watermark that the chain has not reached yet, or because its input
 * has ended.
 */
export class OperatorLink implements Receiver, PartWork, TracedOperator, Tapped {
  readonly operator: Operator<unknown, unknown>
  readonly timers: TimerQueue | undefined
  /** Its state that expires. */
  readonly expiries: Expiries = new Expiries()
  readonly policy: FailurePolicy
  /** The kinds of key it has had. */
  readonly kinds: KeyKinds
  readonly out: Collector<unknown>
  /** What taps see of the record that it emits. */
  readonly place: TapPlace
  readonly #collectors: LinkCollector[] = []
  /** Event time of the record or timer being handled: what `emit` stamps. */
  time: EventTime = 0.5
  /** The watermark it has advanced to, or is advancing to; `MAX_TIME` once its input has ended. */
  #ahead: EventTime = MIN_TIME
  #floor = WatermarkFloor.none
  #hasEnded = false
  /** Whether it handles a processing timer or the end, whose time comes from the clock. */
  #isOutsideEventTime = false
  /** How many processing timers fired only because the input ended, and how many were deleted. */
  firedAtEnd = 0
  droppedAtEnd = 0
  /** The keys that have state. Set once the operator is open. */
  keys: () => Iterable<KeyToken> = () => []
  #received = 0
  #emitted = 0
  #endingKeys: Iterator<KeyToken> | undefined
  #firedTo: EventTime = MIN_TIME
  readonly #record: RecordAtHand
  /** The key selectors, by input; empty if the operator has no key. */
  readonly #keys: KeySelectors
  /** The input of the record at hand, and its selector; between records those of the first. */
  #input = 0
  #keyBy: ((value: unknown) => Key) | undefined
  /** Itself, or what calls it: in spans of its own, and from frames of its own while a profile is made. */
  #entry: PartWork
  readonly #traces: OperatorTraces | undefined
  readonly #isFirst: boolean
  readonly #scope: KeyScope
  readonly #cursor: Cursor
  /** Undefined for an operator that stops the task when it fails. */
  readonly #transaction: RecordTransaction | undefined
  /** An error thrown by a later operator. */
  #failedBehind: { readonly thrown: unknown } | undefined

  constructor(parts: {
    readonly operator: Operator<unknown, unknown>
    readonly keys: KeySelectors
    /** Whether it is subtask 0, which alone reports a failed record of a broadcast input. */
    readonly isFirst: boolean
    readonly scope: KeyScope
    readonly timers: TimerQueue | undefined
    readonly policy: FailurePolicy
    readonly kinds: KeyKinds
    readonly cursor: Cursor
    readonly transaction: RecordTransaction | undefined
    /** Undefined if nothing is traced. */
    readonly traces: OperatorTraces | undefined
    readonly target: Receiver
  }) {
    this.operator = parts.operator
    this.timers = parts.timers
    this.policy = parts.policy
    this.kinds = parts.kinds
    this.#keys = parts.keys
    this.#keyBy = parts.keys[0]
    this.#isFirst = parts.isFirst
    this.#scope = parts.scope
    this.#cursor = parts.cursor
    this.#transaction = parts.transaction
    this.#record = new RecordAtHand(parts.cursor)
    this.place = placeAt(parts.cursor, () => this.keyAtHand)
    this.out = this.collector(parts.target)
    this.#traces = parts.traces
    this.#entry = parts.traces?.around(this, this) ?? this
  }

  /**
   * The entry for records of `input`. The first one is the link itself, so that most operators need no
   * indirection.
   */
  input(input: number): Receiver {
    return input === 0 ? this : new LinkInput(this, input)
  }

  /** What emits to one of its outputs. */
  collector(target: Receiver, output = 'main'): Collector<unknown> {
    const collector = new LinkCollector(this, target, output)
    this.#collectors.push(collector)
    return collector
  }

  /** Lets `tap` see what leaves one of its outputs; undefined: nothing does any more. */
  tap({ part, output }: PartOutput, tap: Tap | undefined): void {
    if (part !== this.policy.operator) return
    for (const collector of this.#collectors) if (collector.output === output) collector.tap(tap)
  }

  /** Restores the progress of an earlier run. */
  restore(groups: KeyGroupRange, reached: readonly Reached[]): void {
    this.#floor = new WatermarkFloor(groups, reached)
    this.#hasEnded = reached.length > 0 && reached.every(({ hasEnded }) => hasEnded)
    this.#firedTo = Math.max(MIN_TIME, ...reached.map(({ firedTo }) => firedTo))
  }

  /** The watermark for records and timers of the current key. */
  get watermark(): EventTime {
    return Math.max(this.#ahead, this.#unendedWatermark)
  }

  /** What has passed for every key, so that its timers have fired or are due at the next opportunity. */
  get passed(): EventTime {
    return Math.max(this.#cursor.watermark, this.#floor.lowest)
  }

  /** The time by which event-time state expires. The end of the input expires nothing. */
  get expiryTime(): EventTime {
    return this.#isOutsideEventTime ? this.passed : Math.max(this.time, this.passed)
  }

  /** Begins advancing to `watermark`, which its timers and records see from now on. */
  advance(watermark: EventTime): void {
    if (watermark === MAX_TIME && this.#ahead !== MAX_TIME && !this.#hasEnded) this.#firedTo = MIN_TIME
    this.#ahead = watermark
  }

  /** Ends advancing: restored watermarks below it no longer matter. */
  forgetFloor(): void {
    if (this.#floor.highest <= this.#cursor.watermark) this.#floor = WatermarkFloor.none
  }

  /** Its progress, for a checkpoint. */
  reached(groups: KeyGroupRange): readonly Reached[] {
    const hasEnded = this.#hasEnded
    const firedTo = hasEnded ? this.#firedTo : MIN_TIME
    return this.#floor.raisedTo(this.#cursor.watermark, groups).map((run) => ({ ...run, hasEnded, firedTo }))
  }

  /** The records it has received and emitted, on all its outputs. */
  get flow(): PartFlow {
    return { operator: this.policy.operator, recordsIn: this.#received, recordsOut: this.#emitted }
  }

  get keyAtHand(): KeyToken | undefined {
    return this.#scope.isInKey ? this.#scope.token : undefined
  }

  get inputAtHand(): number {
    return this.#input
  }

  get hasSetHeaders(): boolean {
    return this.#record.hasSetHeaders
  }

  /** Sets the headers of what the current call emits from now on. */
  setHeaders(headers: RecordHeaders | undefined): void {
    this.#record.setHeaders(headers)
  }

  /** Passes `value` to `target`: at once, or when the current record can no longer fail. */
  emit(target: Receiver, value: unknown, time: EventTime): void {
    if (isThenable(value)) refusePromise(value, 'it emits')
    if (this.#transaction?.isOpen === true) {
      this.#transaction.emit(target, value, time)
      return
    }
    this.#emitted++
    try {
      target.receive(value, time)
    } catch (thrown) {
      this.#failedBehind ??= { thrown }
      throw thrown
    }
  }

  /** Handles a record of another input than the first. The others cost a call more, so that the first costs none. */
  receiveFrom(input: number, value: unknown, time: EventTime): void {
    this.#input = input
    this.#keyBy = this.#keys[input]
    if (this.#keyBy === undefined) {
      this.#record.key = undefined
      this.#scope.clear()
    }
    this.receive(value, time)
    this.#input = 0
    this.#keyBy = this.#keys[0]
  }

  receive(value: unknown, time: EventTime): void {
    this.#entry.handle(value, time)
  }

  /** Gives its work frames of its own in profiles, or takes them away. */
  frameParts(isFramed: boolean): readonly PartFrame[] {
    const own = isFramed ? framed(this.policy.operator, this) : undefined
    const work = own?.work ?? this
    this.#entry = this.#traces?.around(work, this) ?? work
    return own?.frames ?? []
  }

  /** Handles a record. */
  handle(value: unknown, time: EventTime): void {
    this.#received++
    // Input that resumes after its end may end again.
    this.#hasEnded = false
    const record = this.#record
    record.value = value
    record.time = time
    record.key = undefined
    this.time = time
    this.#transaction?.begin()
    try {
      if (this.#keyBy !== undefined) {
        const key = this.#keyBy(value)
        record.key = key
        this.#scope.set(key)
        this.kinds.see(key)
      }
      this.#done(this.operator.process(record, this.out, this.#input))
    } catch (thrown) {
      this.#transaction?.rollback()
      if (this.#record.hasSetHeaders) this.#record.putBackHeaders()
      const isCopy = !this.#isFirst && this.#keyBy === undefined && this.#keys.length > 0
      if (isCopy) this.policy.handleCopy(thrown, this.#cursor)
      else this.policy.handle(thrown, this.#cursor, value, time, record.key)
      return
    }
    if (this.#record.hasSetHeaders) this.#record.putBackHeaders()
    // Outside of the `try`: this operator's policy does not apply to errors of later ones.
    if (this.#transaction !== undefined) this.#emitted += this.#transaction.commit()
  }

  /** Hands a row of the seed to the operator, if its key belongs to `groups`. Throws what the operator throws. */
  seed(row: unknown, key: Key, time: EventTime, groups: KeyGroupRange): void {
    const scope = this.#scope
    scope.set(key)
    if (scope.group >= groups.first && scope.group <= groups.last) {
      this.kinds.see(key)
      this.time = time
      this.#done(this.operator.seeded?.({ value: row, time, key }))
    }
    scope.clear()
  }

  /**
   * Takes one step: fires the earliest timer due at `upTo`, or continues the search for the next key of a
   * sweep. Returns false if nothing is due. `now` is the time of a processing timer's output on a stream
   * without event times.
   */
  fire(domain: TimerDomain, upTo: number, now: number): boolean {
    return this.#entry.step(domain, upTo, now)
  }

  /** The work of `fire`. */
  step(domain: TimerDomain, upTo: number, now: number): boolean {
    const due = this.timers!.take(domain, upTo)
    if (due === undefined) return false
    if (due === 'searching') return true
    // A sweep is set once for all keys; keys from a subtask that was further ahead have already fired it
    // there.
    if (due.isSweep && due.time <= this.#floor.of(due.group)) return true
    const scope = this.#scope
    scope.setToken(due.token, due.group)
    if (domain === 'event') {
      this.time = due.time
      if (this.#ahead === MAX_TIME) this.#firedTo = Math.max(this.#firedTo, due.time)
    } else {
      this.time = this.#timeAt(now)
      this.#isOutsideEventTime = true
    }
    const timer = { key: scope.key, time: due.time, name: due.name, domain }
    this.#cursor.atTimer(timer)
    try {
      if (this.#traces === undefined) this.#done(this.operator.onTimer?.(timer, this.out))
      else this.#traces.fire(due, timer, this, () => this.#done(this.operator.onTimer?.(timer, this.out)))
    } catch (thrown) {
      if (thrown instanceof OperatorError) throw thrown
      // A timer has no record to skip, so an error stops the task.
      throw new OperatorError(this.policy.operator, this.#cursor.place(), thrown)
    }
    if (this.#record.hasSetHeaders) this.#record.putBackHeaders()
    this.#isOutsideEventTime = false
    return true
  }

  /**
   * Handles the end of the input, after every event timer has fired: takes one more step: fires or drops a
   * processing timer, or calls `onEnd` for a key. False if none is left.
   */
  stepToEnd(now: number): boolean {
    const { timers, operator } = this
    const atEnd = operator.timersAtEnd ?? 'fire'
    if (timers !== undefined && atEnd !== 'keep' && timers.next('processing') !== Number.POSITIVE_INFINITY) {
      if (atEnd === 'drop') {
        timers.take('processing', MAX_TIME)
        this.droppedAtEnd++
      } else {
        this.fire('processing', MAX_TIME, now)
        this.firedAtEnd++
      }
      return true
    }
    if (operator.onEnd === undefined || this.#hasEnded) return false
    this.#isOutsideEventTime = true
    this.#endingKeys ??= this.keys()[Symbol.iterator]()
    const next = this.#endingKeys.next()
    if (next.done === true) return false
    const scope = this.#scope
    scope.setToken(next.value, -1)
    this.#atEnd(now, () => operator.onEnd!(scope.key, this.out))
    return true
  }

  /** Calls `finish`, unless an earlier run did and nothing has arrived since. */
  finish(now: number): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#scope.clear()
    this.#atEnd(now, () => this.operator.finish?.(this.out))
  }

  #atEnd(now: number, call: () => unknown): void {
    this.#cursor.atTimer('end')
    this.time = this.#timeAt(now)
    this.#isOutsideEventTime = true
    try {
      this.#done(call())
    } catch (thrown) {
      if (thrown instanceof OperatorError) throw thrown
      throw new OperatorError(this.policy.operator, this.#cursor.place(), thrown)
    }
    if (this.#record.hasSetHeaders) this.#record.putBackHeaders()
    this.#isOutsideEventTime = false
  }

  /**
   * Output of processing timers or at the end must not be late, and must have a time if the stream has event
   * times.
   */
  #timeAt(now: number): EventTime {
    return Number.isFinite(this.#unendedWatermark) ? this.#unendedWatermark : now
  }

  /**
   * Checks a returned call of the operator: it returned no promise, and caught no error of a later operator.
   */
  #done(returned: unknown): void {
    if (returned !== undefined && isThenable(returned)) refusePromise(returned)
    if (this.#failedBehind !== undefined) throw this.#failedBehind.thrown
  }

  get #unendedWatermark(): EventTime {
    const floor = this.#floor
    const isOne = floor.lowest === floor.highest || !this.#scope.isInKey
    return Math.max(this.#cursor.watermark, isOne ? floor.lowest : floor.of(this.#scope.group))
  }
}
