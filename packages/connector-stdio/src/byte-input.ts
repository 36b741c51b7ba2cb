/** Bytes that somebody else sends, at a pace that the reader sets. */
export interface ByteInput {
  /** Begins to deliver. Called once in the life of the process; throws if somebody else has done so. */
  start(listener: ByteListener): void
  /** Asks for nothing more until `resume`. What is under way may still come. */
  pause(): void
  resume(): void
}

/** Takes what an input delivers. */
export interface ByteListener {
  /** Takes the bytes over: the input does not use them again. */
  data(bytes: Uint8Array): void
  /** Nothing more will come. Called once, unless `failed` is. */
  end(): void
  failed(error: Error): void
}
