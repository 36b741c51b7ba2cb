import {
  readAs,
  type ConnectorContext,
  type Discovery,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import { requireOneDecoder } from '../client/client-options.ts'
import { FirstContact } from '../client/first-contact.ts'
import { HttpClient } from '../client/http-client.ts'
import type { OpenHttpDoor } from '../client/http-door.ts'
import { openNodeDoor } from '../client/node-http-door.ts'
import { Outage } from '../client/outage.ts'
import { printableUrl } from '../client/secrets.ts'
import { EventReader, type EventPosition } from './event-reader.ts'
import { EventStream } from './event-stream.ts'
import { readEventsPlanOf, type ReadEventsOptions, type ReadEventsPlan } from './read-options.ts'

const split = 'events'
const backoff = { firstPauseMs: 100, longestPauseMs: 30_000 }
const start: EventPosition = { id: '' }

/**
 * Reads server-sent events.
 *
 * The id of the last event is the position in the checkpoint, and is sent as `Last-Event-ID`: results are exactly once if the
 * server gives every event an id of its own and resumes after it. A connection that is lost or silent is replaced, after the
 * pause that the server asks for with `retry`. What cannot be decoded follows the error policy of the source. A bounded job
 * reads until the server ends its answer.
 *
 * Throws `OPTION_INVALID`. The job fails with `SOURCE_FAILED` if the server refuses the request or sends something else.
 *
 * @example
 * p.from('prices', sse.read<Price>({ url: 'https://market.example/prices', events: ['price'] }))
 */
export function read<T>({ format, ...options }: ReadEventsOptions<T>): Source<T, EventPosition> {
  if (format === undefined) return new EventSource(readEventsPlanOf(options), openNodeDoor)
  requireOneDecoder('sse.read', format, { schema: options.schema, decode: options.decode })
  const { schema: _none, ...rest } = options
  const plan = readEventsPlanOf<Uint8Array>({ ...rest, decode: ({ data }) => data })
  return readAs(new EventSource(plan, openNodeDoor), format, (data) => data)
}

/** Reads the events of a server through a door. */
export class EventSource<T> implements Source<T, EventPosition> {
  readonly kind = 'sse'
  readonly durability: 'replayable' | 'volatile'
  readonly #plan: ReadEventsPlan<T>
  readonly #openDoor: OpenHttpDoor
  readonly #contact: FirstContact

  constructor(plan: ReadEventsPlan<T>, openDoor: OpenHttpDoor) {
    this.durability = plan.resumes ? 'replayable' : 'volatile'
    this.#plan = plan
    this.#openDoor = openDoor
    this.#contact = new FirstContact(openDoor, plan)
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: [split], isComplete: true })
  }

  async open(
    _split: string,
    from: EventPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, EventPosition>> {
    const what = `source ${context.name}`
    const plan = this.#plan
    await this.#contact.make(what, plan.url, context)
    const door = this.#openDoor({ tls: plan.tls, connectionsMax: 1 })
    const stream = new EventStream({
      what,
      plan,
      client: new HttpClient(door, plan, context.clock),
      outage: new Outage(printableUrl(plan.url), context, backoff),
      clock: context.clock,
    })
    const position = plan.resumes ? (from ?? start) : start
    return new EventReader({ plan, stream, split, context, start: position, onClose: () => door.close() })
  }
}
