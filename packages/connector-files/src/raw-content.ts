import type { Piece } from './chunk.ts'
import type { Beginning } from './position.ts'

/** The bytes of a file or pipe, before they are inflated. */
export interface RawContent {
  /** The path where the bytes being read were last seen. */
  readonly path: string
  /** Whether reading ended because it was stopped, not because the content ended. */
  readonly isStopped: boolean
  /** The first bytes of the content; fewer than requested if it is shorter. */
  head(count: number): Promise<Uint8Array>
  /** Reads from `beginning` on. If `isPacked`, it cannot be read again from its start after a truncation. */
  pieces(beginning: Beginning, isPacked?: boolean): AsyncGenerator<Piece>
}

/** Unread content that is no longer in its file. */
export interface Lost extends Beginning {
  /** The path of the file. */
  readonly path: string
  /** The event, for messages: `is missing`. */
  readonly what: string
  /** Whether all known content of the file had been read. */
  readonly isRead: boolean
}

/** A file with the content of another. */
export interface Copy {
  readonly path: string
  /** The content after the position. */
  pieces(): AsyncGenerator<Piece>
}

/** What to do about content that is no longer in its file. */
export interface LostContent {
  /**
   * Finds a copy. Resolves to undefined if there is none and the job may continue; otherwise throws
   * `SOURCE_FAILED`.
   */
  find(lost: Lost): Promise<Copy | undefined>
}
