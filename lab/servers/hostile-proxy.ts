import { once } from 'node:events'
import net from 'node:net'
import { seededRandom, type Random } from '@millrace/world'

/** What the proxy does to a part of what the server sends. */
export type Attack = (bytes: Buffer, random: Random) => { readonly bytes: Buffer; readonly isLast?: boolean }

/**
 * Replaces bytes by such as are in no text and in no small number: a record of JSON that has some is no JSON, and no length that
 * has some is right. Eight at least, so that no number of a protocol is changed by a little only.
 */
export const garble: Attack = (bytes, random) => {
  const changed = Buffer.from(bytes)
  const at = random.int(Math.max(changed.length - 8, 1))
  const end = Math.min(changed.length, at + 8 + random.int(24))
  for (let index = at; index < end; index++) changed[index] = 0x80 + random.int(0x80)
  return { bytes: changed }
}

/** Leaves out the end, and ends the connection. */
export const truncate: Attack = (bytes, random) => ({
  bytes: bytes.subarray(0, random.int(bytes.length)),
  isLast: true,
})

/** Puts other bytes between. */
export const insert: Attack = (bytes, random) => {
  const at = random.int(bytes.length)
  const added = Buffer.from(Array.from({ length: 1 + random.int(40) }, () => 0x80 + random.int(0x80)))
  return { bytes: Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at)]) }
}

/** Replaces what `pattern` finds first, a length or a count, by one that nothing has. Otherwise garbles. */
export function enlarge(pattern: RegExp, huge: readonly string[]): Attack {
  return (bytes, random) => {
    const found = pattern.exec(bytes.toString('latin1'))
    if (found === null) return garble(bytes, random)
    const [head, tail] = [bytes.subarray(0, found.index), bytes.subarray(found.index + found[0].length)]
    return { bytes: Buffer.concat([head, Buffer.from(huge[random.int(huge.length)]!, 'latin1'), tail]) }
  }
}

/** What a test of hostile bytes can choose. */
export interface HostileOptions {
  /** Repeats what is done, as far as the server sends the same. */
  readonly seed: number
  readonly attacks: readonly Attack[]
  /** So many connections are attacked once each; those after them are not. */
  readonly connections: number
  /** An attack comes within so many bytes of the server. */
  readonly within: number
  /** The port to listen at. Default: a free one. */
  readonly port?: number
}

/** Forwards what clients and a server of this machine send each other, and attacks the clients with what is no answer. */
export class HostileProxy {
  readonly #listener: net.Server
  readonly #sockets = new Set<net.Socket>()
  readonly #random: Random
  readonly #options: HostileOptions
  /** How many connections were attacked. */
  attacked = 0

  /** `server` is the port of the server. */
  constructor(server: number, options: HostileOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#listener = net.createServer((client) => {
      const upstream = net.connect(server, '127.0.0.1')
      const attack = this.#attack()
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(from)
        from.on('error', () => {})
        from.on('close', () => {
          this.#sockets.delete(from)
          to.destroy()
        })
      }
      client.on('data', (bytes) => upstream.write(bytes))
      upstream.on('data', (bytes) => {
        const { bytes: sent, isLast = false } = attack(bytes)
        client.write(sent)
        if (isLast) client.end()
      })
    })
  }

  /** Returns its port. */
  async open(): Promise<number> {
    this.#listener.listen(this.#options.port ?? 0, '127.0.0.1')
    await once(this.#listener, 'listening')
    return (this.#listener.address() as net.AddressInfo).port
  }

  /** Whether all attacks were made. */
  get isDone(): boolean {
    return this.attacked >= this.#options.connections
  }

  /** Ends every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.cut()
    this.#listener.close()
    await once(this.#listener, 'close')
  }

  /** What is done to the bytes of one connection. */
  #attack(): (bytes: Buffer) => ReturnType<Attack> {
    const { attacks, within } = this.#options
    const random = this.#random
    const from = random.int(within)
    const attack = attacks[random.int(attacks.length)]!
    let seen = 0
    let isDone = false
    return (bytes) => {
      seen += bytes.length
      if (isDone || seen <= from || this.isDone || bytes.length === 0) return { bytes }
      isDone = true
      this.attacked++
      return attack(bytes, random)
    }
  }
}
