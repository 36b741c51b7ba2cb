/** Makes text of records. One serves one writer. */
export interface RecordEncoder<T> {
  /** The text of a record, with its line ending. Throws what makes the record unfit. */
  encode(record: T): string
  /** What a file begins with whose first record is `first`; empty for most formats. */
  header(first: T): string
  /**
   * Continues a file that exists and begins with `head`; false if it needs more of the file to do so. Throws if records
   * cannot be added to it.
   */
  resume(head: string): boolean
}

/** How records are written. */
export interface WriteFormat<T> {
  encoder(): RecordEncoder<T>
}
