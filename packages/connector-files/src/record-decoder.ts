import type { Json } from '@millrace/core'
import type { Page } from './page.ts'
import type { TextFormat } from './text-format.ts'

/** Returned by `decode` for input that is neither a record nor a failure: an empty line, a header. */
export const noRecord: unique symbol = Symbol('no record')

/** Finds the records of one file and decodes them. Both methods use bytes of a page and keep none. */
export interface RecordDecoder<T> {
  /**
   * The index of the last byte of the record that begins at `start`, as for `Page.lineEnd`; -1 if it is not
   * on the page.
   */
  end(page: Page, start: number): number
  /** Number of line ends inside the last record that `end` has found. */
  readonly innerLines: number
  /**
   * Decodes the record in `bytes[start]` to `bytes[end - 1]`, without its line end. Called right after `end`,
   * or with the last record of a file, which has no line end. Throws if the record is invalid.
   */
  decode(page: Page, start: number, end: number): T | typeof noRecord
  /** What must be remembered of the beginning of the file to continue in its middle. */
  readonly head: Json
  /**
   * Called before the first record of a file, and when reading continues in its middle: then with the head.
   */
  begin(head: Json): void
}

/** How the records of a file are decoded. */
export interface RecordFormat<T> extends TextFormat {
  decoder(): RecordDecoder<T>
}
