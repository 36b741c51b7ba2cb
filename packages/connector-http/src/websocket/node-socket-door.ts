/** The only file that uses `ws`. */
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { reveal } from '@millrace/core'
import { WebSocket, WebSocketServer, type RawData } from 'ws'
import type { IncomingRequest } from '../incoming-request.ts'
import { Refusal } from '../refusal.ts'
import { startListening } from '../server.ts'
import type {
  ClientSocket,
  ConnectSocket,
  ServeSockets,
  ServerSocket,
  SocketListener,
} from './socket-door.ts'

/** Compressed messages are not accepted: a small one may inflate to a huge one. */
const common = { perMessageDeflate: false } as const

export const connectSocket: ConnectSocket = (options, listener, signal) =>
  new Promise((resolve, reject) => {
    const { url, headers, protocols, tls, messageBytesMax } = options
    signal.throwIfAborted()
    const socket = new WebSocket(url, [...protocols], {
      ...common,
      headers,
      maxPayload: messageBytesMax,
      ca: tls.ca,
      cert: tls.certificate,
      key: tls.key && reveal(tls.key),
    })
    const onAbort = (): void => {
      socket.terminate()
      reject(signal.reason as Error)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    let problem = ''
    socket.on('error', (error) => {
      problem = error.message
      reject(error)
    })
    const closed = new Promise<string>((end) => {
      socket.once('close', (code) => {
        signal.removeEventListener('abort', onAbort)
        end(problem === '' ? `the connection was closed (${code})` : problem)
      })
    })
    hear(socket, listener)
    socket.once('open', () => {
      const client: ClientSocket = {
        send: (text) => socket.send(text),
        ping: () => socket.ping(),
        closed,
        cut: () => socket.terminate(),
      }
      resolve(client)
    })
  })

function hear(socket: WebSocket, listener: SocketListener): void {
  socket.on('message', (data) => {
    listener.isAlive()
    const full = listener.message(bytesOf(data))
    if (full === undefined) return
    socket.pause()
    void full.then(() => socket.resume())
  })
  socket.on('ping', () => listener.isAlive())
  socket.on('pong', () => listener.isAlive())
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}

export const serveSockets: ServeSockets = async ({ host, port, messageBytesMax, check, begin }) => {
  const server = createServer((_request, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket' })
    response.end('connect with a WebSocket\n')
  })
  const accepting = new WebSocketServer({ ...common, noServer: true, maxPayload: messageBytesMax })
  const clients = new Set<NodeSocket>()
  let connections = 0
  server.on('upgrade', (message: IncomingMessage, duplex: Duplex, head: Buffer) => {
    duplex.on('error', () => {})
    try {
      check(headOf(message))
    } catch (error) {
      const status = error instanceof Refusal ? error.status : 500
      duplex.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    accepting.handleUpgrade(message, duplex, head, (socket) => {
      const client = new NodeSocket(socket, connections++)
      clients.add(client)
      // A client that is gone, or sends what is no message, is no error of the server.
      socket.on('error', () => {})
      socket.once('close', () => clients.delete(client))
      const listener = begin(client)
      hear(socket, { message: (data) => listener?.message(data), isAlive: () => (client.isAlive = true) })
    })
  })
  const address = await startListening(server, host, port)
  return {
    address: { ...address, url: address.url.replace(/^http/, 'ws') },
    beat: () => {
      for (const client of clients) client.beat()
    },
    stop: () =>
      new Promise((resolve) => {
        for (const client of clients) client.end()
        server.close(() => resolve())
      }),
    cut: () => {
      for (const client of clients) client.cut()
      server.closeAllConnections()
    },
  }
}

class NodeSocket implements ServerSocket {
  readonly number: number
  isAlive = true
  readonly #socket: WebSocket
  #onDrain: () => void = () => {}

  constructor(socket: WebSocket, number: number) {
    this.#socket = socket
    this.number = number
  }

  get waitingBytes(): number {
    return this.#socket.bufferedAmount
  }

  write(bytes: Uint8Array): void {
    this.#socket.send(bytes, { binary: false }, () => {
      if (this.waitingBytes === 0) this.#onDrain()
    })
  }

  listen(onDrain: () => void, onClose: () => void): void {
    this.#onDrain = onDrain
    this.#socket.once('close', onClose)
  }

  beat(): void {
    if (!this.isAlive) return this.cut()
    this.isAlive = false
    this.#socket.ping()
  }

  /** 1001: the server goes away. */
  end(): void {
    this.#socket.close(1001)
  }

  cut(): void {
    this.#socket.terminate()
  }
}

function headOf({ method = '', url = '', headers }: IncomingMessage): IncomingRequest {
  return {
    method,
    target: url,
    header: (name) => {
      const value = headers[name]
      return typeof value === 'string' ? value : undefined
    },
    readBody: () => Promise.resolve(undefined),
  }
}
