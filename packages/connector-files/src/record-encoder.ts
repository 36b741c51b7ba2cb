import type { TextBuffer } from '@millrace/core/connector'

/** Encodes records as text. Each writer has its own. */
export interface RecordEncoder<T> {
  /**
   * Appends the text of a record, with its line end. Throws if the record cannot be written; then what it has appended is
   * discarded.
   */
  encode(record: T, out: TextBuffer): void
  /** The header of a file whose first record is `first`; empty for most formats. */
  header(first: T): string
  /**
   * Continues an existing file that begins with `head`; false if it needs more of the file. Throws if records
   * cannot be appended to it.
   */
  resume(head: string): boolean
}

/** How records are encoded. */
export interface WriteFormat<T> {
  encoder(): RecordEncoder<T>
}
