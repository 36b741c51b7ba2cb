import type { Piece } from './chunk.ts'
import type { Beginning } from './raw-file.ts'

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
