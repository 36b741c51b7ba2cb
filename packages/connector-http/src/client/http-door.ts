import type { Inflate } from '../content-coding.ts'
import type { TlsOptions } from './client-options.ts'

/** A request as it is sent. */
export interface HttpRequest {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** The head of an answer, and its body as it arrives. */
export interface HttpAnswer {
  readonly status: number
  /** Names in lower case; a field that came several times has its values joined by commas. */
  readonly headers: ReadonlyMap<string, string>
  /** The bytes as they were sent. Leaving the loop ends the connection. It throws if the answer is cut off. */
  readonly body: AsyncIterable<Uint8Array>
}

/** The door to other servers. In tests it is a function. */
export interface HttpDoor {
  /** Resolves when the head of the answer is there. Rejects if there is none, or when the signal aborts. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>
  /** Connects and disconnects. Rejects if the server cannot be reached. */
  reach(url: URL, signal: AbortSignal): Promise<void>
  readonly inflate: Inflate
  /** A digest of bytes in hexadecimal digits: the same for the same bytes, in every process. */
  digest(data: string | Uint8Array): string
  /** Closes idle connections. */
  close(): void
}

/** Opens the door for one connector. */
export type OpenHttpDoor = (options: {
  readonly tls: TlsOptions
  readonly connectionsMax: number
}) => HttpDoor
