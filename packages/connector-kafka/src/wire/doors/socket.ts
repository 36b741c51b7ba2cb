import { setMaxListeners } from 'node:events'
import net from 'node:net'
import { clearTimeout, setTimeout } from 'node:timers'
import tls from 'node:tls'
import { reveal } from '@millrace/core'
import type { TlsOptions } from '../../options.ts'
import type { Dial, Network } from '../line.ts'

/** How much one read takes at most. */
const readBytes = 2 ** 18

/** The network of this machine, with TLS if `encryption` says so. */
export function machineNetwork(encryption: boolean | TlsOptions): Network {
  return {
    dial: socketDial(encryption),
    timer: (ms, expired) => {
      const timer = setTimeout(expired, ms)
      return { [Symbol.dispose]: () => clearTimeout(timer) }
    },
  }
}

/** Many requests of a process end with one signal: Node would take that for a leak. */
export function allowManyListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal)
}

function socketDial(encryption: boolean | TlsOptions): Dial {
  return (host, port, listener) => {
    const isEncrypted = encryption !== false
    const take = (bytes: Uint8Array): void => listener.data(bytes)
    const socket = isEncrypted
      ? tls.connect(tlsOptions(host, port, encryption)).on('data', take)
      : net.connect({ host, port, onread: intoOneBuffer(take) })
    let isOpen = false
    let hasEnded = false
    const end = (reason: string, isAboutTrust = false): void => {
      if (hasEnded) return
      hasEnded = true
      listener.ended(reason, isAboutTrust)
    }
    socket.setNoDelay(true)
    socket.setKeepAlive(true, 60_000)
    socket.once(isEncrypted ? 'secureConnect' : 'connect', () => {
      isOpen = true
      listener.opened()
    })
    socket.on('error', (error: NodeJS.ErrnoException) =>
      end(reasonOf(error), isEncrypted && !isOpen && !isAboutNetwork(error)),
    )
    socket.on('close', () =>
      end(isOpen ? 'the broker has ended the connection' : 'the connection was ended before it began'),
    )
    return {
      write: (bytes) => void socket.write(bytes),
      close: () => {
        hasEnded = true
        socket.destroy()
      },
    }
  }
}

/** Reads into the same memory again and again: what is not complete is copied out of it. */
function intoOneBuffer(take: (bytes: Uint8Array) => void): net.OnReadOpts {
  const buffer = new Uint8Array(readBytes)
  return {
    buffer,
    callback: (count) => {
      take(buffer.subarray(0, count))
      return true
    },
  }
}

function tlsOptions(host: string, port: number, encryption: true | TlsOptions): tls.ConnectionOptions {
  const { ca, certificate, key, keyPassword } = encryption === true ? {} : encryption
  return {
    host,
    port,
    // A server's name is sent and compared, an address only compared.
    ...(net.isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(certificate !== undefined && { cert: certificate }),
    ...(key !== undefined && { key: reveal(key) }),
    ...(keyPassword !== undefined && { passphrase: reveal(keyPassword) }),
  }
}

function isAboutNetwork({ code }: NodeJS.ErrnoException): boolean {
  return ['ECONNREFUSED', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN'].includes(
    code ?? '',
  )
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNREFUSED') return 'the connection was refused (ECONNREFUSED)'
  // The error of a host with several addresses has its text in its parts.
  const parts = error instanceof AggregateError ? (error.errors as Error[]) : [error]
  return parts.map(({ message }) => message).join('; ')
}
