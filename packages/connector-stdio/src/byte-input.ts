/** A byte stream with backpressure. */
export interface ByteInput {
  /** Starts delivery. Call it once per process; throws on a second call. */
  start(listener: ByteListener): void
  /** Pauses delivery until `resume`. Chunks already read may still arrive. */
  pause(): void
  resume(): void
}

/** Receives the chunks of an input. */
export interface ByteListener {
  /** Receives a chunk and owns it: the input does not reuse the memory. */
  data(bytes: Uint8Array): void
  /** The input has ended. Called once, unless `failed` is called. */
  end(): void
  failed(error: Error): void
}
