/**
 * A drawn `process` that depends on the clock: it collects the figures of each key, and a timer emits them.
 *
 * The time of emission differs from run to run, but each figure is emitted once: by the first processing
 * timer that fires after it arrived, by the last of a number of figures that arrive before that, or, with
 * event time, by a timer that fires at the end of the input.
 */
import type { ListState, ValueState } from '@millrace/core/operator'
import { figureOf, type Item } from './item.ts'

/** Its context, for the current key. */
export interface GatheringHands {
  readonly list: ListState<number>
  /** When the processing timer is due. */
  readonly due: ValueState<number>
  readonly now: () => number
  readonly timers: {
    setProcessing(time: number, name: string): void
    deleteProcessing(time: number, name: string): void
    /** Absent without event time. */
    setEvent?(time: number, name: string): void
  }
  readonly emit: (gathered: Gathered) => void
}

/** Figures of one key that were emitted together. */
export interface Gathered extends Item {
  readonly value: readonly number[]
  /** Whether a processing timer should have emitted them before. */
  readonly isOverdue: boolean
}

/** Later than any record. */
const endOfInput = 4_000_000_000_000
/** The maximum number of figures collected before they are emitted. */
const most = 6
const longMs = 10
/** Emitted when a timer fires that was not set. No record has this value. */
const strayFigure = -1

/** Handles a record. */
export function gather(
  delayMs: number,
  { key, value: item }: { readonly key: Item['key']; readonly value: Item },
  hands: GatheringHands,
): void {
  const { list, due, now, timers } = hands
  list.add(figureOf(item))
  const before = due.get()
  if (before === undefined) {
    const at = now() + delayMs
    due.set(at)
    timers.setProcessing(at, 'hand on')
    timers.setEvent?.(endOfInput, 'the rest')
  } else if (delayMs > longMs && list.get().length >= most) {
    timers.deleteProcessing(before, 'hand on')
    emitAll(key, hands, false)
  }
}

/** Handles a timer. */
export function handOn(
  { key, time, name }: { readonly key: Item['key']; readonly time: number; readonly name: string },
  hands: GatheringHands,
): void {
  const { due, now, timers, emit } = hands
  const at = due.get()
  if (name === 'hand on' && at !== time) {
    emit({ key, value: [strayFigure], isOverdue: false })
  } else if (at !== undefined) {
    if (name === 'the rest') timers.deleteProcessing(at, 'hand on')
    emitAll(key, hands, name === 'the rest' && at < now())
  }
}

function emitAll(key: Item['key'], { list, due, emit }: GatheringHands, isOverdue: boolean): void {
  emit({ key, value: [...list.get()], isOverdue })
  list.clear()
  due.clear()
}
