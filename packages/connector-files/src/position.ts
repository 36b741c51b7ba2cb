import { crc32, type Json } from '@millrace/core'

/**
 * How far a file has been read. The file itself is named by its split; this says where in it, and enough to
 * notice that it is no longer the same content.
 *
 * Offsets count bytes of the content: of a gzip file, the decompressed bytes.
 */
export type FilePosition = {
  /** The path the file had when it was first opened: that of the log. A file found elsewhere has been renamed since. */
  readonly path: string
  /** Where the next record starts. */
  readonly offset: number
  /** The number of the line that starts there, from 1. */
  readonly line: number
  /** Fingerprint of the bytes before `offset`, at most `fingerprintBytes` of them. */
  readonly check: number
  /** The first bytes of the content, as many as had been seen, at most `firstBytesMax`. */
  readonly first: FirstBytes
  /**
   * When the file was last written to, as it was last seen under `path`: what is younger may be content of the same log
   * that was never seen.
   */
  readonly modifiedMs: number
  /** How earlier contents of the same log began, the newest first, at most `earlierMax`: their copies hold nothing new. */
  readonly earlier: readonly FirstBytes[]
  /** Whether the line before `offset` was read without its line end, because the file ended there. */
  readonly isUnfinished: boolean
  /** Whether a run has read all that was in the file when it ended. */
  readonly hasEnded: boolean
  /** What the decoder must remember of the beginning of the file, such as the header of a CSV file. */
  readonly head: Json
}

/** How some content begins: the fingerprint of its first bytes. */
export type FirstBytes = { readonly length: number; readonly check: number }

/** How many contents of a log are known again, beside the one that it holds. */
export const earlierMax = 8

/** What was known of a file when some of its content was read. */
export interface Seen {
  /** The first bytes of the content, as far as they are known; see `withFirst`. */
  readonly first: Uint8Array
  readonly modifiedMs: number
  readonly earlier: readonly FirstBytes[]
}

/** Of a file that cannot be known again. */
export const unseen: Seen = { first: new Uint8Array(0), modifiedMs: 0, earlier: [] }

/** How much of the beginning of a file is compared to know it again. */
export const firstBytesMax = 1024

/** The first bytes of a file, once more of it is known: `bytes` begin at `offset` of its content. */
export function withFirst(first: Uint8Array, offset: number, bytes: Uint8Array): Uint8Array {
  if (first.length >= firstBytesMax || offset > first.length || offset + bytes.length <= first.length)
    return first
  const fresh = bytes.subarray(first.length - offset, firstBytesMax - offset)
  return Uint8Array.from(Buffer.concat([first, fresh]))
}

/** Whether a file that begins with `first` may be the one of a position. */
export function isFirst(first: Uint8Array, { length, check }: FirstBytes): boolean {
  return first.length >= length && fingerprint(first.subarray(0, length)) === check
}

export function firstBytesOf(first: Uint8Array): FirstBytes {
  return { length: first.length, check: fingerprint(first) }
}

/** How many bytes before a position are compared to know the place again. */
export const fingerprintBytes = 64

/** A number that changes when the bytes do, but for one case in four thousand million. */
export const fingerprint: (bytes: Uint8Array) => number = crc32
