/** The use of state and timers by a drawn `process`: the same code for the engine and for the oracle. */
import type { ListState, MapState, ValueState } from '@millrace/core/operator'
import { figureOf, foldOf, passes, remainder, type Item } from './item.ts'
import type { Program } from './topology.ts'

/** The context of a program, for the current key. */
export interface Hands {
  readonly value: ValueState<number>
  readonly list: ListState<number>
  readonly map: MapState<number, number>
  /** When the timer of `silence` is due. */
  readonly due: ValueState<number>
  readonly watermark: () => number
  setTimer(time: number, name: string): void
  deleteTimer(time: number, name: string): void
  emit(item: Item): void
  emitAt(time: number, item: Item): void
  /** `time` is that of the current record. */
  side(item: Item, time: number): void
}

/** Handles a record. */
export function onRecord(program: Program, item: Item, time: number, hands: Hands): void {
  const { timers, delayMs, emitsAtOnce, side } = program
  keep(program, figureOf(item), hands)
  if (side !== undefined && passes(side, item)) hands.side(item, time)
  if (timers === 'silence') {
    const before = hands.due.get()
    if (before !== undefined) hands.deleteTimer(before, 'silence')
    const due = Math.max(time + delayMs, before ?? time)
    hands.due.set(due)
    hands.setTimer(due, 'silence')
  } else if (timers === 'rounds') {
    hands.setTimer(Math.ceil(time / delayMs) * delayMs + delayMs, 'round')
  }
  if (!emitsAtOnce) return
  const kept = recall(program, hands)
  const value = program.tellsWatermark === true ? foldOf([kept, watermarkValue(hands.watermark())]) : kept
  hands.emit({ key: item.key, value })
}

/** An integer for a watermark, also for that of a stream without records so far. */
export function watermarkValue(watermark: number): number {
  return Number.isFinite(watermark) ? remainder(Math.trunc(watermark), 10_000) : 0
}

/** Handles a timer. */
export function onTimer(
  program: Program,
  timer: { readonly key: Item['key']; readonly time: number; readonly name: string },
  hands: Hands,
): void {
  const { aheadMs, delayMs } = program
  const { key, time, name } = timer
  const item = { key, value: recall(program, hands) }
  if (aheadMs > 0) hands.emitAt(time + aheadMs, item)
  else hands.emit(item)
  if (name === 'round') {
    hands.setTimer(time + delayMs, 'again')
    return
  }
  hands.due.clear()
  forget(program, hands)
}

function keep({ keeps, keepsMax }: Program, figure: number, { value, list, map }: Hands): void {
  if (keeps === 'value') {
    const total = (value.get() ?? 0) + figure
    if (total % keepsMax === 0) value.clear()
    else value.set(total % 10_000)
  } else if (keeps === 'list') {
    list.add(figure)
    const kept = list.get()
    if (kept.length > keepsMax) list.set(kept.slice(2))
  } else {
    const name = figure % 7
    map.set(name, (map.get(name) ?? 0) + 1)
    const other = (figure + 3) % 7
    if (map.has(other) && figure % 3 === 0) map.delete(other)
    if (map.size > keepsMax) map.clear()
  }
}

function recall({ keeps }: Program, { value, list, map }: Hands): number {
  if (keeps === 'value') return value.get() ?? -1
  if (keeps === 'list') return foldOf(list.get())
  return foldOf(Array.from(map.entries(), ([name, times]) => remainder(name * 100 + times, 1_000)))
}

function forget({ keeps }: Program, { value, list, map }: Hands): void {
  if (keeps === 'value') value.clear()
  else if (keeps === 'list') list.clear()
  else map.clear()
}
