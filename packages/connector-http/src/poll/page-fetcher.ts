import { describeError, MillraceError, type Json } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { HttpClient, WholeAnswer } from '../client/http-client.ts'
import { retryAfterMs } from '../client/http-date.ts'
import { pause, type Outage } from '../client/outage.ts'
import { excerptOf, loginFields, printableUrl, redactionOf, withoutLogin } from '../client/secrets.ts'
import type { Page, PollPlan } from './poll-options.ts'
import { pollStart, type PollPosition } from './poll-position.ts'

/** A page that was fetched. */
export interface FetchedPage {
  /** Its records, those included that were handed out before. */
  readonly items: readonly unknown[]
  /** The position after `skip` of them: that of the first to hand out. */
  readonly from: PollPosition
  /** The position after all of them. */
  readonly next: PollPosition
  /** Whether another page can be asked for at once. */
  readonly hasMore: boolean
  /** Why there are no items, and what was sent. */
  readonly failure?: { readonly error: unknown; readonly raw: Uint8Array }
}

/** What a page says. */
interface Content {
  readonly items: readonly unknown[]
  readonly cursor: Json | undefined
  readonly hasMore: boolean | undefined
}

/** What fetches pages. */
export interface FetcherParts<T> {
  /** For messages: "source in". */
  readonly what: string
  readonly plan: PollPlan<T>
  readonly client: HttpClient
  readonly outage: Outage
  readonly digest: (bytes: Uint8Array) => string
  readonly clock: ConnectorContext['clock']
}

const longestRetryAfterMs = 300_000
const laterStatuses = new Set([408, 425, 429])
/** Of a page that could not be read: it is not read again before it has changed. */
const allOfIt = Number.MAX_SAFE_INTEGER
const noBytes = new Uint8Array(0)
const utf8 = new TextDecoder()

/** Asks for one page after the other. */
export class PageFetcher<T> {
  readonly #parts: FetcherParts<T>

  constructor(parts: FetcherParts<T>) {
    this.#parts = parts
  }

  /**
   * Resolves to the page at a position, again and again asking for it while the server does not work; to undefined if it has
   * not changed. Rejects with `SOURCE_FAILED` if asking again cannot help, and when the signal aborts.
   */
  async fetch(at: PollPosition, signal: AbortSignal): Promise<FetchedPage | undefined> {
    const { plan, outage, clock } = this.#parts
    const url = plan.urlOf(at.cursor ?? undefined)
    for (let failures = 1; ; failures++) {
      signal.throwIfAborted()
      const answer = await this.#ask(url, at, signal)
      if (typeof answer !== 'string' && !isLater(answer)) {
        outage.over()
        return this.#page(url, answer, at)
      }
      const reason = typeof answer === 'string' ? answer : this.#reason(url, answer)
      const retryAfter = typeof answer === 'string' ? undefined : answer.headers.get('retry-after')
      const askedMs = Math.min(retryAfterMs(retryAfter, clock.now()), longestRetryAfterMs)
      await pause({ clock }, outage.failed(reason, failures, askedMs), signal)
    }
  }

  /** The answer, or why there is none. */
  async #ask(url: URL, { etag, modified }: PollPosition, signal: AbortSignal): Promise<WholeAnswer | string> {
    const { plan, client } = this.#parts
    try {
      return await client.exchange({
        method: 'GET',
        url: withoutLogin(url),
        headers: {
          accept: 'application/json',
          ...(etag !== null && { 'if-none-match': etag }),
          ...(modified !== null && { 'if-modified-since': modified }),
        },
        ownHeaders: loginFields(url),
        bodyBytesMax: plan.bodyBytesMax,
        mayLeaveOrigin: true,
        signal,
      })
    } catch (error) {
      signal.throwIfAborted()
      return describeError(error)
    }
  }

  #page(url: URL, answer: WholeAnswer, at: PollPosition): FetchedPage | undefined {
    const { status, headers, body } = answer
    if (status === 304) return undefined
    if (status < 200 || status >= 300) throw this.#failed(this.#reason(url, answer))
    const { plan, digest: digestOf } = this.#parts
    if (body === undefined) {
      const help = 'ask for smaller pages, or raise the option'
      throw this.#failed(
        `${printableUrl(url)} has answered with more than ${plan.bodyBytesMax} bytes (bodyBytesMax); ${help}`,
      )
    }
    const digest = digestOf(body)
    const isUnchanged = at.digest === digest
    if (isUnchanged && at.skip === allOfIt) return undefined
    // Without pages an answer that has changed is another page, and is handed out from its beginning.
    const isOther = plan.cursorOf === undefined && at.digest !== null && !isUnchanged
    const page = isOther ? at.page + 1 : at.page
    const skip = isOther || at.skip === allOfIt ? 0 : at.skip
    const from: PollPosition = { ...at, page, digest, skip }
    const etag = headers.get('etag') ?? null
    const again: PollPosition = { ...from, etag, modified: headers.get('last-modified') ?? null }
    try {
      const { items, cursor, hasMore } = this.#read(answer, body)
      const isNext = cursor !== undefined && JSON.stringify(cursor) !== JSON.stringify(at.cursor)
      if (!isNext) return { items, from, next: { ...again, skip: items.length }, hasMore: false }
      const next = { ...pollStart, page: items.length > 0 ? page + 1 : page, cursor }
      return { items, from, next, hasMore: hasMore ?? items.length > 0 }
    } catch (error) {
      return {
        items: [],
        from,
        next: { ...again, skip: allOfIt },
        hasMore: false,
        failure: { error, raw: body },
      }
    }
  }

  #read({ status, headers }: WholeAnswer, body: Uint8Array): Content {
    const { decode, recordsOf, cursorOf, hasMore } = this.#parts.plan
    const page: Page = {
      body: body.length === 0 ? [] : decode(body),
      status,
      header: (name) => headers.get(name.toLowerCase()),
    }
    return { items: recordsOf(page), cursor: cursorOf?.(page), hasMore: hasMore?.(page) }
  }

  #reason(url: URL, { status, body = noBytes }: WholeAnswer): string {
    const text = excerptOf(utf8.decode(body), redactionOf(this.#parts.plan.redaction, url))
    return `${printableUrl(url)} has answered ${status}${text === '' ? '' : `: ${text}`}`
  }

  #failed(problem: string): MillraceError {
    return new MillraceError('SOURCE_FAILED', `${this.#parts.what}: ${problem}`, { isFinal: true })
  }
}

function isLater({ status }: WholeAnswer): boolean {
  return laterStatuses.has(status) || status >= 500
}
