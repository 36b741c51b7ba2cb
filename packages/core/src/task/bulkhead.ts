import type { Clock, Wakeup } from '@millrace/world'
import type { AsyncNode, BulkheadRules } from '../graph/node.ts'
import type { KeyToken } from '../record/key-token.ts'
import { BinaryHeap } from '../time/binary-heap.ts'
import { RateLimit } from './rate-limit.ts'
import type { TaskSurroundings } from './task.ts'

/** A call as a bulkhead sees it. */
export interface GroupedCall {
  /** Increases in the order of the records. */
  readonly index: number
  readonly group: KeyToken | undefined
}

/** The dependencies of a bulkhead. */
interface BulkheadParts {
  readonly rules: BulkheadRules
  readonly clock: Clock
  /** The part of each group's rate that this subtask may use. */
  readonly share: number
  /** Called when a call may begin that could not before. */
  readonly wake: () => void
}

interface Group<C> {
  readonly token: KeyToken | undefined
  /** Its calls that have not begun, oldest first. */
  readonly waiting: BinaryHeap<C>
  readonly rate: RateLimit | undefined
  running: number
  /** Its place among the groups of which a call may begin; -1: none may. */
  place: number
}

/** With so many groups those are forgotten of which nothing is left to know. */
const leastSweep = 1_024

/**
 * The calls of one subtask that have not begun, by group. The first is the oldest of those whose group has a place left.
 *
 * Invariants between any two calls:
 *
 *  1. At most `concurrency` calls of each group run.
 *  2. A group is among the ready ones exactly if a call of it waits, fewer than `concurrency` run, and its bucket has a
 *     token. Otherwise an alarm of its bucket, or the end of one of its calls, makes it ready.
 *  3. A group is kept while it has calls or its bucket is not full. Others go when the number of groups has doubled.
 */
export class Bulkhead<C extends GroupedCall> {
  readonly #parts: BulkheadParts
  readonly #groups = new Map<KeyToken | undefined, Group<C>>()
  readonly #ready = new BinaryHeap<Group<C>>(
    (a, b) => a.waiting.first!.index < b.waiting.first!.index,
    (group, place) => {
      group.place = place
    },
  )
  #sweepAt = leastSweep

  constructor(parts: BulkheadParts) {
    this.#parts = parts
  }

  /** How many groups are kept. */
  get groups(): number {
    return this.#groups.size
  }

  /** The call that begins next, or undefined if none may. */
  get first(): C | undefined {
    return this.#ready.first?.waiting.first
  }

  add(call: C): void {
    const group = this.#groups.get(call.group) ?? this.#begin(call.group)
    group.waiting.add(call)
    this.#offer(group)
  }

  /** Removes and returns the first call, which now runs. */
  take(): C | undefined {
    const group = this.#ready.first
    if (group === undefined) return undefined
    const call = group.waiting.take()
    group.running++
    group.rate?.take()
    this.#offer(group)
    return call
  }

  /** A call that was taken no longer runs. */
  ended(call: C): void {
    const group = this.#groups.get(call.group)!
    group.running--
    this.#offer(group)
    if (group.rate === undefined) this.#forget(group)
  }

  end(): void {
    for (const { rate } of this.#groups.values()) rate?.end()
  }

  #begin(token: KeyToken | undefined): Group<C> {
    if (this.#groups.size >= this.#sweepAt) this.#sweep()
    const { rules, clock, share, wake } = this.#parts
    const awake = (): void => {
      this.#offer(group)
      wake()
    }
    const group: Group<C> = {
      token,
      waiting: new BinaryHeap<C>((a, b) => a.index < b.index),
      rate: rules.rate && new RateLimit(rules.rate, share, clock, awake),
      running: 0,
      place: -1,
    }
    this.#groups.set(token, group)
    return group
  }

  /** Puts a group among the ready ones, or takes it out, after anything about it has changed. */
  #offer(group: Group<C>): void {
    if (group.place >= 0) this.#ready.remove(group.place)
    group.place = -1
    if (group.waiting.size === 0 || group.running >= this.#parts.rules.concurrency) return
    if (group.rate?.hasToken !== false) this.#ready.add(group)
  }

  #sweep(): void {
    for (const group of this.#groups.values()) this.#forget(group)
    this.#sweepAt = Math.max(leastSweep, 2 * this.#groups.size)
  }

  /** Drops a group without calls. An empty bucket is kept, or the group would get a full one with its next call. */
  #forget({ token, waiting, running, rate }: Group<C>): void {
    if (waiting.size > 0 || running > 0 || rate?.isFull === false) return
    rate?.end()
    this.#groups.delete(token)
  }
}

/** The bulkhead of an asynchronous operator; undefined if it has none. */
export function bulkheadOf<C extends GroupedCall>(
  { bulkhead: rules }: Pick<AsyncNode, 'bulkhead'>,
  { platform, parallelism }: Pick<TaskSurroundings, 'platform' | 'parallelism'>,
  wakeup: Wakeup,
): Bulkhead<C> | undefined {
  if (rules === undefined) return undefined
  // All calls of a key are made in one subtask.
  const share = rules.by === undefined ? 1 : 1 / parallelism
  return new Bulkhead({ rules, clock: platform.clock, share, wake: () => wakeup.wake() })
}
