import net from 'node:net'
import { clearTimeout, setTimeout } from 'node:timers'
import tls from 'node:tls'
import type { Network } from '../line.ts'

/** How much one read takes at most. */
const readBytes = 2 ** 18

/** How long a broker has to take the last bytes. */
const lastMs = 2_000

/** Where a broker listens. `encryption`: undefined for none. */
export interface Place {
  readonly host: string
  readonly port: number
  readonly encryption: tls.ConnectionOptions | undefined
}

/** The network of this machine. */
export function machineNetwork(place: Place): Network {
  return {
    dial: socketDial(place),
    timer: (ms, expired) => {
      const timer = setTimeout(expired, ms)
      return { [Symbol.dispose]: () => clearTimeout(timer) }
    },
  }
}

function socketDial({ host, port, encryption }: Place): Network['dial'] {
  return (listener) => {
    const socket =
      encryption === undefined
        ? net.connect({ host, port, onread: intoOneBuffer((bytes) => listener.data(bytes)) })
        : tls
            // The name of a server is sent and compared, an address only compared.
            .connect({ ...(net.isIP(host) === 0 && { servername: host }), ...encryption, host, port })
            .on('data', (bytes: Buffer) => listener.data(bytes))
    let hasEnded = false
    const end = (reason: string): void => {
      if (hasEnded) return
      hasEnded = true
      listener.ended(reason)
    }
    socket.setNoDelay(true)
    socket.once(encryption === undefined ? 'connect' : 'secureConnect', () => listener.opened())
    socket.on('error', (error) => end(reasonOf(error)))
    socket.on('close', () => end('the broker has ended the connection'))
    return {
      write: (bytes) => void socket.write(bytes),
      end: () => {
        socket.destroySoon()
        setTimeout(() => socket.destroy(), lastMs).unref()
      },
      destroy: () => {
        hasEnded = true
        socket.destroy()
      },
    }
  }
}

/** Reads into the same memory again and again: what is kept is copied out of it. */
function intoOneBuffer(take: (bytes: Buffer) => void): net.OnReadOpts {
  const buffer = Buffer.allocUnsafeSlow(readBytes)
  return {
    buffer,
    callback: (count) => {
      take(buffer.subarray(0, count))
      return true
    },
  }
}

function reasonOf(error: Error): string {
  // The error of a host with several addresses has its text in its parts.
  const parts = error instanceof AggregateError ? (error.errors as Error[]) : [error]
  return parts.map(({ message }) => message).join('; ')
}
