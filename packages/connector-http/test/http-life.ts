import type { ConnectorContext, SplitReader } from '@millrace/core/connector'
import { SimOwners, simPlatform, type SimFs, type SimPlatform } from '@millrace/testkit'
import { connect, type Socket } from 'node:net'
import * as http from '../src/http.ts'
import type { HttpServerSource } from '../src/http-server-source.ts'
import type { InboxPosition } from '../src/inbox-position.ts'
import type { HttpServerOptions } from '../src/server-options.ts'

/** One run of a job that reads from a server on a real local port. */
export interface HttpLife {
  readonly source: HttpServerSource<unknown>
  readonly reader: SplitReader<unknown, InboxPosition>
  readonly url: string
  readonly port: number
  readonly platform: SimPlatform
  readonly warnings: string[]
  readonly abort: AbortController
}

export interface HttpLifeOptions extends Partial<HttpServerOptions> {
  readonly fs?: SimFs
  readonly from?: InboxPosition
}

export async function serve({ fs, from, ...options }: HttpLifeOptions = {}): Promise<HttpLife> {
  const platform = simPlatform({ seed: 1, ...(fs && { fs }) })
  const source = http.receive({ port: 0, ...options })
  const warnings: string[] = []
  const abort = new AbortController()
  const context = contextOf(platform, { signal: abort.signal, warn: (message) => warnings.push(message) })
  const reader = await source.open('inbox', from, context)
  const { url, port } = await source.address()
  return { source, reader, url, port, platform, warnings, abort }
}

export function contextOf(platform: SimPlatform, changes: Partial<ConnectorContext> = {}): ConnectorContext {
  const { clock, random, fs } = platform
  const { signal } = new AbortController()
  return {
    name: 'in',
    directory: 'in',
    owner: new SimOwners().take(),
    clock,
    random,
    fs,
    isBounded: false,
    start: { kind: 'first', checkpoint: undefined },
    signal,
    warn: () => undefined,
    down: () => {},
    trying: () => {},
    up: () => {},
    ...changes,
  }
}

/** Posts lines as a well-behaved client. */
export function postLines(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/x-ndjson', ...headers },
  })
}

/** Sends a health check. */
export function askHealth(url: string, method: 'GET' | 'HEAD' = 'GET'): Promise<Response> {
  return fetch(`${url}/healthz`, { method })
}

/** A client that can send arbitrary bytes. */
export class RawClient {
  readonly #socket: Socket
  #received = ''
  readonly #closed: Promise<void>
  #wake: () => void = () => undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk) => {
      this.#received += chunk.toString('latin1')
      this.#wake()
    })
    // When the server closes the connection, the client's write may fail.
    socket.on('error', () => this.#wake())
    this.#closed = new Promise((resolve) => {
      socket.once('close', () => {
        resolve()
        this.#wake()
      })
    })
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1')
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return new RawClient(socket)
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Closes the connection without a message. */
  cut(): void {
    this.#socket.destroy()
  }

  /** Resolves to everything received, once it contains `wanted` or the server closed the connection. */
  async receive(wanted: string): Promise<string> {
    while (!this.#received.includes(wanted) && !this.#socket.closed) {
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return this.#received
  }

  /** Resolves to everything received until the server closed the connection. */
  async rest(): Promise<string> {
    await this.#closed
    return this.#received
  }
}
