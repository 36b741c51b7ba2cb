/** The only file that uses the network, and the Node modules for compression and hashing. */
import { MillraceError } from '@millrace/core'
import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate as inflateZlib } from 'node:zlib'
import type { Inflate } from './content-coding.ts'
import type { Answer, IncomingRequest, StreamAnswer } from './incoming-request.ts'
import type { SameSecret } from './serve/access.ts'
import type { OutStream } from './serve/hub.ts'

/** Compares digests, which have equal lengths, so that timing does not reveal the length of the secret. */
export const sameSecret: SameSecret = (given, wanted) => timingSafeEqual(digest(given), digest(wanted))

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

const inflaters = {
  gzip: promisify(gunzip),
  deflate: promisify(inflateZlib),
  br: promisify(brotliDecompress),
} as const

/** zlib stops at the limit, so a small body that inflates to a huge one costs no more than the limit. */
export const inflate: Inflate = async (body, coding, bytesMax) => {
  try {
    return await inflaters[coding](body, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw error
  }
}

/** The address of a listening server. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** `http://HOST:PORT` */
  readonly url: string
}

/** How to listen, and what to do with requests. */
export interface ListenOptions {
  readonly host: string
  readonly port: number
  /** How long receiving a request may take. */
  readonly requestTimeoutMs: number
  /** Answers a request. It may reject if the client has disconnected; any other rejection is a bug. */
  readonly answer: (request: IncomingRequest) => Promise<Answer | StreamAnswer>
  /** Reports a bug; the client gets a 500. */
  readonly onMistake: (error: unknown) => void
  /** Whether an answer is the last on its connection. */
  readonly isLast: () => boolean
}

/** A listening server. */
export interface RunningServer {
  readonly address: ServerAddress
  /** Stops accepting connections, and resolves once all requests in progress are answered. */
  stop(): Promise<void>
  /** Closes every connection now. */
  cut(): void
}

/** Above this number, new connections are closed at once. */
const connectionsMax = 10_000

/** Starts listening. Throws `SOURCE_FAILED` if it cannot. */
export async function listen(options: ListenOptions): Promise<RunningServer> {
  const { host, port, requestTimeoutMs } = options
  const server = createServer({
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(requestTimeoutMs, 1_000),
    keepAliveTimeout: 10_000,
  })
  const handle = (message: IncomingMessage, response: ServerResponse): void => {
    void respond(new NodeRequest(message, response), response, options)
  }
  server.on('request', handle)
  // A client that sends `Expect: 100-continue` gets 100 only if its body is wanted.
  server.on('checkContinue', handle)
  server.maxConnections = connectionsMax
  const address = await startListening(server, host, port)
  return {
    address,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
    cut: () => server.closeAllConnections(),
  }
}

/** Resolves to the address where a server listens. Rejects with `SOURCE_FAILED` if it cannot. */
export function startListening(server: Server, host: string, port: number): Promise<ServerAddress> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => reject(cannotListen(host, port, cause)))
    server.listen({ host, port }, () => {
      server.removeAllListeners('error')
      resolve(addressOf(server, host))
    })
  })
}

function cannotListen(host: string, port: number, cause: NodeJS.ErrnoException): MillraceError {
  const advice =
    cause.code === 'EADDRINUSE'
      ? 'another program uses the port; stop it or choose another port'
      : 'check the host and the port'
  const message = `the HTTP server cannot listen on ${host}, port ${port} (${cause.code ?? cause.message}); ${advice}`
  return new MillraceError('SOURCE_FAILED', message, { cause, isTransient: cause.code === 'EADDRINUSE' })
}

function addressOf(server: Server, host: string): ServerAddress {
  const { port } = server.address() as AddressInfo
  return { host, port, url: `http://${host.includes(':') ? `[${host}]` : host}:${port}` }
}

async function respond(
  request: NodeRequest,
  response: ServerResponse,
  { answer, isLast, onMistake }: ListenOptions,
): Promise<void> {
  try {
    const given = await answer(request)
    if ('stream' in given) stream(response, given)
    else send(response, given, isLast() || !request.isRead)
  } catch (error) {
    if (response.destroyed) return
    onMistake(error)
    if (!response.headersSent)
      send(response, { status: 500, headers: {}, body: { error: 'internal error' } }, true)
  }
}

/** `isLast` if the connection cannot be reused: an unread body would precede the next request. */
function send(response: ServerResponse, { status, headers, body }: Answer, isLast: boolean): void {
  const text = `${JSON.stringify(body)}\n`
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'x-content-type-options': 'nosniff',
    ...(isLast && { connection: 'close' }),
  })
  response.end(text)
}

function stream(response: ServerResponse, answer: StreamAnswer): void {
  response.writeHead(answer.status, { ...answer.headers, 'x-content-type-options': 'nosniff' })
  response.flushHeaders()
  answer.stream(new NodeStream(response))
}

class NodeStream implements OutStream {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
    // A client that is gone is no error.
    response.on('error', () => {})
  }

  get waitingBytes(): number {
    return this.#response.writableLength
  }

  write(bytes: Uint8Array): void {
    if (!this.#response.destroyed) this.#response.write(bytes)
  }

  listen(onDrain: () => void, onClose: () => void): void {
    this.#response.on('drain', onDrain)
    this.#response.once('close', onClose)
  }

  end(): void {
    this.#response.end()
  }

  cut(): void {
    this.#response.destroy()
  }
}

class NodeRequest implements IncomingRequest {
  readonly #message: IncomingMessage
  readonly #response: ServerResponse

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.#message = message
    this.#response = response
  }

  get method(): string {
    return this.#message.method ?? ''
  }

  get target(): string {
    return this.#message.url ?? ''
  }

  /** Whether the whole request has been received. */
  get isRead(): boolean {
    return this.#message.complete
  }

  header(name: string): string | undefined {
    const value = this.#message.headers[name]
    return typeof value === 'string' ? value : undefined
  }

  readBody(bytesMax: number): Promise<Uint8Array | undefined> {
    if (this.#message.headers.expect !== undefined) this.#response.writeContinue()
    const chunks: Uint8Array[] = []
    let length = 0
    return new Promise((resolve, reject) => {
      const take = (chunk: Uint8Array): void => {
        length += chunk.length
        if (length <= bytesMax) {
          chunks.push(chunk)
          return
        }
        this.#message.off('data', take)
        this.#message.pause()
        resolve(undefined)
      }
      this.#message.on('data', take)
      this.#message.once('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks)))
      this.#message.once('error', reject)
    })
  }
}
