import type { Seen } from './position.ts'

/**
 * Bytes as they come from a file.
 *
 * `buffer[start]` to `buffer[end - 1]` are new. What lies before `start` is room for what the page before leaves
 * over; from `begin` on it holds bytes of the file that were read again to make sure of them.
 */
export interface Chunk {
  readonly buffer: Buffer
  readonly begin: number
  readonly start: number
  readonly end: number
  /** The offset of `buffer[start]` in the content of the file. */
  readonly offset: number
  /** What is known of the file with this chunk. */
  readonly seen: Seen
  /** Whether the file was cut or replaced, so that this is its beginning again. */
  readonly startsOver: boolean
}

/** Room in front of a chunk. More than most records, so that joining two chunks copies little. */
export const headroomBytes = 4096

/**
 * What comes out of a file: the next bytes, or the news that for now there are no more; `torn` says that it ends in the
 * middle of what was written.
 */
export type Piece = Chunk | 'quiet' | 'torn'
