import { describeError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { acceptedCodings, contentCoding } from '../content-coding.ts'
import type { ClientPlan } from './client-options.ts'
import type { HttpAnswer, HttpDoor, HttpRequest } from './http-door.ts'
import { printableUrl, redactionOf } from './secrets.ts'

/** A whole answer. */
export interface WholeAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  /** Inflated; undefined if it has more bytes than are allowed, as it was sent or inflated. */
  readonly body: Uint8Array | undefined
}

/** A request, and how its answer is read. */
export interface Exchange extends HttpRequest {
  /** Header fields that, like those of the options, another origin does not get. */
  readonly ownHeaders?: Readonly<Record<string, string>>
  /** More bytes of the answer are not read. */
  readonly bodyBytesMax: number
  /** Whether a redirect may lead to another origin. It gets none of the header fields of the options. */
  readonly mayLeaveOrigin: boolean
  readonly signal: AbortSignal
}

const redirectsMax = 5
/** The rest of the body of a redirect is not read. */
const redirectBytesMax = 64 * 1024
const redirects = new Set([301, 302, 303, 307, 308])

/** Sends requests and reads whole answers, within the limits of time and size. */
export class HttpClient {
  readonly #door: HttpDoor
  readonly #plan: ClientPlan
  readonly #clock: ConnectorContext['clock']

  constructor(door: HttpDoor, plan: ClientPlan, clock: ConnectorContext['clock']) {
    this.#door = door
    this.#plan = plan
    this.#clock = clock
  }

  /** Rejects if there is no whole answer in time. The error has no secret. */
  async exchange(exchange: Exchange): Promise<WholeAnswer> {
    const { timeoutMs, redaction } = this.#plan
    const within = { ...exchange, headers: { 'accept-encoding': acceptedCodings, ...exchange.headers } }
    try {
      return await inTime(this.#clock, timeoutMs, exchange.signal, (signal) =>
        this.#exchange({ ...within, signal }),
      )
    } catch (error) {
      exchange.signal.throwIfAborted()
      // The cause is left out: it may hold what was sent.
      throw new Error(redactionOf(redaction, exchange.url).redact(describeError(error)))
    }
  }

  /** Resolves if a connection can be made. */
  async reach(url: URL, signal: AbortSignal): Promise<void> {
    await inTime(this.#clock, this.#plan.timeoutMs, signal, (within) => this.#door.reach(url, within))
  }

  /** Resolves when the head of an answer is there that is no redirect, or none to follow. */
  async begin(exchange: Exchange): Promise<HttpAnswer> {
    const ownHeaders = { ...this.#plan.headers, ...exchange.ownHeaders }
    let request: Exchange = { ...exchange, headers: { ...ownHeaders, ...exchange.headers }, ownHeaders }
    for (let count = 0; ; count++) {
      const answer = await this.#door.send(request, exchange.signal)
      const next = redirected(request, answer)
      if (next === undefined || !this.#mayFollow(request.url, next)) return answer
      const isOther = next.origin !== request.url.origin
      if (isOther && !exchange.mayLeaveOrigin) return answer
      if (count === redirectsMax) throw new Error(`there are more than ${redirectsMax} redirects`)
      await wholeBody(answer.body, redirectBytesMax)
      request = { ...request, url: next, headers: isOther ? withoutOwn(request) : request.headers }
    }
  }

  async #exchange(exchange: Exchange): Promise<WholeAnswer> {
    return this.#whole(await this.begin(exchange), exchange)
  }

  /** Whether a redirect keeps the encryption, and has no credentials. */
  #mayFollow(from: URL, to: URL): boolean {
    const isHttp = to.protocol === 'https:' || (to.protocol === 'http:' && from.protocol === 'http:')
    return isHttp && to.username === '' && to.password === ''
  }

  async #whole({ status, headers, body }: HttpAnswer, { bodyBytesMax }: Exchange): Promise<WholeAnswer> {
    const sent = await wholeBody(body, bodyBytesMax)
    const coding = contentCoding(headers.get('content-encoding'))
    if (sent === undefined || sent.length === 0 || coding === 'identity')
      return { status, headers, body: sent }
    if (coding === undefined)
      throw new Error(
        `the answer has the Content-Encoding ${headers.get('content-encoding')}, which was not asked for`,
      )
    return { status, headers, body: await this.#door.inflate(sent, coding, bodyBytesMax) }
  }
}

/** The header fields for another origin. */
function withoutOwn({ headers, ownHeaders = {} }: Exchange): HttpRequest['headers'] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !Object.hasOwn(ownHeaders, name)))
}

/** Where a redirect leads; undefined if the answer is none that keeps the method. */
function redirected({ method, url }: HttpRequest, { status, headers }: HttpAnswer): URL | undefined {
  const location = headers.get('location')
  if (!redirects.has(status) || location === undefined || !URL.canParse(location, url.href)) return undefined
  const keepsMethod = method === 'GET' || status === 307 || status === 308
  return keepsMethod ? new URL(location, url) : undefined
}

/** The origin that a redirect names, for messages. */
export function redirectText(url: URL, location: string | undefined): string {
  if (location === undefined || !URL.canParse(location, url.href)) return 'nowhere'
  return printableUrl(new URL(location, url))
}

async function wholeBody(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > bytesMax) return undefined
    chunks.push(chunk)
  }
  return joined(chunks, length)
}

/** The bytes of several pieces, one after the other. */
export function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  if (chunks.length === 1) return chunks[0]!
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole
}

/** Rejects when the time is over or the signal aborts; `action` gets a signal for both. */
async function inTime<R>(
  clock: ConnectorContext['clock'],
  ms: number,
  signal: AbortSignal,
  action: (signal: AbortSignal) => Promise<R>,
): Promise<R> {
  signal.throwIfAborted()
  const within = new AbortController()
  const onAbort = (): void => within.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const timer = clock.schedule(ms, () =>
    within.abort(new Error(`there was no whole answer within ${ms} ms (timeout)`)),
  )
  try {
    return await action(within.signal)
  } catch (error) {
    // Node's client has its own error for a signal.
    within.signal.throwIfAborted()
    throw error
  } finally {
    timer[Symbol.dispose]()
    signal.removeEventListener('abort', onAbort)
  }
}
