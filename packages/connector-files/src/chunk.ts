import type { Seen } from './position.ts'

/**
 * Bytes read from a file.
 *
 * `buffer[start]` to `buffer[end - 1]` are new. The space before `start` is for the rest of the previous
 * page; from `begin` on it contains bytes of the file that were read again for comparison.
 */
export interface Chunk {
  readonly buffer: Buffer
  readonly begin: number
  readonly start: number
  readonly end: number
  /** The offset of `buffer[start]` in the content of the file. */
  readonly offset: number
  /** What is known about the file as of this chunk. */
  readonly seen: Seen
  /** Whether the file was truncated or replaced, so this is its new beginning. */
  readonly startsOver: boolean
}

/** Space before a chunk. Larger than most records, so joining two chunks copies little. */
export const headroomBytes = 4096

/**
 * The next bytes of a file, or the news that there are no more for now; `torn` means that the file ends
 * within incomplete data.
 */
export type Piece = Chunk | 'quiet' | 'torn'
