import { MillraceError } from '@millrace/core'

/** The position of the next record of the inbox. */
export type InboxPosition = {
  /** The number of the segment. */
  readonly segment: number
  /** The offset of one of its entries, in bytes. */
  readonly offset: number
  /** Number of records of this entry that have been read. */
  readonly record: number
  /** The durable end of the inbox at that time: if data before it is missing, it was lost. */
  readonly end?: { readonly segment: number; readonly offset: number }
}

/** Validates a position from a checkpoint. Throws `CHECKPOINT_INCOMPATIBLE`. */
export function requirePosition(position: InboxPosition, place: string): InboxPosition {
  const { segment, offset, record, end = { segment, offset } } = position ?? {}
  const isPlace = [segment, offset, record, end?.segment, end?.offset].every(
    (each) => Number.isSafeInteger(each) && each >= 0,
  )
  if (isPlace) return position
  throw new MillraceError(
    'CHECKPOINT_INCOMPATIBLE',
    `${place}: ${JSON.stringify(position)} is not a valid inbox position. Did this source have another connector before?`,
  )
}
