import type { StateRow } from '@millrace/core/job'
import type { StateEntry } from '../contract/state.ts'
import { plainJson } from './plain-json.ts'

/** A value in the state of an operator of this type, as JSON. `write` makes JSON of values; by default it is for people. */
export function stateEntry(
  { table, key, inner, value }: StateRow,
  type: string,
  write: (value: unknown) => unknown = (each) => plainJson(each),
): StateEntry {
  // These keep their value in a box, so that it may be undefined.
  const isBoxed = type === 'scan' || type === 'reduce'
  return {
    table,
    key: write(key),
    inner: write(inner),
    value: write(isBoxed ? unboxed(value) : value),
  }
}

function unboxed(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'value' in value ? value.value : value
}
