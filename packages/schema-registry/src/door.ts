/** The only file that uses the network. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** An answer of a registry. */
export interface RegistryAnswer {
  readonly status: number
  readonly body: string
}

/** A question to a registry. */
export interface RegistryRequest {
  readonly method: 'GET' | 'POST'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
}

/** How a registry is asked. In tests it is a function. */
export type Ask = (request: RegistryRequest) => Promise<RegistryAnswer>

/** A larger answer is no schema. */
const bodyBytesMax = 8 * 1024 * 1024

/** Asks with Node's client. Redirects are not followed, so credentials stay where they are. */
export const askOverHttp: Ask = async (request) => {
  const message = await answerOf(request)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > bodyBytesMax) throw new Error(`the answer has more than ${bodyBytesMax} bytes`)
    chunks.push(chunk)
  }
  return { status: message.statusCode ?? 0, body: Buffer.concat(chunks).toString() }
}

function answerOf({ method, url, headers, body, signal }: RegistryRequest): Promise<IncomingMessage> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    const asking = send(url, { method, headers, signal })
    asking.once('response', resolve)
    asking.on('error', reject)
    asking.end(body)
  })
}
