import { MillraceError } from '@millrace/core'
import type { ConnectorContext, DecodeFailure, Poll, SplitReader } from '@millrace/core/connector'
import { Inflow } from '../client/inflow.ts'
import type { ParsedPart, RawEvent } from './event-parser.ts'
import type { EventListener, EventStream } from './event-stream.ts'
import type { ReadEventsPlan } from './read-options.ts'

/** Where to resume: after the event with this id. '' is the beginning. */
export interface EventPosition {
  readonly [name: string]: string
  readonly id: string
}

/** What reads events. */
export interface EventReaderParts<T> {
  readonly plan: ReadEventsPlan<T>
  readonly stream: EventStream<T>
  readonly split: string
  readonly context: ConnectorContext
  readonly start: EventPosition
  readonly onClose: () => void
}

/** Hands out the events of one server. */
export class EventReader<T> implements SplitReader<T, EventPosition>, EventListener {
  readonly mustStayOpen: boolean
  readonly #parts: EventReaderParts<T>
  /** Events, and ids without data. */
  readonly #inflow: Inflow<Exclude<ParsedPart, { kind: 'retry' }>>
  /** Names events without an id, in this run. */
  readonly #run: string
  #unnamed = 0
  #bytesRead = 0
  #position: EventPosition

  constructor(parts: EventReaderParts<T>) {
    const { context, plan, start, stream } = parts
    this.#parts = parts
    this.mustStayOpen = !plan.resumes
    this.#position = start
    this.#run = context.random.int(2 ** 48).toString(36)
    this.lastId = start.id
    this.#inflow = new Inflow(context, (signal) => stream.readAll(this, signal))
  }

  /** The id of the last event that has arrived. */
  lastId: string

  isAlive(): void {
    this.#inflow.isAlive()
  }

  take(part: Exclude<ParsedPart, { kind: 'retry' }>): Promise<void> | undefined {
    const id = part.kind === 'id' ? part.id : part.event.id
    if (id !== undefined) this.lastId = id
    const { events } = this.#parts.plan
    const isWanted = part.kind === 'event' && (events === undefined || events.has(part.event.event))
    if (!isWanted && id === undefined) return undefined
    const bytes = isWanted ? part.event.data.length : 0
    return this.#inflow.add(isWanted ? part : { kind: 'id', id: id! }, bytes)
  }

  ended(): boolean {
    return !this.#parts.context.isBounded
  }

  poll(limit: number): Poll<T> {
    const events: RawEvent[] = []
    for (const part of this.#inflow.take(limit)) {
      const id = part.kind === 'id' ? part.id : part.event.id
      if (id !== undefined) this.#position = { id }
      if (part.kind === 'event') events.push(part.event)
    }
    return events.length === 0 ? this.#inflow.state() : this.#decoded(events)
  }

  ready(): Promise<void> {
    return this.#inflow.ready()
  }

  position(): EventPosition {
    return this.#position
  }

  /** The data of events. */
  get bytesRead(): number {
    return this.#bytesRead
  }

  close(): Promise<void> {
    this.#inflow.close()
    this.#parts.onClose()
    return Promise.resolve()
  }

  #decoded(events: readonly RawEvent[]): Poll<T> {
    const { plan, split, context } = this.#parts
    const values: T[] = []
    const read: { readonly place: string; readonly data: Uint8Array }[] = []
    const failures: DecodeFailure[] = []
    for (const event of events) {
      this.#bytesRead += event.data.length
      const place =
        event.id === undefined ? `event ${this.#run}-${this.#unnamed++} without an id` : `event ${event.id}`
      try {
        if (event.isCut) throw tooLarge(plan.eventBytesMax)
        values.push(plan.decode(event))
        read.push({ place, data: event.data })
      } catch (error) {
        failures.push({ index: values.length, error, raw: event.data, place })
      }
    }
    const origin = {
      source: context.name,
      split,
      place: (index: number) => read[index]!.place,
      raw: (index: number) => read[index]!.data,
    }
    return { kind: 'records', values, origin, failures }
  }
}

function tooLarge(bytesMax: number): MillraceError {
  return new MillraceError('RECORD_TOO_LARGE', `the event has more than ${bytesMax} bytes (eventBytesMax)`)
}
