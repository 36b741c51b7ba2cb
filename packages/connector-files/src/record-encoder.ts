/** Makes text of records. One serves one writer. */
export interface RecordEncoder<T> {
  /** The text of a record, with its line ending. Throws what makes the record unfit. */
  encode(record: T): string
  /** What a file begins with whose first record is `first`; empty for most formats. */
  header(first: T): string
  /** Takes up a file that exists, whose first line is `line`. Throws if records cannot go on in it. */
  resume(line: string): void
}

/** How records are written. */
export interface WriteFormat<T> {
  encoder(): RecordEncoder<T>
}
