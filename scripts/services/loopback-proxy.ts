import { once } from 'node:events'
import net from 'node:net'

/** Forwards what clients and a server of this machine send each other, unless it is made to do something else. */
export class LoopbackProxy {
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>()
  readonly #listener: net.Server
  #isSilent = false

  /** The port of the server. */
  constructor(port: number) {
    this.#listener = net.createServer((client) => {
      const upstream = net.connect(port, '127.0.0.1')
      const pair = [client, upstream] as const
      this.#pairs.add(pair)
      for (const [from, to] of [pair, [upstream, client]] as const) {
        from.on('error', () => {})
        from.on('data', (bytes) => this.#isSilent || to.write(bytes))
        from.on('close', () => to.destroy())
      }
    })
  }

  /** Returns its port: the given one, or a free one. */
  async open(port = 0): Promise<number> {
    this.#listener.listen(port, '127.0.0.1')
    await once(this.#listener, 'listening')
    return (this.#listener.address() as net.AddressInfo).port
  }

  /** Ends every connection. */
  cut(): void {
    for (const [client, upstream] of this.#pairs) for (const end of [client, upstream]) end.destroy()
    this.#pairs.clear()
  }

  /** Every connection stays open, and nothing comes through it any longer. New ones work. */
  swallow(): void {
    for (const [client, upstream] of this.#pairs) {
      for (const end of [client, upstream]) end.removeAllListeners('data').resume()
    }
  }

  /** While silent, nothing comes through any connection, old or new. Afterwards old ones have ended. */
  silence(isSilent: boolean): void {
    this.#isSilent = isSilent
    // What was swallowed is missing in the middle of them.
    if (!isSilent) this.cut()
  }

  close(): void {
    this.cut()
    this.#listener.close()
  }
}
