import type { KeyToken } from '../record/key-token.ts'
import type { Key } from '../record/key.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import { isThenable, refusePromise } from '../errors/synchronous.ts'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import type { KeyScope } from '../state/keyed-handles.ts'
import type { TimerDomain } from '../time/due-timer.ts'
import { WatermarkFloor, type Reached } from '../time/reached.ts'
import type { TimerQueue } from '../time/timer-queue.ts'
import type { Cursor } from './cursor.ts'
import type { FailurePolicy } from './failure-policy.ts'
import type { KeyKinds } from './key-kinds.ts'
import { OperatorError } from './operator-error.ts'
import type { Collector, Operator } from './operator.ts'
import type { Receiver } from './receiver.ts'
import type { RecordTransaction } from './record-transaction.ts'

/** Hands what an operator emits to what comes after it. */
class LinkCollector implements Collector<unknown> {
  readonly #link: OperatorLink
  readonly #target: Receiver

  constructor(link: OperatorLink, target: Receiver) {
    this.#link = link
    this.#target = target
  }

  emit(value: unknown): void {
    this.#link.emit(this.#target, value, this.#link.time)
  }

  emitAt(time: EventTime, value: unknown): void {
    this.#link.emit(this.#target, value, time)
  }
}

/** One input of an operator that has several. */
class LinkInput implements Receiver {
  readonly #link: OperatorLink
  readonly #input: number
  readonly #keyBy: ((value: unknown) => Key) | undefined

  constructor(link: OperatorLink, input: number, keyBy: ((value: unknown) => Key) | undefined) {
    this.#link = link
    this.#input = input
    this.#keyBy = keyBy
  }

  receive(value: unknown, time: EventTime): void {
    this.#link.handle(value, time, this.#keyBy, this.#input)
  }
}

/**
 * One operator of a chain with its key, its timers, its error policy and how far it is in event time.
 *
 * Its watermark is that of the chain, unless it is ahead of it: because the chain advances one operator after another,
 * because it was restored with a watermark that the chain has yet to reach, or because its input has ended.
 */
export class OperatorLink implements Receiver {
  readonly operator: Operator<unknown, unknown>
  readonly timers: TimerQueue | undefined
  readonly policy: FailurePolicy
  /** The kinds of key it has had. */
  readonly kinds: KeyKinds
  readonly out: Collector<unknown>
  /** Event time of the record or timer being handled: what `emit` stamps. */
  time: EventTime = 0.5
  /** What the chain is advancing it to, or has; `MAX_TIME` once its input has ended. */
  #ahead: EventTime = MIN_TIME
  #floor = WatermarkFloor.none
  #hasEnded = false
  /** How many processing timers fired only because the input ended, and how many were deleted. */
  firedAtEnd = 0
  droppedAtEnd = 0
  /** The keys that have state. Set once the operator is open. */
  keys: () => Iterable<KeyToken> = () => []
  #endingKeys: Iterator<KeyToken> | undefined
  #firedTo: EventTime = MIN_TIME
  readonly #record: { value: unknown; time: EventTime; key: Key | undefined }
  /** What gives records their key, by input; empty if the operator has no key. */
  readonly #keys: readonly ((value: unknown) => Key)[]
  /** That of the first input. */
  readonly #keyBy: ((value: unknown) => Key) | undefined
  readonly #scope: KeyScope
  readonly #cursor: Cursor
  /** Undefined for an operator that stops the task when it fails. */
  readonly #transaction: RecordTransaction | undefined
  /** What an operator behind this one has thrown. */
  #failedBehind: { readonly thrown: unknown } | undefined

  constructor(parts: {
    readonly operator: Operator<unknown, unknown>
    readonly keys: readonly ((value: unknown) => Key)[]
    readonly scope: KeyScope
    readonly timers: TimerQueue | undefined
    readonly policy: FailurePolicy
    readonly kinds: KeyKinds
    readonly cursor: Cursor
    readonly transaction: RecordTransaction | undefined
    readonly target: Receiver
  }) {
    this.operator = parts.operator
    this.timers = parts.timers
    this.policy = parts.policy
    this.kinds = parts.kinds
    this.#keys = parts.keys
    this.#keyBy = parts.keys[0]
    this.#scope = parts.scope
    this.#cursor = parts.cursor
    this.#transaction = parts.transaction
    this.#record = { value: undefined, time: 0.5, key: undefined }
    this.out = this.collector(parts.target)
  }

  /** Where records of input `input` enter. The first one is the link itself, so that most operators take no detour. */
  input(input: number): Receiver {
    return input === 0 ? this : new LinkInput(this, input, this.#keys[input])
  }

  collector(target: Receiver): Collector<unknown> {
    return new LinkCollector(this, target)
  }

  /** Takes up where the operator was in an earlier life. */
  restore(groups: KeyGroupRange, reached: readonly Reached[]): void {
    this.#floor = new WatermarkFloor(groups, reached)
    this.#hasEnded = reached.length > 0 && reached.every(({ hasEnded }) => hasEnded)
    this.#firedTo = Math.max(MIN_TIME, ...reached.map(({ firedTo }) => firedTo))
  }

  /** The watermark that records and timers of the current key meet. */
  get watermark(): EventTime {
    return Math.max(this.#ahead, this.#unendedWatermark)
  }

  /** What has passed for every key, so that its timers have fired or are due at the next opportunity. */
  get passed(): EventTime {
    return Math.max(this.#cursor.watermark, this.#floor.lowest)
  }

  /** The chain advances it to `watermark`: that is what its timers and records meet from now on. */
  advance(watermark: EventTime): void {
    if (watermark === MAX_TIME && this.#ahead !== MAX_TIME && !this.#hasEnded) this.#firedTo = MIN_TIME
    this.#ahead = watermark
  }

  /** The chain has advanced: what it has passed is no floor any more. */
  forgetFloor(): void {
    if (this.#floor.highest <= this.#cursor.watermark) this.#floor = WatermarkFloor.none
  }

  /** How far it is, for a checkpoint. */
  reached(groups: KeyGroupRange): readonly Reached[] {
    const hasEnded = this.#hasEnded
    const firedTo = hasEnded ? this.#firedTo : MIN_TIME
    return this.#floor.raisedTo(this.#cursor.watermark, groups).map((run) => ({ ...run, hasEnded, firedTo }))
  }

  /** Hands `value` to `target`: at once, or when the record being handled can no longer fail. */
  emit(target: Receiver, value: unknown, time: EventTime): void {
    if (isThenable(value)) refusePromise(value, 'it emits')
    if (this.#transaction?.isOpen === true) {
      this.#transaction.emit(target, value, time)
      return
    }
    try {
      target.receive(value, time)
    } catch (thrown) {
      this.#failedBehind ??= { thrown }
      throw thrown
    }
  }

  receive(value: unknown, time: EventTime): void {
    this.handle(value, time, this.#keyBy, 0)
  }

  /** Handles a record of one of the inputs. */
  handle(value: unknown, time: EventTime, keyBy: ((value: unknown) => Key) | undefined, input: number): void {
    // Input that comes back after its end may end again.
    this.#hasEnded = false
    const record = this.#record
    record.value = value
    record.time = time
    this.time = time
    this.#transaction?.begin()
    try {
      if (keyBy !== undefined) {
        const key = keyBy(value)
        record.key = key
        this.#scope.set(key)
        this.kinds.see(key)
      }
      this.#done(this.operator.process(record, this.out, input))
    } catch (thrown) {
      this.#transaction?.rollback()
      this.policy.handle(thrown, this.#cursor, value, time)
      return
    }
    // Outside of the `try`: this operator's policy is not for what those behind it throw.
    this.#transaction?.commit()
  }

  /**
   * Takes one step: fires the earliest timer due at `upTo`, or searches on for the next key of a sweep. Returns false
   * if nothing is due. `now` stamps what a processing timer emits on a stream without times.
   */
  fire(domain: TimerDomain, upTo: number, now: number): boolean {
    const due = this.timers!.take(domain, upTo)
    if (due === undefined) return false
    if (due === 'searching') return true
    // A sweep is set once for all keys; those that came from a subtask further ahead had it there.
    if (due.isSweep && due.time <= this.#floor.of(due.group)) return true
    const scope = this.#scope
    scope.setToken(due.token, due.group)
    if (domain === 'event') {
      this.time = due.time
      if (this.#ahead === MAX_TIME) this.#firedTo = Math.max(this.#firedTo, due.time)
    } else {
      this.time = this.#timeAt(now)
    }
    const timer = { key: scope.key, time: due.time, name: due.name, domain }
    this.#cursor.atTimer(timer)
    try {
      this.#done(this.operator.onTimer?.(timer, this.out))
    } catch (thrown) {
      if (thrown instanceof OperatorError) throw thrown
      // A timer has no record that a policy could leave out, so an error stops the task.
      throw new OperatorError(this.policy.operator, this.#cursor.place(), thrown)
    }
    return true
  }

  /**
   * The input has ended and every event timer has fired. Takes one more step to the end: fires or drops a processing
   * timer, or calls `onEnd` for a key. False if none is left.
   */
  stepToEnd(now: number): boolean {
    const { timers, operator } = this
    if (timers !== undefined && timers.next('processing') !== Number.POSITIVE_INFINITY) {
      if (operator.timersAtEnd === 'drop') {
        timers.take('processing', MAX_TIME)
        this.droppedAtEnd++
      } else {
        this.fire('processing', MAX_TIME, now)
        this.firedAtEnd++
      }
      return true
    }
    if (operator.onEnd === undefined || this.#hasEnded) return false
    this.#endingKeys ??= this.keys()[Symbol.iterator]()
    const next = this.#endingKeys.next()
    if (next.done === true) return false
    const scope = this.#scope
    scope.setToken(next.value, -1)
    this.#atEnd(now, () => operator.onEnd!(scope.key, this.out))
    return true
  }

  /** Calls `finish`, unless that was done in an earlier life and nothing has come since. */
  finish(now: number): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.#scope.clear()
    this.#atEnd(now, () => this.operator.finish?.(this.out))
  }

  #atEnd(now: number, call: () => unknown): void {
    this.#cursor.atTimer('end')
    this.time = this.#timeAt(now)
    try {
      this.#done(call())
    } catch (thrown) {
      if (thrown instanceof OperatorError) throw thrown
      throw new OperatorError(this.policy.operator, this.#cursor.place(), thrown)
    }
  }

  /** What is emitted by the clock, or at the end, must not be late, and must have a time if the stream has times. */
  #timeAt(now: number): EventTime {
    return Number.isFinite(this.#unendedWatermark) ? this.#unendedWatermark : now
  }

  /** A call of the operator has returned: not with a promise, and not with an error caught that was not its own. */
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
