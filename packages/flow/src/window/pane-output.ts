import type { EventTime, Key } from '@millrace/core'
import type { Collector } from '@millrace/core/operator'
import type { RowChange } from '../table/row-change.ts'
import { isSameRow } from '../table/same-row.ts'
import type { Accumulators } from './accumulators.ts'
import { closePane, type OpenWindow } from './open-window.ts'
import type { Pane, PaneContent } from './pane.ts'
import { windowResult } from './window-result.ts'

/** What panes look like. */
export interface PaneParts {
  readonly content: PaneContent
  /** Whether results say which pane they are. */
  readonly showsPane: boolean
  /** Whether results contain the key. */
  readonly hasKey?: boolean
}

/** Which pane of which key is emitted. */
interface PaneOf {
  readonly key: Key
  readonly timing: Pane['timing']
  readonly isLast: boolean
}

/** Emits the panes of windows, as results or as changes of a table. */
export class PaneOutput {
  readonly #accumulators: Accumulators
  readonly #timeOf: (end: EventTime) => EventTime
  readonly #parts: PaneParts

  constructor(accumulators: Accumulators, timeOf: (end: EventTime) => EventTime, parts: PaneParts) {
    this.#accumulators = accumulators
    this.#timeOf = timeOf
    this.#parts = parts
  }

  /** Emits a pane of a window that has values. The window then waits for its next one. */
  emit(window: OpenWindow, { key, timing, isLast }: PaneOf, out: Collector<unknown>): void {
    const { content, showsPane } = this.#parts
    if (content === 'table') this.#emitRow(window, key, isLast, out)
    else {
      const index = window.panes
      const pane: Pane | undefined = showsPane ? { index, timing, isFirst: index === 0, isLast } : undefined
      out.emitAt(this.#timeOf(window.end), this.#result(window, key, window.values, pane))
    }
    closePane(window, content)
  }

  /** Deletes the row of a window that gets other bounds. */
  deleteRow(window: OpenWindow, key: Key, out: Collector<unknown>): void {
    if (!window.hasRow) return
    const before = this.#result(window, key, window.row)
    out.emitAt(this.#timeOf(window.end), { key: this.#rowKey(window, key), before, after: undefined })
    window.hasRow = false
    window.row = undefined
  }

  #emitRow(window: OpenWindow, key: Key, isLast: boolean, out: Collector<unknown>): void {
    const before = window.hasRow ? this.#result(window, key, window.row) : undefined
    const after = this.#result(window, key, window.values)
    if (!isSameRow(before, after)) {
      const change: RowChange = { key: this.#rowKey(window, key), before, after }
      out.emitAt(this.#timeOf(window.end), change)
    }
    window.hasRow = !isLast
    window.row = isLast ? undefined : this.#accumulators.copy(window.values)
  }

  #result({ start, end }: OpenWindow, key: Key, values: unknown, pane?: Pane): Record<string, unknown> {
    const shown = this.#parts.hasKey === false ? undefined : key
    return windowResult(this.#accumulators, { key: shown, window: { start, end }, values, pane })
  }

  #rowKey({ start, end }: OpenWindow, key: Key): Key {
    const window = { start, end }
    return this.#parts.hasKey === false ? { window } : { key, window }
  }
}
