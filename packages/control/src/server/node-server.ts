import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { describeError, MillraceError } from '@millrace/core'

/** A server that listens. */
export interface Listening {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

/** How long requests may take to arrive, in milliseconds. */
interface ArrivalLimits {
  readonly headersMs: number
  readonly requestMs: number
  /** How often the server looks for requests that take longer, which are cut. */
  readonly checkMs: number
}

const defaultLimits: ArrivalLimits = { headersMs: 10_000, requestMs: 30_000, checkMs: 2_000 }
const connectionsMax = 256

/** Serves requests on an address. Rejects with `OPTION_INVALID` if it is not free or not of this machine. */
export async function listen(
  fetch: (request: Request) => Response | Promise<Response>,
  host: string,
  port: number,
  { headersMs, requestMs, checkMs }: ArrivalLimits = defaultLimits,
): Promise<Listening> {
  const answer = getRequestListener(fetch, { overrideGlobalObjects: false })
  const server = createServer(
    {
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      // Node looks every thirty seconds otherwise.
      connectionsCheckingInterval: checkMs,
      maxHeaderSize: 16_384,
    },
    (request, response) => void answer(request, response),
  )
  server.maxConnections = connectionsMax
  await listening(server, host, port)
  const { port: own } = server.address() as AddressInfo
  return {
    host,
    port: own,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        new MillraceError(
          'OPTION_INVALID',
          `the control API cannot listen on ${host}:${port}: ${describeError(error)}. Choose another address`,
          { cause: error },
        ),
      )
    })
    server.listen(port, host, resolve)
  })
}
