import type { Json } from '@millrace/core'
import { crc32 } from '@millrace/core/disk'

/**
 * How far a file has been read. The split names the file; the position names the place in it, with enough
 * data to detect that the content has changed.
 *
 * Offsets count bytes of the content: for a gzip file, the decompressed bytes.
 */
export type FilePosition = {
  /**
   * The path of the file when it was first opened: that of the log. A file found under another path has been
   * renamed.
   */
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
   * When the file was last modified, as last seen under `path`: a younger file may contain unread content of
   * the same log.
   */
  readonly modifiedMs: number
  /**
   * The beginnings of earlier contents of the same log, newest first, at most `earlierMax`: their copies
   * contain nothing new.
   */
  readonly earlier: readonly FirstBytes[]
  /** Whether the line before `offset` was read without its line end, because the file ended there. */
  readonly isUnfinished: boolean
  /** Whether a run ended after reading all data in the file. */
  readonly hasEnded: boolean
  /** What the decoder must remember of the beginning of the file, such as the header of a CSV file. */
  readonly head: Json
}

/** Identifies a content: the fingerprint of its first bytes. */
export type FirstBytes = { readonly length: number; readonly check: number }

/** How many earlier contents of a log are recognized. */
export const earlierMax = 8

/** What was known about a file when some of its content was read. */
export interface Seen {
  /** The first bytes of the content, as far as they are known; see `withFirst`. */
  readonly first: Uint8Array
  readonly modifiedMs: number
  readonly earlier: readonly FirstBytes[]
}

/** For a file that cannot be recognized again. */
export const unseen: Seen = { first: new Uint8Array(0), modifiedMs: 0, earlier: [] }

/** How many first bytes of a file are compared to recognize it. */
export const firstBytesMax = 1024

/** The known first bytes of a file, extended by `bytes`, which begin at `offset` of its content. */
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

/** How many bytes before a position are compared to recognize the place. */
export const fingerprintBytes = 64

/** A 32-bit checksum: different bytes have the same one in one of four billion cases. */
export const fingerprint: (bytes: Uint8Array) => number = crc32

/** Where to begin, and what the file must contain before it. */
export type Beginning = Pick<
  FilePosition,
  'offset' | 'check' | 'first' | 'hasEnded' | 'modifiedMs' | 'earlier'
>

/** The beginning of a file of which nothing was read. */
export const fromStart: Beginning = {
  offset: 0,
  check: fingerprint(new Uint8Array(0)),
  first: firstBytesOf(new Uint8Array(0)),
  hasEnded: false,
  modifiedMs: 0,
  earlier: [],
}
