/**
 * The segments of a state store: their files, their records, and the part of a manifest that names them. The memory
 * store and the disk store write the same, so each restores what the other has written.
 */
export { readerOf } from './codec-check.ts'
export { DropList } from './drop-list.ts'
export { findSegments } from './found-segments.ts'
export { checkedLimits } from './segment-limits.ts'
export { recordKind, recordsOf, sameOuterFlag, sealRecords } from './record-block.ts'
export type { BlockOrigin } from './record-block.ts'
export type { Segment } from './segment.ts'
export type { CompactionLimits, SegmentSet } from './segment-set.ts'
export { readSnapshot, snapshotFiles, snapshotFormat } from './snapshot.ts'
export type { MemorySnapshot, NamedTable } from './snapshot.ts'
export { TableSet } from './table-set.ts'
