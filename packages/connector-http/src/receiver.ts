import { describeError, isMillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import { checksum } from '@millrace/segment-log'
import type { ContentCoding, Inflate } from './content-coding.ts'
import type { AcceptedRequest } from './inbox-entry.ts'
import type { Inbox } from './inbox.ts'
import type { Answer, IncomingRequest } from './incoming-request.ts'
import { Refusal } from './refusal.ts'
import { inUtf8, recordsIn } from './request-body.ts'
import { tooLarge, wishOf, type Wish } from './request-check.ts'
import type { SameSecret } from './serve/access.ts'
import type { ServerPlan } from './server-options.ts'
import { PatientAppend } from './patient-append.ts'

/** What a receiver uses. */
export interface ReceiverOptions {
  readonly plan: ServerPlan
  readonly inbox: Inbox
  readonly sameSecret: SameSecret
  readonly inflate: Inflate
  readonly context: ConnectorContext
}

type RecordsWish = Extract<Wish, { kind: 'records' }>

/** A request in progress; others with the same key wait for it. */
interface Acceptance {
  readonly fingerprint: number
  readonly accepted: Promise<number>
}

/**
 * Decides about requests: whether one is valid, whether there is space, and when it counts as accepted.
 *
 * A request is accepted as a whole or not at all. A body being received counts against the limit of the
 * inbox, so concurrent bodies cannot use more memory than the inbox may use disk space.
 */
export class Receiver {
  readonly #options: ReceiverOptions
  readonly #patience: PatientAppend
  readonly #underWay = new Map<string, Acceptance>()
  #receivingBytes = 0
  #isStopping = false
  #hasWarned = false

  constructor(options: ReceiverOptions) {
    this.#options = options
    const { inbox, context, plan } = options
    this.#patience = new PatientAppend(inbox, context, plan.retryAfterSeconds * 1_000)
  }

  /** Whether every answer should be the last on its connection. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  /** Answers a request. Rejects only if the client disconnects. */
  async answer(request: IncomingRequest): Promise<Answer> {
    try {
      const wish = wishOf(request, this.#options.plan, this.#options.sameSecret)
      return wish.kind === 'health' ? this.#health() : await this.#accept(request, wish)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      const { status, message, headers, line } = error
      return { status, headers, body: line === undefined ? { error: message } : { error: message, line } }
    }
  }

  /** Accepts no more requests. Resolves when every accepted record is durable, or its loss was reported. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#patience.stop()
  }

  #health(): Answer {
    const reason = this.#whyClosed() ?? this.#whyFull(0)
    if (reason === undefined) return { status: 200, headers: {}, body: { status: 'ok' } }
    return { status: 503, headers: {}, body: { status: 'unavailable', reason: reason.message } }
  }

  async #accept(request: IncomingRequest, wish: RecordsWish): Promise<Answer> {
    const body = await this.#receive(request, wish)
    const records = recordsIn(body, wish.type.format)
    const failing = this.#whyFailing()
    if (failing !== undefined) throw failing
    const { plan } = this.#options
    const { key, headers } = wish
    if (key === '') return success(plan, await this.#keep({ key, fingerprint: 0, records, headers }))
    return this.#acceptOnce({ key, fingerprint: checksum(body), records, headers })
  }

  /** The body in UTF-8, decompressed. */
  async #receive(request: IncomingRequest, { bodyBytes, coding, type }: RecordsWish): Promise<Uint8Array> {
    const { bodyBytesMax } = this.#options.plan
    const reservedBytes = coding === 'identity' ? (bodyBytes ?? bodyBytesMax) : bodyBytesMax
    this.#requireOpen(reservedBytes)
    this.#receivingBytes += reservedBytes
    try {
      const sent = await request.readBody(bodyBytesMax)
      const body = sent === undefined || coding === 'identity' ? sent : await this.#inflated(sent, coding)
      if (body === undefined) throw tooLarge(bodyBytesMax)
      return inUtf8(body, type.decoder)
    } finally {
      this.#receivingBytes -= reservedBytes
    }
  }

  async #inflated(body: Uint8Array, coding: ContentCoding): Promise<Uint8Array | undefined> {
    const { inflate, plan } = this.#options
    try {
      return await inflate(body, coding, plan.bodyBytesMax)
    } catch (error) {
      throw new Refusal(
        400,
        `the body is not ${coding}, as its Content-Encoding says: ${describeError(error)}`,
      )
    }
  }

  /** Accepts a request with a key unless that was already done. */
  async #acceptOnce(request: AcceptedRequest): Promise<Answer> {
    const { key, fingerprint } = request
    const { inbox, plan } = this.#options
    const before = inbox.remembered.get(key) ?? this.#underWay.get(key)
    if (before !== undefined) {
      if (before.fingerprint !== fingerprint) {
        throw new Refusal(
          422,
          'this Idempotency-Key was used for another body; use a new key for new records',
        )
      }
      return success(plan, await before.accepted, { 'idempotency-replayed': 'true' })
    }
    const accepted = this.#keep(request)
    this.#underWay.set(key, { fingerprint, accepted })
    try {
      return success(plan, await accepted)
    } finally {
      this.#underWay.delete(key)
    }
  }

  /** Stores the records and returns their number. */
  async #keep(request: AcceptedRequest): Promise<number> {
    const { key, records } = request
    const { inbox, plan } = this.#options
    if (records.length === 0 && key === '') return 0
    if (plan.ack === 'received') {
      inbox.remembered.add(request)
      this.#patience.append(request)
      return records.length
    }
    try {
      await inbox.append(request)
      return records.length
    } catch (error) {
      throw this.#refusalFor(error)
    }
  }

  #refusalFor(error: unknown): Refusal {
    if (isMillraceError(error, 'FS_FULL')) {
      return this.#tryLater(507, 'the disk is full; the records were not accepted')
    }
    this.#options.context.warn(`a request was not accepted: ${describeError(error)}`)
    return this.#tryLater(503, 'the records could not be made durable and were not accepted')
  }

  #requireOpen(bytes: number): void {
    const refusal = this.#whyClosed() ?? this.#whyFull(bytes)
    if (refusal !== undefined) throw refusal
  }

  /** Nothing new is accepted then; requests that began before the stop are finished. */
  #whyClosed(): Refusal | undefined {
    return this.#isStopping ? this.#tryLater(503, 'the job is stopping') : this.#whyFailing()
  }

  #whyFailing(): Refusal | undefined {
    if (this.#options.inbox.failure !== undefined) return this.#tryLater(503, 'the job is failing')
    if (this.#patience.isWaiting) return this.#tryLater(507, 'the disk is full')
    return undefined
  }

  #whyFull(bytes: number): Refusal | undefined {
    const { inbox, plan, context } = this.#options
    const heldBytes = inbox.heldBytes + this.#patience.waitingBytes + this.#receivingBytes
    if (heldBytes < plan.inboxBytesMax / 2) this.#hasWarned = false
    if (heldBytes + bytes <= plan.inboxBytesMax) return undefined
    if (!this.#hasWarned) {
      this.#hasWarned = true
      context.warn(
        `the inbox holds ${heldBytes} of ${plan.inboxBytesMax} bytes that no checkpoint covers; clients are asked ` +
          'to retry later. The job is slower than its clients, or its checkpoint interval is long',
      )
    }
    return this.#tryLater(429, 'records arrive faster than they are processed; retry later')
  }

  #tryLater(status: 429 | 503 | 507, message: string): Refusal {
    return new Refusal(status, message, {
      headers: { 'retry-after': String(this.#options.plan.retryAfterSeconds) },
    })
  }
}

function success(plan: ServerPlan, accepted: number, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: plan.ack === 'durable' ? 200 : 202, headers, body: { accepted } }
}
