import type { Piece } from './chunk.ts'
import type { Beginning } from './raw-file.ts'

/** Bytes that come from somewhere, before they are inflated. */
export interface RawContent {
  /** Where what is read now was last seen. */
  readonly path: string
  /** Whether reading ended because it was stopped, and not because the content ended. */
  readonly isStopped: boolean
  /** Which bytes the content begins with; fewer than asked for if it is shorter. */
  head(count: number): Promise<Uint8Array>
  /** Reads from `beginning` on. What `isPacked` cannot be read again from its start when it is cut. */
  pieces(beginning: Beginning, isPacked?: boolean): AsyncGenerator<Piece>
}
