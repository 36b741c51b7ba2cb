import type { ByteReader, Codec, EventTime } from '@millrace/core'
import type { Accumulators } from './accumulators.ts'
import type { PaneContent } from './pane.ts'

/** What is kept of one window of one key. */
export interface OpenWindow {
  start: EventTime
  end: EventTime
  /** Accumulators of the records that the next pane contains. None after a discarded pane. */
  values: unknown
  hasValues: boolean
  /** How many records have arrived since the last pane, and since when they wait. */
  records: number
  since: EventTime
  sinceClock: number
  /** Accumulators of these records for the trigger's conditions; undefined without records. */
  marks: unknown
  /** How many panes have been emitted. */
  panes: number
  /** Whether the watermark has passed the end. */
  hasEnded: boolean
  /** In a table: the accumulators of the row that was emitted. */
  row: unknown
  hasRow: boolean
  /** For when a processing timer is set; infinite: none is. */
  clockDue: number
  /** At which event time it is looked at again. Follows from the rest; not saved. */
  waitsFor: EventTime
}

/** A window without records. */
export function newWindow(start: EventTime, end: EventTime): OpenWindow {
  return {
    start,
    end,
    values: undefined,
    hasValues: false,
    records: 0,
    since: Number.POSITIVE_INFINITY,
    sinceClock: Number.POSITIVE_INFINITY,
    marks: undefined,
    panes: 0,
    hasEnded: false,
    row: undefined,
    hasRow: false,
    clockDue: Number.POSITIVE_INFINITY,
    waitsFor: Number.POSITIVE_INFINITY,
  }
}

/** Forgets the records of the pane that was emitted. */
export function closePane(window: OpenWindow, content: PaneContent): void {
  // Rows of a table have no number, and at each end of the input the row of an open window is emitted again.
  if (content !== 'table') window.panes++
  waitForRecords(window)
  if (content !== 'discarding') return
  window.values = undefined
  window.hasValues = false
}

/** Begins to count the records that come from now on. */
export function waitForRecords(window: OpenWindow): void {
  window.records = 0
  window.since = Number.POSITIVE_INFINITY
  window.sinceClock = Number.POSITIVE_INFINITY
  window.marks = undefined
}

/** Saves a window before a record is added that may be skipped. */
export function backupWindow(
  window: OpenWindow,
  values: Accumulators,
  marks: Accumulators | undefined,
): () => OpenWindow {
  const copy = { ...window }
  const valuesBefore = window.hasValues ? values.backup(window.values) : undefined
  const marksBefore =
    marks !== undefined && window.marks !== undefined ? marks.backup(window.marks) : undefined
  return () => ({ ...copy, values: valuesBefore?.(), marks: marksBefore?.() })
}

/** The part of a codec's id that names the format of the rest. */
const idPrefix = 'open windows of '
/** Separates the ids of the two codecs in it. */
const separator = '\n'

interface Readers {
  readonly values: (input: ByteReader) => unknown
  readonly marks: ((input: ByteReader) => unknown) | undefined
}

/** Encodes windows; `marks` is undefined without conditions. */
export function windowCodec(values: Codec<unknown>, marks: Codec<unknown> | undefined): Codec<OpenWindow> {
  const { version } = values
  return {
    id: idPrefix + values.id + separator + (marks?.id ?? ''),
    version,
    encode(window, out) {
      const { start, end, hasValues, hasEnded, hasRow, clockDue } = window
      const hasMarks = marks !== undefined && window.marks !== undefined
      const flags = [hasValues, hasMarks, hasEnded, hasRow].reduce(
        (sum, flag, i) => sum + (flag ? 1 << i : 0),
        0,
      )
      out.varint(flags)
      for (const time of [start, end, window.since, window.sinceClock, clockDue]) out.float64(time)
      out.varint(window.records)
      out.varint(window.panes)
      if (hasValues) values.encode(window.values, out)
      if (hasRow) values.encode(window.row, out)
      if (!hasMarks) return
      const sized = out.beginSized()
      marks.encode(window.marks, out)
      out.endSized(sized)
    },
    decode: (input, stored) =>
      decodeWindow(input, {
        values: (from) => values.decode(from, stored),
        marks: marks && ((from) => marks.decode(from, stored)),
      }),
    reader(id, stored) {
      const ids = windowCodecParts(id)
      const readValues = ids && readerOf(values, ids.values, stored)
      if (ids === undefined || readValues === undefined) return undefined
      const readMarks = marks && readerOf(marks, ids.marks, stored)
      return (input) => decodeWindow(input, { values: readValues, marks: readMarks })
    },
  }
}

/** The ids of the codecs that a codec's id names; undefined for the id of another codec. */
export function windowCodecParts(
  id: string,
): { readonly values: string; readonly marks: string } | undefined {
  if (!id.startsWith(idPrefix)) return undefined
  const [values, marks] = id.slice(idPrefix.length).split(separator)
  return { values: values!, marks: marks! }
}

function readerOf(
  codec: Codec<unknown>,
  id: string,
  stored: number,
): ((input: ByteReader) => unknown) | undefined {
  if (id === codec.id) return (input) => codec.decode(input, stored)
  return codec.reader?.(id, stored)
}

/** Reads a window; without a reader of marks they are skipped. */
export function decodeWindow(input: ByteReader, readers: Readers): OpenWindow {
  const flags = input.varint()
  const has = (place: number): boolean => (flags & (1 << place)) !== 0
  const window = newWindow(input.float64(), input.float64())
  window.since = input.float64()
  window.sinceClock = input.float64()
  window.clockDue = input.float64()
  window.records = input.varint()
  window.panes = input.varint()
  window.hasEnded = has(2)
  window.hasValues = has(0)
  if (window.hasValues) window.values = readers.values(input)
  window.hasRow = has(3)
  if (window.hasRow) window.row = readers.values(input)
  if (!has(1)) return window
  const end = input.varint() + input.position
  if (readers.marks === undefined) input.position = end
  else window.marks = readers.marks(input)
  return window
}
