/**
 * What a drawn `process` does that goes by the clock: it gathers the figures of each key, and a timer hands them on.
 *
 * When it does so differs from run to run, but each figure is handed on once: by the first timer by the clock that
 * fires after it came, by the last of so many figures that come before that, or, where there is event time, by a timer
 * that the end of the input sets off.
 */
import type { ListState, ValueState } from '@millrace/core'
import { figureOf, type Item } from './item.ts'

/** What it may touch. Everything means the key at hand. */
export interface GatheringHands {
  readonly list: ListState<number>
  /** When the timer by the clock is due. */
  readonly due: ValueState<number>
  readonly now: () => number
  readonly timers: {
    setProcessing(time: number, name: string): void
    deleteProcessing(time: number, name: string): void
    /** Absent where there is no event time. */
    setEvent?(time: number, name: string): void
  }
  readonly emit: (gathered: Gathered) => void
}

/** Figures of one key that came out together. */
export interface Gathered extends Item {
  readonly value: readonly number[]
  /** Whether a timer by the clock should have handed them on before. */
  readonly isOverdue: boolean
}

/** Later than any record. */
const endOfInput = 4_000_000_000_000
/** Who waits long waits for no more than so many figures. */
const most = 6
const longMs = 10
/** Comes out when a timer fires that is not set. No record has it. */
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
