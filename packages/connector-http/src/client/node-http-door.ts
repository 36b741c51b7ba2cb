/** The only file that sends requests. */
import { createHash } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { connect as tcpConnect } from 'node:net'
import { connect as tlsConnect } from 'node:tls'
import { reveal } from '@millrace/core'
import { inflate } from '../server.ts'
import type { HttpAnswer, HttpDoor, HttpRequest, OpenHttpDoor } from './http-door.ts'

/** A larger head of an answer ends the request. */
const headBytesMax = 16 * 1024

/** Uses Node's own client: no redirects, no proxies, no cookies, nothing inflated. */
export const openNodeDoor: OpenHttpDoor = ({ tls, connectionsMax }): HttpDoor => {
  const keep = { keepAlive: true, maxSockets: connectionsMax, maxFreeSockets: connectionsMax }
  const secure = { ca: tls.ca, cert: tls.certificate, key: tls.key && reveal(tls.key) }
  const agents = { 'http:': new HttpAgent(keep), 'https:': new HttpsAgent({ ...keep, ...secure }) }

  const send = ({ method, url, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const isSecure = url.protocol === 'https:'
      const length = body === undefined ? {} : { 'content-length': String(body.length) }
      const options: RequestOptions = {
        method,
        headers: { ...headers, ...length },
        agent: isSecure ? agents['https:'] : agents['http:'],
        maxHeaderSize: headBytesMax,
        signal,
      }
      const sending = isSecure ? httpsRequest(url, options) : httpRequest(url, options)
      sending.once('response', (message) => resolve(answerOf(message)))
      sending.on('upgrade', (_message, socket) => {
        socket.destroy()
        reject(new Error('the server has switched to another protocol'))
      })
      sending.on('error', reject)
      sending.end(body)
    })

  return {
    send,
    reach: (url, signal) => reach(url, secure, signal),
    inflate,
    digest: (data) => createHash('sha256').update(data).digest('hex'),
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

/** Many requests end with one signal: Node would take that for a leak. */
export function allowManyListeners(signal: AbortSignal): void {
  setMaxListeners(0, signal)
}

function answerOf(message: IncomingMessage): HttpAnswer {
  const headers = new Map<string, string>()
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(', ') : value)
  }
  // Errors of an answer that is not read are not thrown.
  message.on('error', () => {})
  return { status: message.statusCode ?? 0, headers, body: message }
}

function reach(url: URL, secure: object, signal: AbortSignal): Promise<void> {
  const isSecure = url.protocol === 'https:' || url.protocol === 'wss:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const port = Number(url.port === '' ? (isSecure ? 443 : 80) : url.port)
  return new Promise((resolve, reject) => {
    const isName = !/^[\d.]+$|:/.test(host)
    const socket = isSecure
      ? tlsConnect({ host, port, ...secure, ...(isName && { servername: host }) })
      : tcpConnect({ host, port })
    const onAbort = (): void => void socket.destroy(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once(isSecure ? 'secureConnect' : 'connect', () => {
      socket.destroy()
      resolve()
    })
    socket.on('error', reject)
    socket.once('close', () => {
      signal.removeEventListener('abort', onAbort)
      reject(new Error('the connection was closed'))
    })
    if (signal.aborted) onAbort()
  })
}
