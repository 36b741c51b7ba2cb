/**
 * A block of state: records of one table of one subtask. Its payload:
 *
 * ```
 *   subtask, first group, last group, number of records   varint each
 *   owner, table, codec id                                text each
 *   codec version                                         varint
 *   records
 * ```
 *
 * Varint and text are those of `ByteWriter`. The README describes records.
 */
import { ByteReader } from '@millrace/core'
import type { ByteWriter } from '@millrace/core'
import type { KeyGroupRange } from '@millrace/core/store'
import { endBlock, startBlock } from '@millrace/segment-log'
import type { SealedBlock, StoredBlock } from '@millrace/segment-log'

/** The owner of a block's records and their codec. */
export interface BlockOrigin {
  readonly owner: string
  readonly subtask: number
  readonly table: string
  readonly groups: KeyGroupRange
  readonly codecId: string
  readonly codecVersion: number
}

/** A block with a correct checksum. */
export interface RecordBlock {
  readonly origin: BlockOrigin
  readonly recordCount: number
  /** Positioned at the first record; ends after the last. */
  readonly input: ByteReader
  /** For error messages: the file, and the offset of the block in it. */
  readonly place: string
}

/** Kinds of record. */
export const recordKind = { value: 0, tombstone: 1, drop: 2 } as const
/** Added to the kind when the outer token equals that of the previous value. */
export const sameOuterFlag = 4

/** Puts records into a block. The result is valid until the next call with the same `scratch`. */
export function sealRecords(
  scratch: ByteWriter,
  origin: BlockOrigin,
  recordCount: number,
  records: Uint8Array,
): SealedBlock {
  scratch.reset()
  const start = startBlock(scratch)
  scratch.varint(origin.subtask)
  scratch.varint(origin.groups.first)
  scratch.varint(origin.groups.last)
  scratch.varint(recordCount)
  scratch.text(origin.owner)
  scratch.text(origin.table)
  scratch.text(origin.codecId)
  scratch.varint(origin.codecVersion)
  return endBlock(scratch, start, records)
}

/** Reads what a block says about its records. */
export function recordsOf({ payload }: StoredBlock, place: string): RecordBlock {
  const input = new ByteReader(payload)
  const subtask = input.varint()
  const groups = { first: input.varint(), last: input.varint() }
  const recordCount = input.varint()
  const owner = input.text()
  const table = input.text()
  const codecId = input.text()
  const codecVersion = input.varint()
  return { origin: { owner, subtask, table, groups, codecId, codecVersion }, recordCount, input, place }
}
