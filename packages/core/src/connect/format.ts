import type { ConnectorContext, DecodeFailure, Poll, Source, SplitReader } from './source.ts'
import type { Sink } from './sink.ts'
import type { Json } from '../codec/json.ts'
import { headerColumn, type RecordHeaders } from '../record/headers.ts'
import type { SplitLag } from '../record/split-lag.ts'

/** What a format may use while a job runs. */
export interface FormatContext extends Pick<
  ConnectorContext,
  'clock' | 'random' | 'signal' | 'warn' | 'down' | 'trying' | 'up'
> {
  /** For messages: "source orders". */
  readonly what: string
  /** Where records are written, such as a topic: a schema registry keeps schemas by it. '' when reading. */
  readonly topic: string
}

/**
 * How records are bytes, such as Avro or Protobuf. Connectors of systems that carry bytes take one.
 *
 * A format may be used by several sources and sinks at the same time.
 */
export interface Format<T> {
  /** Its name: "avro". */
  readonly name: string
  /** Its media type. */
  readonly contentType: string
  /** Makes a record of bytes. Throws `DECODE_FAILED` for bytes that are none. */
  decode(bytes: Uint8Array): T
  /** Makes bytes of a record. Throws `CODEC_FAILED` for a value that does not fit. */
  encode(value: T): Uint8Array
  /** Fetches what `encode` needs. Called before the first record is written, and again after a restart. */
  beginWriting?(context: FormatContext): Promise<void>
  /**
   * Fetches what `decode` needs for these bytes. Undefined if nothing is missing: then `decode` does not wait. If it rejects
   * the job fails; bytes that can never be decoded are left to `decode`.
   */
  load?(bytes: Uint8Array, context: FormatContext): Promise<void> | undefined
}

/**
 * Returns a source of records, decoded from those of a source of messages. What a format cannot decode follows the error
 * policy of the source.
 *
 * @example
 * p.from('orders', readAs(nats.readMessages({ stream: 'ORDERS' }), avroOrder, ({ data }) => data))
 */
export function readAs<M, T, Position extends Json>(
  source: Source<M, Position>,
  format: Format<T>,
  bytesOf: (message: M) => Uint8Array,
): Source<T, Position> {
  const { positionVersion, discoverEveryMs, maxOpenReaders, needsMainThread, durability, kind, hasHeaders } =
    source
  return {
    kind,
    durability,
    ...(hasHeaders !== undefined && { hasHeaders }),
    ...(positionVersion !== undefined && { positionVersion }),
    ...(discoverEveryMs !== undefined && { discoverEveryMs }),
    ...(maxOpenReaders !== undefined && { maxOpenReaders }),
    ...(needsMainThread !== undefined && { needsMainThread }),
    ...(source.changed && { changed: (splits, context) => source.changed!(splits, context) }),
    ...(source.gone && { gone: (splits, context) => source.gone!(splits, context) }),
    ...(source.splitLabel && { splitLabel: (split) => source.splitLabel!(split) }),
    ...(source.close && { close: () => source.close!() }),
    ...(source.ended && { ended: (error) => source.ended!(error) }),
    discover: (context) => source.discover(context),
    decode: (raw) => format.decode(raw),
    open: async (split, from, context) => {
      const reader = await source.open(split, from, context)
      return new FormatReader(reader, format, bytesOf, context)
    },
  }
}

/** Returns the sink that begins with what the format needs to write to `topic`; default: the name of the sink. */
export function beginsWith<T, Committable extends Json>(
  sink: Sink<T, Committable>,
  format: Pick<Format<never>, 'beginWriting'>,
  topic?: string,
): Sink<T, Committable> {
  const begin = async (context: ConnectorContext): Promise<void> =>
    format.beginWriting?.({ ...partsOf(context), what: `sink ${context.name}`, topic: topic ?? context.name })
  return {
    kind: sink.kind,
    guarantee: sink.guarantee,
    ...(sink.committableVersion !== undefined && { committableVersion: sink.committableVersion }),
    ...(sink.needsMainThread !== undefined && { needsMainThread: sink.needsMainThread }),
    ...(sink.reconnects !== undefined && { reconnects: sink.reconnects }),
    ...(sink.ended && { ended: (error) => sink.ended!(error) }),
    check: async (pending, context) => {
      await begin(context)
      await sink.check?.(pending, context)
    },
    open: async (subtask, pending, context) => {
      await begin(context)
      return sink.open(subtask, pending, context)
    },
  }
}

function partsOf(context: ConnectorContext): Omit<FormatContext, 'what' | 'topic'> {
  const { clock, random, signal } = context
  return {
    clock,
    random,
    signal,
    warn: (message) => context.warn(message),
    down: (reason) => context.down(reason),
    trying: () => context.trying(),
    up: () => context.up(),
  }
}

/** A message that waits for what its format is missing. */
interface Held<M, Position> {
  readonly poll: Extract<Poll<M>, { kind: 'records' }>
  /** The position before it. */
  readonly position: Position
}

/** Decodes messages. One that cannot be decoded yet waits, and with it what comes after it. */
class FormatReader<M, T, Position extends Json> implements SplitReader<T, Position> {
  readonly mustStayOpen?: boolean
  readonly acknowledgesLast?: boolean
  readonly acknowledge?: (position: Position) => Promise<void>
  readonly #inner: SplitReader<M, Position>
  readonly #format: Format<T>
  readonly #bytesOf: (message: M) => Uint8Array
  readonly #name: string
  readonly #context: FormatContext
  #held: Held<M, Position> | undefined
  #loading: Promise<void> | undefined
  #error: Error | undefined
  #isClosed = false
  #wakeReader: () => void = () => {}

  constructor(
    inner: SplitReader<M, Position>,
    format: Format<T>,
    bytesOf: (message: M) => Uint8Array,
    context: ConnectorContext,
  ) {
    this.#inner = inner
    this.#format = format
    this.#bytesOf = bytesOf
    this.#name = context.name
    this.#context = { ...partsOf(context), what: `source ${context.name}`, topic: '' }
    if (inner.mustStayOpen !== undefined) this.mustStayOpen = inner.mustStayOpen
    if (inner.acknowledgesLast !== undefined) this.acknowledgesLast = inner.acknowledgesLast
    if (inner.acknowledge !== undefined) this.acknowledge = (position) => inner.acknowledge!(position)
  }

  poll(limit: number): Poll<T> {
    if (this.#error !== undefined) throw this.#error
    const decoded = new Decoded<T>()
    while (decoded.count < limit && this.#loading === undefined) {
      const position = this.#held?.position ?? this.#inner.position()
      const poll: Poll<M> = this.#held?.poll ?? this.#inner.poll(1)
      if (poll.kind !== 'records') return decoded.count > 0 ? decoded.poll(this.#name) : poll
      this.#held = undefined
      if (!this.#decode(poll, decoded)) this.#held = { poll, position }
    }
    return decoded.count > 0 ? decoded.poll(this.#name) : { kind: 'pending', isCaughtUp: false }
  }

  async ready(): Promise<void> {
    if (this.#error !== undefined || this.#isClosed) return
    if (this.#loading === undefined) return this.#held === undefined ? this.#inner.ready() : undefined
    const closed = new Promise<void>((resolve) => (this.#wakeReader = resolve))
    await Promise.race([this.#loading, closed])
  }

  position(): Position {
    return this.#held?.position ?? this.#inner.position()
  }

  lag(): SplitLag | undefined {
    const lag = this.#inner.lag?.()
    if (this.#held === undefined || lag?.records === undefined) return lag
    return { ...lag, records: lag.records + 1 }
  }

  get bytesRead(): number | undefined {
    return this.#inner.bytesRead
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.#wakeReader()
    return this.#inner.close()
  }

  /** Returns false if something has to be fetched first. */
  #decode(poll: Extract<Poll<M>, { kind: 'records' }>, decoded: Decoded<T>): boolean {
    const [message] = poll.values
    if (poll.values.length > 0) {
      let bytes: Uint8Array | undefined
      try {
        bytes = this.#bytesOf(message!)
        const loading = this.#format.load?.(bytes, this.#context)
        if (loading !== undefined) {
          this.#loading = this.#wait(loading)
          return false
        }
        decoded.add(this.#format.decode(bytes), poll, bytes)
      } catch (error) {
        const raw = bytes ?? poll.origin?.raw(0) ?? new Uint8Array(0)
        const headers = poll.headers?.[0]
        const place = poll.origin?.place(0) ?? 'a record'
        decoded.fail({ index: 0, error, raw, place, ...(headers !== undefined && { headers }) })
      }
    }
    for (const failure of poll.failures ?? []) decoded.fail(failure)
    return true
  }

  async #wait(loading: Promise<void>): Promise<void> {
    try {
      await loading
    } catch (error) {
      if (!this.#isClosed) this.#error = error as Error
    }
    this.#loading = undefined
  }
}

/** Records that were decoded, and where they are from. */
class Decoded<T> {
  readonly #values: T[] = []
  readonly #from: {
    readonly origin: Extract<Poll<unknown>, { kind: 'records' }>['origin']
    readonly raw: Uint8Array
    readonly headers: RecordHeaders | undefined
  }[] = []
  readonly #failures: DecodeFailure[] = []

  get count(): number {
    return this.#values.length + this.#failures.length
  }

  add(value: T, { origin, headers }: Extract<Poll<unknown>, { kind: 'records' }>, raw: Uint8Array): void {
    this.#values.push(value)
    this.#from.push({ origin, raw, headers: headers?.[0] })
  }

  fail(failure: DecodeFailure): void {
    this.#failures.push({ ...failure, index: this.#values.length })
  }

  poll(source: string): Poll<T> {
    const from = this.#from
    const first = from[0]?.origin
    const origin = first && {
      source,
      split: first.split,
      ...(first.splitLabel !== undefined && { splitLabel: first.splitLabel }),
      place: (index: number) => from[index]!.origin!.place(0),
      raw: (index: number) => from[index]!.raw,
    }
    return {
      kind: 'records',
      values: this.#values,
      ...(origin !== undefined && { origin }),
      headers: headerColumn(from, ({ headers }) => headers),
      ...(this.#failures.length > 0 && { failures: this.#failures }),
    }
  }
}
