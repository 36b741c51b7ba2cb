import type { Change, Key } from '@millrace/core'

/**
 * One change of a table as it travels between operators: the row of a key before and after. A row is never
 * undefined: without `before` the row is new, without `after` it is deleted.
 *
 * Invariant: in order, the changes of one key chain up: `before` equals `after` of the change before it.
 */
export interface RowChange<T = unknown> {
  readonly key: Key
  readonly before: T | undefined
  readonly after: T | undefined
}

/**
 * The changes of a row as users see them: one or two.
 *
 * @example
 * changesOf({ key: 'a', before: 1, after: 2 }, true)
 * // => [{ kind: 'updateBefore', key: 'a', value: 1 }, { kind: 'updateAfter', key: 'a', value: 2 }]
 */
export function changesOf<T>(
  { key, before, after }: RowChange<T>,
  hasUpdateBefore: boolean,
): readonly Change<T>[] {
  if (before === undefined) return after === undefined ? [] : [{ kind: 'insert', key, value: after }]
  if (after === undefined) return [{ kind: 'delete', key, value: before }]
  const change: Change<T> = { kind: 'updateAfter', key, value: after }
  return hasUpdateBefore ? [{ kind: 'updateBefore', key, value: before }, change] : [change]
}
