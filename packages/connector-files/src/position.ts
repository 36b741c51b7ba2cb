import { crc32, type Json } from '@millrace/core'

/**
 * How far a file has been read. The file itself is named by its split; this says where in it, and enough to
 * notice that it is no longer the same content.
 *
 * Offsets count bytes of the content: of a gzip file, the decompressed bytes.
 */
export type FilePosition = {
  /** The path the file had when it was first opened. A file found elsewhere has been renamed since. */
  readonly path: string
  /** Where the next record starts. */
  readonly offset: number
  /** The number of the line that starts there, from 1. */
  readonly line: number
  /** Fingerprint of the bytes before `offset`, at most `fingerprintBytes` of them. */
  readonly check: number
  /** Whether everything that was known to be in the file had been read. */
  readonly isRead: boolean
  /** Whether the line before `offset` was read without its line end, because the file ended there. */
  readonly isUnfinished: boolean
  /** What the decoder must remember of the beginning of the file, such as the header of a CSV file. */
  readonly head: Json
}

/** How many bytes before a position vouch for it. */
export const fingerprintBytes = 64

/** A number that changes when the bytes do, but for one case in four thousand million. */
export const fingerprint: (bytes: Uint8Array) => number = crc32
