import type { IncomingRequest } from '../src/incoming-request.ts'

export interface FakeRequestOptions {
  readonly method?: string
  readonly target?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Whether the client announces the length of the body. Default true. */
  readonly isMeasured?: boolean
  /** Resolves when the body has arrived. Default: at once. */
  readonly arrival?: Promise<void>
}

/** A request as a local client would send it. */
export function post(options: FakeRequestOptions = {}): IncomingRequest & { isRead: boolean } {
  const { method = 'POST', target = '/', body = '', isMeasured = true, arrival } = options
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const headers: Record<string, string> = {
    host: 'localhost:8080',
    'content-type': 'application/x-ndjson',
    ...(isMeasured && { 'content-length': String(bytes.length) }),
    ...options.headers,
  }
  return {
    method,
    target,
    isRead: false,
    header: (name) => headers[name],
    async readBody(bytesMax) {
      this.isRead = true
      await arrival
      return bytes.length > bytesMax ? undefined : bytes
    },
  }
}
