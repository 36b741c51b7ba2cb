import { MillraceError, positiveDurationMs, type Duration } from '@millrace/core'
import type { ConnectorContext } from '@millrace/core/connector'
import type { Answer, IncomingRequest, StreamAnswer } from '../incoming-request.ts'
import { Refusal } from '../refusal.ts'
import { checkAccess } from '../serve/access.ts'
import { broadcastPlanOf, type BroadcastOptions, type BroadcastPlan } from '../serve/broadcast-options.ts'
import { ServerSink, type BroadcastSink } from '../serve/broadcast-sink.ts'
import type { Hub, HubMessage } from '../serve/hub.ts'
import { listen, sameSecret, type RunningServer } from '../server.ts'

/** What clients get, and how they return. */
export interface BroadcastEventsOptions<T> extends BroadcastOptions<T> {
  /** The name of a record's event. Default: none, which clients call `message`. */
  readonly event?: (value: T) => string
  /** The id of a record, after which a client resumes. Default: an id of this run. */
  readonly id?: (value: T) => string
  /** After which pause a client that has lost its connection should return. Default `'2s'`. */
  readonly retry?: Duration
}

/** Opens a server; in tests, one in memory. */
export type Listen = typeof listen

const encoder = new TextEncoder()
const utf8 = new TextDecoder()
const comment = encoder.encode(':\n\n')

/**
 * Broadcasts records as server-sent events, to any number of clients that connect with `GET`.
 *
 * A client that returns with a `Last-Event-ID` gets what it has missed, as long as the history has it; otherwise an event
 * `gap` tells it so, and it gets the whole history. A client that is too slow is disconnected, see `slowAfter`. At most once: a
 * record reaches only those clients that are connected or return in time, and after a crash of the job some records are sent
 * again.
 *
 * Throws `OPTION_INVALID` for invalid or unsafe options.
 *
 * @example
 * prices.to('live', sse.broadcast({ port: 8081, event: () => 'price', id: (price) => price.id }))
 * // new EventSource('http://localhost:8081/').addEventListener('price', ({ data }) => show(JSON.parse(data)))
 */
export function broadcast<T>(options: BroadcastEventsOptions<T>): BroadcastSink<T> {
  return broadcastVia(listen, options)
}

/** The same over another server. */
export function broadcastVia<T>(open: Listen, options: BroadcastEventsOptions<T>): BroadcastSink<T> {
  const what = 'sse.broadcast'
  const plan = broadcastPlanOf(what, options, ['event', 'id', 'retry'])
  const retryMs = positiveDurationMs(options.retry ?? '2s', `${what}: retry`)
  const { event, id } = options
  return new ServerSink({
    kind: 'sse-broadcast',
    plan,
    beat: (hub) => hub.beat(comment),
    messageOf: (value, number) => {
      const message = {
        id: id === undefined ? number : id(value),
        event: event?.(value),
        data: plan.encode(value),
      }
      return { id: message.id, bytes: bytesOf(message) }
    },
    serve: (hub, context) => serve(open, plan, hub, retryMs, context),
  })
}

function serve<T>(
  open: Listen,
  plan: BroadcastPlan<T>,
  hub: Hub,
  retryMs: number,
  context: ConnectorContext,
): Promise<RunningServer> {
  return open({
    host: plan.host,
    port: plan.port,
    requestTimeoutMs: 30_000,
    answer: (request) => Promise.resolve(answer(request, plan, hub, retryMs)),
    isLast: () => true,
    onMistake: (error) => context.warn(`a request could not be answered: ${String(error)}`),
  })
}

function answer<T>(
  request: IncomingRequest,
  plan: BroadcastPlan<T>,
  hub: Hub,
  retryMs: number,
): Answer | StreamAnswer {
  try {
    checkAccess(request, plan, ['GET'], sameSecret)
    const origin = request.header('origin')
    if (hub.isFull) throw new Refusal(503, 'there are too many clients, or the job is stopping; retry later')
    const headers = {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      ...(origin !== undefined &&
        plan.origins.has(origin) && { 'access-control-allow-origin': origin, vary: 'origin' }),
    }
    const lastId = request.header('last-event-id')
    return {
      status: 200,
      headers,
      stream: (out) => {
        out.write(encoder.encode(`retry: ${retryMs}\n\n`))
        const resume =
          lastId === undefined
            ? undefined
            : utf8.decode(Uint8Array.from(lastId, (byte) => byte.charCodeAt(0)))
        if (resume !== undefined && !hub.has(resume)) out.write(gapEvent(resume))
        hub.subscribe(out, resume)
      },
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { status: error.status, headers: error.headers, body: { error: error.message } }
  }
}

/** Tells a client that events after this id may be missing. It has no id, so the client keeps its own. */
function gapEvent(after: string): Uint8Array {
  return bytesOf({ id: undefined, event: 'gap', data: JSON.stringify({ after }) })
}

interface EventFields {
  readonly id: string | undefined
  readonly event: string | undefined
  readonly data: string
}

function bytesOf({ id, event, data }: EventFields): HubMessage['bytes'] {
  const lines = [
    ...(id === undefined ? [] : [`id: ${oneLine('id', id)}`]),
    ...(event === undefined ? [] : [`event: ${oneLine('event', event)}`]),
    ...data.split(/\r\n|[\n\r]/).map((line) => `data: ${line}`),
  ]
  return encoder.encode(`${lines.join('\n')}\n\n`)
}

function oneLine(name: string, text: unknown): string {
  if (typeof text === 'string' && !/[\n\r\0]/.test(text)) return text
  throw new MillraceError('CODEC_FAILED', `the ${name} of an event is not text of one line`)
}
