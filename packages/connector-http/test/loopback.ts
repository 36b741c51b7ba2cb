import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import net from 'node:net'

/** A server that can be stopped and started again on its port. */
export class LoopbackServer {
  readonly #listener: RequestListener
  readonly #begin: (server: Server) => void
  #server: Server | undefined
  port = 0

  private constructor(listener: RequestListener, begin: (server: Server) => void) {
    this.#listener = listener
    this.#begin = begin
  }

  /** `begin` is called with each new server before it listens. */
  static async open(
    listener: RequestListener,
    begin: (server: Server) => void = () => {},
  ): Promise<LoopbackServer> {
    const server = new LoopbackServer(listener, begin)
    await server.start()
    return server
  }

  async start(): Promise<void> {
    this.#server = createServer(this.#listener)
    this.#begin(this.#server)
    this.#server.listen(this.port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.port = (this.#server.address() as net.AddressInfo).port
  }

  /** Ends every connection, and accepts none until it is started again. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  }
}

/** Forwards what a client and a server send each other. */
export class LoopbackProxy {
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>()
  readonly #listener: net.Server

  private constructor(target: () => number) {
    this.#listener = net.createServer((client) => {
      const upstream = net.connect(target(), '127.0.0.1')
      const pair = [client, upstream] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, [upstream, client]] as const) {
        from.on('error', () => {})
        from.on('data', (bytes) => to.write(bytes))
        from.on('close', () => {
          to.destroy()
          this.#pairs.delete(pair)
        })
      }
    })
  }

  static async open(target: () => number): Promise<LoopbackProxy> {
    const proxy = new LoopbackProxy(target)
    proxy.#listener.listen(0, '127.0.0.1')
    await once(proxy.#listener, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#listener.address() as net.AddressInfo).port
  }

  /** Ends every connection. */
  cut(): void {
    for (const pair of this.#pairs) for (const end of pair) end.destroy()
  }

  /** Every connection stays open, and nothing comes through it any longer. New ones work. */
  swallow(): void {
    for (const pair of this.#pairs) for (const end of pair) end.removeAllListeners('data').resume()
  }

  close(): void {
    this.cut()
    this.#listener.close()
  }
}
