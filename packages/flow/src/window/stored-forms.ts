import type { ByteReader } from '@millrace/core'
import type { ReadValue, StoredForm } from '@millrace/core/job'
import { entriesOf, type AccumulatorEntry } from './accumulator-codec.ts'
import { decodeWindow, windowCodecParts } from './open-window.ts'

/**
 * How the state of windows is read without their program: accumulators by the names of the aggregates, and open windows.
 * For `readCheckpoint` of `@millrace/core/job`.
 */
export const storedForms: readonly StoredForm[] = [accumulatorsForm, openWindowsForm]

function accumulatorsForm(...[id, , inner]: Parameters<StoredForm>): ReadValue | undefined {
  const entries = entriesOf(id)
  if (entries === undefined) return undefined
  const readers = entries.map(([name, , , codec, version]: AccumulatorEntry) => ({
    name,
    read: inner(codec, version),
  }))
  // A name may be __proto__, which an assignment would not create.
  return (input) => Object.fromEntries(readers.map(({ name, read }) => [name, sized(input, read)]))
}

/** Reads a value after its length. */
function sized(input: ByteReader, read: ReadValue): unknown {
  const outerEnd = input.end
  input.end = input.varint() + input.position
  try {
    return read(input)
  } finally {
    input.position = input.end
    input.end = outerEnd
  }
}

function openWindowsForm(...[id, version, inner]: Parameters<StoredForm>): ReadValue | undefined {
  const parts = windowCodecParts(id)
  if (parts === undefined) return undefined
  const values = inner(parts.values, version)
  return (input) => {
    const window = decodeWindow(input, { values, marks: undefined })
    const { start, end, records, panes, hasEnded, hasValues, hasRow } = window
    return {
      start,
      end,
      records,
      panes,
      hasEnded,
      ...(hasValues ? { values: window.values } : {}),
      ...(hasRow ? { row: window.row } : {}),
    }
  }
}
