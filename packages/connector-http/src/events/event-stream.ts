import { describeError, isMillraceError, MillraceError } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { HttpClient } from '../client/http-client.ts'
import type { HttpAnswer } from '../client/http-door.ts'
import { retryAfterMs } from '../client/http-date.ts'
import { pause, type Outage } from '../client/outage.ts'
import { excerptOf, loginFields, printableUrl, withoutLogin } from '../client/secrets.ts'
import { Watchdog } from '../client/watchdog.ts'
import { EventParser, type ParsedPart } from './event-parser.ts'
import type { ReadEventsPlan } from './read-options.ts'

/** What receives the parts of a stream. */
export interface EventListener {
  /** Where to resume; '' at the beginning. */
  readonly lastId: string
  /** A connection is there, or bytes have arrived. */
  isAlive(): void
  /** A promise that it returns is waited for, so that the server is slowed down. */
  take(part: Exclude<ParsedPart, { kind: 'retry' }>): Promise<void> | undefined
  /** The server has ended its answer. Returns whether another connection is wanted. */
  ended(): boolean
}

/** What connects to a server. */
export interface EventStreamParts<T> {
  /** For messages: "source in". */
  readonly what: string
  readonly plan: ReadEventsPlan<T>
  readonly client: HttpClient
  readonly outage: Outage
  readonly clock: ConnectorContext['clock']
}

const firstPauseMs = 1_000
const longestPauseMs = 300_000
const laterStatuses = new Set([408, 425, 429])

/** Reads events over one connection after the other. */
export class EventStream<T> {
  readonly #parts: EventStreamParts<T>
  /** The pause after a connection, which the server may set. */
  #retryMs = firstPauseMs

  constructor(parts: EventStreamParts<T>) {
    this.#parts = parts
  }

  /**
   * Resolves when no other connection is wanted: the server says so with 204, or the listener. Rejects with `SOURCE_FAILED` if
   * another connection cannot help, and when the signal aborts.
   */
  async readAll(listener: EventListener, signal: AbortSignal): Promise<void> {
    const { outage, clock, plan } = this.#parts
    let failures = 0
    for (;;) {
      let pauseMs = this.#retryMs
      try {
        const later = await this.#readOne(listener, signal, () => {
          failures = 0
          outage.over()
        })
        if (later === 'done') return
        pauseMs = this.#retryMs
        if (later !== undefined)
          pauseMs = outage.failed(later.reason, ++failures, Math.max(pauseMs, later.leastMs))
      } catch (error) {
        signal.throwIfAborted()
        if (isMillraceError(error)) throw error
        pauseMs = outage.failed(plan.redaction.redact(describeError(error)), ++failures, pauseMs)
      }
      await pause({ clock }, pauseMs, signal)
      signal.throwIfAborted()
    }
  }

  /** Reads over one connection. Returns why the server has none for now; undefined if it has ended. */
  async #readOne(
    listener: EventListener,
    signal: AbortSignal,
    works: () => void,
  ): Promise<'done' | Later | undefined> {
    const { plan, clock } = this.#parts
    const watchdog = new Watchdog(clock, signal)
    return watchdog.during(async () => {
      watchdog.expect(plan.timeoutMs, 'there was no answer')
      const answer = await this.#connect(listener.lastId, watchdog.signal)
      if (answer.status === 204) return 'done'
      if (answer.status !== 200) return this.#later(answer)
      this.#checkType(answer)
      works()
      listener.isAlive()
      watchdog.expect(plan.silenceMs, 'nothing has arrived')
      await this.#read(answer, listener, watchdog)
      return listener.ended() ? undefined : 'done'
    })
  }

  async #read({ body }: HttpAnswer, listener: EventListener, watchdog: Watchdog): Promise<void> {
    const { eventBytesMax, silenceMs } = this.#parts.plan
    const parser = new EventParser(eventBytesMax)
    for await (const chunk of body) {
      watchdog.rest()
      listener.isAlive()
      for (const part of parser.push(chunk)) {
        if (part.kind === 'retry') this.#retryMs = Math.min(part.ms, longestPauseMs)
        else await listener.take(part)
      }
      watchdog.expect(silenceMs, 'nothing has arrived')
    }
  }

  #connect(lastId: string, signal: AbortSignal): Promise<HttpAnswer> {
    const { plan, client } = this.#parts
    return client.begin({
      method: 'GET',
      url: withoutLogin(plan.url),
      headers: {
        accept: 'text/event-stream',
        'accept-encoding': 'identity',
        'cache-control': 'no-store',
        ...(lastId !== '' && { 'last-event-id': inBytes(lastId) }),
      },
      ownHeaders: loginFields(plan.url),
      bodyBytesMax: 0,
      mayLeaveOrigin: true,
      signal,
    })
  }

  #later({ status, headers }: HttpAnswer): Later {
    const { plan, clock, what } = this.#parts
    const reason = `${printableUrl(plan.url)} has answered ${status}`
    if (!laterStatuses.has(status) && status < 500) {
      throw new MillraceError('SOURCE_FAILED', `${what}: ${reason}; check the url and the headers`, {
        isFinal: true,
      })
    }
    return {
      reason,
      leastMs: Math.min(retryAfterMs(headers.get('retry-after'), clock.now()), longestPauseMs),
    }
  }

  #checkType({ headers }: HttpAnswer): void {
    const type = headers.get('content-type') ?? 'no content type'
    const coding = headers.get('content-encoding') ?? 'identity'
    if (/^text\/event-stream\s*(;|$)/i.test(type) && coding === 'identity') return
    const { plan, what } = this.#parts
    const found = excerptOf(coding === 'identity' ? type : `the Content-Encoding ${coding}`, plan.redaction)
    const message = `${what}: ${printableUrl(plan.url)} answers with ${found}; give the url of a text/event-stream`
    throw new MillraceError('SOURCE_FAILED', message, { isFinal: true })
  }
}

/** Why the server has no events for now. */
interface Later {
  readonly reason: string
  readonly leastMs: number
}

/** The bytes of a text in UTF-8, as a header field carries them. */
function inBytes(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text))
}
