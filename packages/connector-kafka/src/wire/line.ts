/** A connection as a stream of bytes. */
export interface Line {
  write(bytes: Uint8Array): void
  close(): void
}

/** Gets what happens on a line. After `ended` nothing comes. */
export interface LineListener {
  opened(): void
  data(bytes: Uint8Array): void
  /** `isAboutTrust`: encryption was refused, by this side or the other. */
  ended(reason: string, isAboutTrust: boolean): void
}

/** Begins a connection. */
export type Dial = (host: string, port: number, listener: LineListener) => Line

/** What connects to brokers, and the time that passes for them. */
export interface Network {
  readonly dial: Dial
  /** Calls back after a time, unless it is disposed before. */
  readonly timer: (ms: number, expired: () => void) => Disposable
}
