import type { OutStream } from './serve/hub.ts'

/** An incoming request: its head, and a body that can be read. */
export interface IncomingRequest {
  readonly method: string
  /** The request target: a path and optional query, exactly as sent. */
  readonly target: string
  /** A header field by its lower-case name. */
  header(name: string): string | undefined
  /**
   * Reads the body; resolves to undefined as soon as it exceeds `bytesMax`. Call it once. Rejects if the
   * client disconnects.
   */
  readBody(bytesMax: number): Promise<Uint8Array | undefined>
}

/** The answer to a request. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body: object
}

/** An answer that does not end by itself. */
export interface StreamAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Called once the head is sent. */
  stream(out: OutStream): void
}
