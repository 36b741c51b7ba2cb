/** Which of the results of one window a result is. */
export interface Pane {
  /** Its number, from 0. */
  readonly index: number
  /** Whether it came before the end of the window, at its end, or after it. */
  readonly timing: 'early' | 'onTime' | 'late'
  readonly isFirst: boolean
  /** Whether no other pane of the window will follow. */
  readonly isLast: boolean
}

/**
 * What a pane contains. `'accumulating'`: all records of the window so far. `'discarding'`: those since the last
 * pane. `'table'`: all records, as a change of the row that the last pane made.
 */
export type PaneContent = 'accumulating' | 'discarding' | 'table'
