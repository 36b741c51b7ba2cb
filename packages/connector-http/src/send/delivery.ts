import { describeError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { redirectText, type HttpClient, type WholeAnswer } from '../client/http-client.ts'
import { retryAfterMs } from '../client/http-date.ts'
import { pause, type Outage } from '../client/outage.ts'
import { excerptOf, loginFields, printableUrl, redactionOf, withoutLogin } from '../client/secrets.ts'
import { bodyOf, type OutgoingRequest } from './outgoing-request.ts'
import type { RecordIds } from './record-ids.ts'
import type { SendPlan } from './send-options.ts'

/** What delivers requests. */
export interface DeliveryParts<T> {
  /** For messages: "sink out". */
  readonly what: string
  readonly plan: SendPlan<T>
  readonly client: HttpClient
  readonly outage: Outage
  readonly ids: RecordIds<T>
  readonly clock: ConnectorContext['clock']
}

/** Rejects the record at an index of the batch that is written. */
type Refuse = (index: number, error: MillraceError) => void

/** Of an answer so much is read, to tell why a record was refused. */
const answerBytesMax = 64 * 1024
/** The receiver may work, but not now. */
const laterStatuses = new Set([408, 425, 429])
/** One record of the batch may be the reason. */
const perRecordStatuses = new Set([400, 413, 422])
const utf8 = new TextDecoder()

/** Sends requests until they are accepted or refused. */
export class Delivery<T> {
  readonly #parts: DeliveryParts<T>

  constructor(parts: DeliveryParts<T>) {
    this.#parts = parts
  }

  /** Resolves when the receiver has each record, or `refuse` was called with it. */
  async deliver(request: OutgoingRequest, signal: AbortSignal, refuse: Refuse): Promise<void> {
    const refusal = await this.#refusalOf(request, signal)
    if (refusal === undefined) return
    if (request.length > 1 && perRecordStatuses.has(refusal.status)) {
      const half = request.length >> 1
      await this.deliver(request.slice(0, half), signal, refuse)
      await this.deliver(request.slice(half), signal, refuse)
      return
    }
    for (const { index } of request) refuse(index, new MillraceError('SINK_FAILED', refusal.reason))
  }

  /** Sends a request, again and again if need be. Returns why it was refused; undefined if it was accepted. */
  async #refusalOf(request: OutgoingRequest, signal: AbortSignal): Promise<Refusal | undefined> {
    const { outage, plan, clock } = this.#parts
    const body = bodyOf(plan, request)
    try {
      for (let failures = 1; ; failures++) {
        const outcome = await this.#attempt(request, body, signal)
        if (outcome.kind === 'accepted') return undefined
        if (outcome.kind === 'refused') return outcome
        if (failures >= plan.attemptsMax) {
          return { status: 0, reason: `${outcome.reason} (attempt ${failures} of ${plan.attemptsMax})` }
        }
        const askedMs = Math.min(outcome.leastMs, plan.longestPauseMs)
        await pause({ clock }, outage.failed(outcome.reason, failures, askedMs, request), signal)
        outage.again()
      }
    } finally {
      outage.over(request)
    }
  }

  async #attempt(request: OutgoingRequest, body: Uint8Array, signal: AbortSignal): Promise<Outcome> {
    const { plan, client, ids } = this.#parts
    const { url, headers } = request[0]!
    const key = ids.keyOf(request.map(({ id }) => id))
    signal.throwIfAborted()
    let answer: WholeAnswer
    try {
      answer = await client.exchange({
        method: plan.method,
        url: withoutLogin(url),
        headers: {
          'content-type': plan.contentType,
          ...loginFields(url),
          ...headers,
          [plan.idempotencyHeader]: key,
        },
        body,
        bodyBytesMax: answerBytesMax,
        mayLeaveOrigin: false,
        signal,
      })
    } catch (error) {
      signal.throwIfAborted()
      return { kind: 'later', reason: describeError(error), leastMs: 0 }
    }
    return this.#outcome(url, answer)
  }

  #outcome(url: URL, { status, headers, body }: WholeAnswer): Outcome {
    const { what, plan, clock } = this.#parts
    if (status >= 200 && status < 300) return { kind: 'accepted' }
    const text = excerptOf(body === undefined ? '' : utf8.decode(body), redactionOf(plan.redaction, url))
    const reason = `${printableUrl(url)} has answered ${status}${text === '' ? '' : `: ${text}`}`
    if (laterStatuses.has(status) || status >= 500) {
      return { kind: 'later', reason, leastMs: retryAfterMs(headers.get('retry-after'), clock.now()) }
    }
    if (status === 401 || status === 407) {
      const message = `${what}: ${reason}. No record can be sent; correct the credentials in the headers or the url`
      throw new MillraceError('SINK_FAILED', message, { isFinal: true })
    }
    if (status >= 300 && status < 400) {
      const where = redirectText(url, headers.get('location'))
      return {
        kind: 'refused',
        status,
        reason: `${reason} with a redirect to ${where}, which is not followed; give that url`,
      }
    }
    return { kind: 'refused', status, reason }
  }
}

interface Refusal {
  readonly status: number
  readonly reason: string
}

type Outcome =
  | { readonly kind: 'accepted' }
  | ({ readonly kind: 'refused' } & Refusal)
  | { readonly kind: 'later'; readonly reason: string; readonly leastMs: number }
