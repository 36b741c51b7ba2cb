import type { TlsOptions } from '../client/client-options.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import type { OutStream } from '../serve/hub.ts'
import type { RunningServer } from '../server.ts'

/** What happens on a connection. */
export interface SocketListener {
  /** A message has arrived: text in UTF-8, or bytes. Resume the connection when the promise that it returns resolves. */
  message(data: Uint8Array): Promise<void> | undefined
  /** Something has arrived, if only a sign of life. */
  isAlive(): void
}

/** A connection to a server. */
export interface ClientSocket {
  send(text: string): void
  ping(): void
  /** Resolves when the connection is closed, with the reason. */
  readonly closed: Promise<string>
  /** Ends the connection now. */
  cut(): void
}

/** How a connection is made. */
export interface ConnectOptions {
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly protocols: readonly string[]
  readonly tls: TlsOptions
  /** A larger message ends the connection. */
  readonly messageBytesMax: number
}

/** Connects to a server. Rejects if that fails or the signal aborts. */
export type ConnectSocket = (
  options: ConnectOptions,
  listener: SocketListener,
  signal: AbortSignal,
) => Promise<ClientSocket>

/** A client that has connected to a server. */
export interface ServerSocket extends OutStream {
  /** For places of records: different for each connection. */
  readonly number: number
}

/** How sockets are served. */
export interface ServeSocketsOptions {
  readonly host: string
  readonly port: number
  readonly messageBytesMax: number
  /** Throws a `Refusal` for a client that may not connect. */
  readonly check: (request: IncomingRequest) => void
  /** Begins with a connection. Without a listener messages of clients are not read. */
  readonly begin: (socket: ServerSocket) => SocketListener | undefined
}

/** A server of sockets. */
export interface SocketServer extends RunningServer {
  /** Asks every client for a sign of life, and disconnects those that gave none since the last time. */
  beat(): void
}

/** Serves sockets. Rejects with `SOURCE_FAILED` if it cannot listen. */
export type ServeSockets = (options: ServeSocketsOptions) => Promise<SocketServer>
