/** A request as far as it has arrived: its head, and a body that can be asked for. */
export interface IncomingRequest {
  readonly method: string
  /** What stands behind the method: a path and perhaps a query, just as the client sent it. */
  readonly target: string
  /** A header field by its name in lower case. */
  header(name: string): string | undefined
  /**
   * Reads the body; undefined if it is longer than `bytesMax`, as soon as that shows. Call it once. Rejects if the
   * client goes away.
   */
  readBody(bytesMax: number): Promise<Uint8Array | undefined>
}

/** What the client is told. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Sent as JSON. */
  readonly body: object
}
