import type { EventTime } from '@millrace/core'
import { TokenMap, type Cell, type KeyToken, type StateTable } from '@millrace/core/store'
import {
  farthestTime,
  isBetweenWindows,
  sliceAround,
  type MergingWindows,
  type Window,
  type WindowAssigner,
} from './assigner.ts'
import { justAfter } from './due-times.ts'
import type { GlobalWindows } from './global.ts'
import type { OpenWindow } from './open-window.ts'
import { SortedTimes } from './sorted-times.ts'

type OpenTable = StateTable<OpenWindow>

/** Which windows a record is in, under which id each is kept, and when each window ends. */
export interface WindowLayout {
  /** The windows of a record alone. */
  windowsOf(value: unknown, time: EventTime): readonly Window[]
  /** The windows of a key that are kept and meet such a window: they are one window from now on. */
  met(table: OpenTable, token: KeyToken, own: Window): readonly Cell<OpenWindow>[]
  /** The id of a window of one key. */
  idOf(window: Window): EventTime
  /** The watermark at which a window with this end is over. */
  overAt(end: EventTime): EventTime
  /** The time of a window's results. */
  timeOf(end: EventTime): EventTime
  /** Handles a window that is kept from now on, or no longer. */
  entered(cell: Cell<OpenWindow>): void
  left(cell: Cell<OpenWindow>): void
  /** Whether windows never end, so that only triggers and the end of the input let them out. */
  readonly isEndless: boolean
}

/** Windows of any kind. */
export type AnyWindows = WindowAssigner | MergingWindows | GlobalWindows

/** The layout of a kind of windows. */
export function layoutOf(windows: AnyWindows): WindowLayout {
  if ('isGlobal' in windows) return new GlobalLayout()
  return 'windowOf' in windows ? new MergingLayout(windows) : new FixedLayout(windows)
}

/** Windows whose bounds follow from the time. Ends are unique, starts are not: cumulative windows share them. */
class FixedLayout implements WindowLayout {
  readonly isEndless = false
  readonly #assigner: WindowAssigner

  constructor(assigner: WindowAssigner) {
    this.#assigner = assigner
  }

  windowsOf(_: unknown, time: EventTime): readonly Window[] {
    const slice = sliceAround(this.#assigner, time)
    if (isBetweenWindows(slice)) return []
    const windows: Window[] = []
    let end = slice.firstWindowEnd
    for (; end <= slice.lastWindowEnd; end = this.#assigner.slice(end).firstWindowEnd) {
      windows.push({ start: this.#assigner.startOf(end), end })
    }
    return windows
  }

  met(table: OpenTable, token: KeyToken, { end }: Window): readonly Cell<OpenWindow>[] {
    const cell = table.find(end, token)
    return cell === undefined ? [] : [cell]
  }

  idOf({ end }: Window): EventTime {
    return end
  }

  overAt(end: EventTime): EventTime {
    return end
  }

  timeOf(end: EventTime): EventTime {
    return end - 1
  }

  entered(): void {}

  left(): void {}
}

/**
 * Windows that merge: those of one key neither overlap nor touch. A record at the very end of one still belongs to
 * it, so it is over when the watermark has passed its end.
 */
class MergingLayout implements WindowLayout {
  readonly isEndless = false
  readonly #windows: MergingWindows
  /** The starts of the windows of each key. */
  readonly #starts = new TokenMap<SortedTimes>()

  constructor(windows: MergingWindows) {
    this.#windows = windows
  }

  windowsOf(value: unknown, time: EventTime): readonly Window[] {
    return [this.#windows.windowOf(value, time)]
  }

  met(table: OpenTable, token: KeyToken, { start, end }: Window): readonly Cell<OpenWindow>[] {
    const starts = this.#starts.get(token)
    if (starts === undefined) return []
    const found: Cell<OpenWindow>[] = []
    for (let i = Math.max(0, starts.indexFrom(start) - 1); i < starts.size; i++) {
      const other = starts.at(i)!
      if (other > end) break
      const cell = table.find(other, token)!
      if (cell.value.end >= start) found.push(cell)
    }
    return found
  }

  idOf({ start }: Window): EventTime {
    return start
  }

  overAt(end: EventTime): EventTime {
    return justAfter(end)
  }

  timeOf(end: EventTime): EventTime {
    return end
  }

  entered({ inner, outer }: Cell<OpenWindow>): void {
    let starts = this.#starts.get(inner)
    if (starts === undefined) {
      starts = new SortedTimes()
      this.#starts.add(inner, starts)
    }
    starts.add(outer as EventTime)
  }

  left({ inner, outer }: Cell<OpenWindow>): void {
    const starts = this.#starts.get(inner)
    starts?.remove(outer as EventTime)
    if (starts?.size === 0) this.#starts.delete(inner)
  }
}

/** One window for each key, whose bounds are those of its records. */
class GlobalLayout implements WindowLayout {
  readonly isEndless = true

  windowsOf(_: unknown, time: EventTime): readonly Window[] {
    return [{ start: time, end: time + 1 }]
  }

  met(table: OpenTable, token: KeyToken): readonly Cell<OpenWindow>[] {
    const cell = table.find(0, token)
    return cell === undefined ? [] : [cell]
  }

  idOf(): EventTime {
    return 0
  }

  overAt(): EventTime {
    return farthestTime
  }

  timeOf(end: EventTime): EventTime {
    return end - 1
  }

  entered(): void {}

  left(): void {}
}
