import type { EventTime, Key } from '@millrace/core'
import type { Collector } from '@millrace/core/operator'
import type { RowChange } from '../table/row-change.ts'
import { isSameRow } from '../table/same-row.ts'
import type { Accumulators } from './accumulators.ts'
import type { Evictor, WindowRecord } from './evictor.ts'
import type { WindowLayout } from './layout.ts'
import { closePane, waitForRecords, type OpenWindow } from './open-window.ts'
import type { Pane, PaneContent } from './pane.ts'
import { windowResult } from './window-result.ts'

/** What panes look like. */
export interface PaneParts {
  readonly content: PaneContent
  /** Whether results say which pane they are. */
  readonly showsPane: boolean
  /** Whether results contain the key. */
  readonly hasKey?: boolean
  /** Which records leave before or after a pane; then `values` are records. */
  readonly evictor?: Evictor | undefined
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
  readonly #layout: WindowLayout
  readonly #parts: PaneParts

  constructor(accumulators: Accumulators, layout: WindowLayout, parts: PaneParts) {
    this.#accumulators = accumulators
    this.#layout = layout
    this.#parts = parts
  }

  /** Whether panes are changes of a table. */
  get isTable(): boolean {
    return this.#parts.content === 'table'
  }

  /** Emits a pane of a window that has values, unless all of them leave. The window then waits for its next one. */
  emit(window: OpenWindow, { key, timing, isLast }: PaneOf, out: Collector<unknown>): void {
    const { content, showsPane } = this.#parts
    this.#evict(window, 'before')
    if (!window.hasValues) return waitForRecords(window)
    if (this.isTable) this.#emitRow(window, key, isLast, out)
    else {
      const index = window.panes
      const pane: Pane | undefined = showsPane ? { index, timing, isFirst: index === 0, isLast } : undefined
      out.emitAt(this.#timeOf(window), this.#result(window, key, window.values, pane))
    }
    closePane(window, content)
    this.#evict(window, 'after')
  }

  /** Deletes the row of a window that gets other bounds. */
  deleteRow(window: OpenWindow, key: Key, out: Collector<unknown>): void {
    if (!window.hasRow) return
    const before = this.#result(window, key, window.row)
    out.emitAt(this.#timeOf(window), { key: this.#rowKey(window, key), before, after: undefined })
    window.hasRow = false
    window.row = undefined
  }

  #evict(window: OpenWindow, when: Evictor['when']): void {
    const { evictor } = this.#parts
    if (evictor?.when !== when || !window.hasValues) return
    const kept = evictor.keep(window.values as readonly WindowRecord<unknown>[])
    window.hasValues = kept.length > 0
    window.values = window.hasValues ? kept : undefined
    if (!this.#layout.isEndless || !window.hasValues) return
    // Its bounds are those of its records.
    const times = kept.map(({ time }) => time)
    window.start = times.reduce((a, b) => Math.min(a, b))
    window.end = times.reduce((a, b) => Math.max(a, b)) + 1
  }

  #timeOf({ end }: OpenWindow): EventTime {
    return this.#layout.timeOf(end)
  }

  #emitRow(window: OpenWindow, key: Key, isLast: boolean, out: Collector<unknown>): void {
    const before = window.hasRow ? this.#result(window, key, window.row) : undefined
    const after = this.#result(window, key, window.values)
    if (!isSameRow(before, after)) {
      const change: RowChange = { key: this.#rowKey(window, key), before, after }
      out.emitAt(this.#timeOf(window), change)
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
