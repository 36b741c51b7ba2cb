/** A connection as a stream of bytes. */
export interface Line {
  write(bytes: Uint8Array): void
  /** Ends it once everything is written. */
  end(): void
  /** Ends it at once. */
  destroy(): void
}

/** Gets what happens on a line. After `ended` nothing comes. */
export interface LineListener {
  opened(): void
  /** The bytes are valid until it returns. */
  data(bytes: Buffer): void
  ended(reason: string): void
}

/** Begins a connection. */
type Dial = (listener: LineListener) => Line

/** What connects to a broker, and the time that passes for it. */
export interface Network {
  readonly dial: Dial
  /** Calls back after a time, unless it is disposed before. */
  readonly timer: (ms: number, expired: () => void) => Disposable
}
