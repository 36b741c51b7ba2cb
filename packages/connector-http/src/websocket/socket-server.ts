import { positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import {
  decodeJson,
  parserOf,
  readAs,
  type Discovery,
  type Format,
  type Schema,
  type Source,
} from '@millrace/core/connector'
import { requireCount, requireOneDecoder } from '../client/client-options.ts'
import type { IncomingRequest } from '../incoming-request.ts'
import { Refusal } from '../refusal.ts'
import { accessPlanOf, checkAccess, type AccessOptions, type AccessPlan } from '../serve/access.ts'
import { ServerAddressBook } from '../serve/address-book.ts'
import { broadcastPlanOf, type BroadcastOptions } from '../serve/broadcast-options.ts'
import { every } from '../serve/every.ts'
import { ServerSink, type BroadcastSink } from '../serve/broadcast-sink.ts'
import { sameSecret, type ServerAddress } from '../server.ts'
import { serveSockets } from './node-socket-door.ts'
import type {
  ServerSocket,
  ServeSockets,
  ServeSocketsOptions,
  SocketListener,
  SocketServer,
} from './socket-door.ts'
import { SocketReader, type MessageInflow } from './socket-reader.ts'

/** Where clients connect, and what they send. */
export interface ReceiveSocketOptions<T> extends AccessOptions {
  /** Origins of web pages that may connect, such as `https://app.example`. Default: none. */
  readonly allowedOrigins?: readonly string[]
  /** Parses a message. What it throws follows the error policy. Default: JSON. */
  readonly decode?: (data: Uint8Array) => unknown
  /** What a record looks like; one that does not fit follows the error policy. The type is inferred from it. */
  readonly schema?: Schema<T>
  /** In place of JSON: a message is one record in this format. */
  readonly format?: Format<T>
  /** A client that sends a larger message is disconnected. Default 1 MiB. */
  readonly messageBytesMax?: number
  /** The most clients at a time. Default 1,000. */
  readonly clientsMax?: number
  /** How often clients are asked for a sign of life; one that gives none until the next time is disconnected. Default `'15s'`. */
  readonly heartbeat?: Duration
}

/** A source to which clients send messages. */
export interface SocketServerSource<T> extends Source<T, null> {
  /** Resolves to the address where the server listens, once it does. Rejects if it cannot. */
  address(): Promise<ServerAddress>
}

const names = [
  'port',
  'host',
  'path',
  'token',
  'allowWithoutToken',
  'allowedHosts',
  'allowedOrigins',
  'decode',
  'schema',
  'messageBytesMax',
  'clientsMax',
  'heartbeat',
] as const
const split = 'messages'
/** Clients of a broadcast have nothing to say. */
const unheardBytesMax = 1_024
const closeTimeoutMs = 5_000
const encoder = new TextEncoder()

/**
 * Receives the messages of WebSocket clients, each as a record.
 *
 * At most once: a client gets no answer, and what a job had not finished when it was killed is lost; `http.receive` keeps
 * what it has accepted. Clients are slowed down while the job is busy. What cannot be decoded follows the error policy.
 *
 * Throws `OPTION_INVALID` for invalid or unsafe options.
 *
 * @example
 * p.from('clicks', websocket.receive<Click>({ port: 8082, allowedOrigins: ['https://shop.example'] }))
 */
export function receive<T>(options: ReceiveSocketOptions<T>): SocketServerSource<T> {
  return receiveVia(serveSockets, options)
}

/** The same over another server. */
export function receiveVia<T>(
  serve: ServeSockets,
  { format, ...options }: ReceiveSocketOptions<T>,
): SocketServerSource<T> {
  if (format === undefined) return receiveDecoded(serve, options)
  requireOneDecoder('websocket.receive', format, { schema: options.schema, decode: options.decode })
  const { schema: _none, ...rest } = options
  const source = receiveDecoded<Uint8Array>(serve, { ...rest, decode: (data) => data })
  return Object.assign(
    readAs(source, format, (data) => data),
    { address: () => source.address() },
  )
}

function receiveDecoded<T>(serve: ServeSockets, options: ReceiveSocketOptions<T>): SocketServerSource<T> {
  const plan = receivePlanOf(options)
  const addresses = new ServerAddressBook()
  return {
    kind: 'websocket-server',
    durability: 'volatile',
    needsMainThread: true,
    discover: async (): Promise<Discovery> => ({ splits: [split], isComplete: true }),
    open: async (_split, _from, context) => {
      const { decode } = plan
      if (context.isBounded) return new SocketReader({ split, context, decode, run: () => Promise.resolve() })
      const heard = new HeardClients(plan, context.random.int(2 ** 32).toString(36))
      const server = await addresses.opened(serve(heard.options))
      const beating = every(context.clock, plan.heartbeatMs, () => server.beat())
      const onClose = async (): Promise<void> => {
        beating[Symbol.dispose]()
        addresses.closed()
        const deadline = context.clock.schedule(closeTimeoutMs, () => server.cut())
        await server.stop()
        deadline[Symbol.dispose]()
      }
      return new SocketReader({
        split,
        context,
        decode,
        run: (to, signal) => heard.hear(to, signal),
        onClose,
      })
    },
    address: () => addresses.address(),
  }
}

interface ReceivePlan<T> extends AccessPlan {
  readonly origins: ReadonlySet<string>
  readonly decode: (data: Uint8Array) => T
  readonly messageBytesMax: number
  readonly clientsMax: number
  readonly heartbeatMs: number
}

function receivePlanOf<T>(options: ReceiveSocketOptions<T>): ReceivePlan<T> {
  const what = 'websocket.receive'
  requireKnown(what, options, names)
  const {
    allowedOrigins = [],
    messageBytesMax = 1024 * 1024,
    clientsMax = 1_000,
    decode = decodeJson,
  } = options
  requireCount(what, 'messageBytesMax', messageBytesMax)
  requireCount(what, 'clientsMax', clientsMax)
  const parse = parserOf(options.schema)
  return {
    ...accessPlanOf(what, options, '/'),
    origins: new Set(allowedOrigins),
    decode: (data) => parse(decode(data)),
    messageBytesMax,
    clientsMax,
    heartbeatMs: positiveDurationMs(options.heartbeat ?? '15s', `${what}: heartbeat`),
  }
}

/** Clients that are connected. Their messages go to one reader. */
class HeardClients {
  readonly options: ServeSocketsOptions
  #inflow: MessageInflow | undefined
  #clients = 0

  /** `run` is different in each life of the source. */
  constructor(plan: ReceivePlan<unknown>, run: string) {
    this.options = {
      host: plan.host,
      port: plan.port,
      messageBytesMax: plan.messageBytesMax,
      check: (request) => {
        checkSocket(request, plan)
        if (this.#clients >= plan.clientsMax)
          throw new Refusal(503, 'there are too many clients; retry later')
      },
      begin: (socket) => this.#begin(socket, `connection ${run}-${socket.number}`),
    }
  }

  /** Passes messages on until the signal aborts. */
  hear(inflow: MessageInflow, signal: AbortSignal): Promise<void> {
    this.#inflow = inflow
    inflow.isAlive()
    return new Promise((_resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', stop, { once: true })
      if (signal.aborted) stop()
    })
  }

  #begin(socket: ServerSocket, name: string): SocketListener {
    this.#clients++
    socket.listen(
      () => {},
      () => this.#clients--,
    )
    let messages = 0
    return {
      message: (data) => {
        this.#inflow?.isAlive()
        return this.#inflow?.add(data, `${name}, message ${messages++}`)
      },
      isAlive: () => {},
    }
  }
}

/**
 * Broadcasts records as text messages to any number of WebSocket clients.
 *
 * At most once: a record reaches the clients that are connected. A slow client is treated as by `sse.broadcast`; what clients
 * send is ignored. Use `sse.broadcast` if clients have to resume where they were.
 *
 * Throws `OPTION_INVALID` for invalid or unsafe options.
 *
 * @example
 * prices.to('live', websocket.broadcast({ port: 8083 }))
 */
export function broadcast<T>(options: BroadcastOptions<T>): BroadcastSink<T> {
  return broadcastVia(serveSockets, options)
}

/** The same over another server. */
export function broadcastVia<T>(serve: ServeSockets, options: BroadcastOptions<T>): BroadcastSink<T> {
  const plan = broadcastPlanOf('websocket.broadcast', options)
  return new ServerSink<T, SocketServer>({
    kind: 'websocket-broadcast',
    plan,
    messageOf: (value, number) => ({ id: number, bytes: encoder.encode(plan.encode(value)) }),
    beat: (_hub, server) => server.beat(),
    serve: (hub) =>
      serve({
        host: plan.host,
        port: plan.port,
        messageBytesMax: unheardBytesMax,
        check: (request) => {
          checkSocket(request, plan)
          if (hub.isFull)
            throw new Refusal(503, 'there are too many clients, or the job is stopping; retry later')
        },
        begin: (socket) => {
          hub.subscribe(socket, undefined)
          return undefined
        },
      }),
  })
}

/** A browser lets any page connect, with the cookies of the user: the server has to look at the origin. */
function checkSocket(
  request: IncomingRequest,
  plan: AccessPlan & { readonly origins: ReadonlySet<string> },
): void {
  checkAccess(request, plan, ['GET'], sameSecret)
  const origin = request.header('origin')
  if (origin === undefined || plan.origins.has(origin)) return
  throw new Refusal(403, 'the origin of the page is not allowed; add it to allowedOrigins')
}
