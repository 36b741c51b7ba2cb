import type { Json } from '@millrace/core'
import type { Page } from './page.ts'
import type { TextFormat } from './text-format.ts'

/** What `decode` returns for a piece of input that is no record and no fault: an empty line, a header. */
export const noRecord: unique symbol = Symbol('no record')

/** Finds the records of one file and makes values of them. Both work on bytes of a page and keep none. */
export interface RecordDecoder<T> {
  /** The index of the last byte of the record that begins at `start`, as `Page.lineEnd` says it; -1 if there is none. */
  end(page: Page, start: number): number
  /** How many line endings are inside the record that `end` has found last. */
  readonly innerLines: number
  /**
   * The value of the record in `bytes[start]` to `bytes[end - 1]`, its line ending cut off. Called right after
   * `end`, or with the last record of a file, which has no line ending. Throws what makes the record unusable.
   */
  decode(page: Page, start: number, end: number): T | typeof noRecord
  /** What must be remembered of the beginning of the file, in order to go on in its middle. */
  readonly head: Json
  /** Called before the first record of a file, and when reading goes on in its middle: then with the head. */
  begin(head: Json): void
}

/** How the records of a file are read. */
export interface RecordFormat<T> extends TextFormat {
  decoder(): RecordDecoder<T>
}
