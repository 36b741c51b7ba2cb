/** Checksummed blocks in append-only files: what the state store and the HTTP inbox keep on disk. */

// A block and its place in a row of blocks.
export { checksum } from './checksum.ts'
export { chainChecksum } from './chain-checksum.ts'
export { blockBytesMin, blockEnd, endBlock, requireBlock, startBlock } from './block.ts'
export type { SealedBlock, StoredBlock } from './block.ts'
export { corrupt } from './block.ts'

// Files whose durable part a checkpoint names: written beside the job, read from their end.
export { SegmentWriter } from './segment-writer.ts'
export { readBackwards } from './backward-reader.ts'
export type { NamedBytes } from './backward-reader.ts'

// A log whose entries are durable one by one: read from its start.
export { AppendLog } from './append-log.ts'
export type { AppendLogOptions, OpenedAppendLog } from './append-log.ts'
export type { LogPlace } from './append-log-segment.ts'
export type { ReadPlace } from './append-log-opening.ts'
export { AppendLogReader } from './append-log-reader.ts'
export type { Fetched, FetchedEntry } from './append-log-reader.ts'

// A file of entries that is written once and read once.
export { BlockFile, namesIn, readBlockFile } from './block-file.ts'
