import { describeError, MillraceError } from '@millrace/core'
import {
  decodeJson,
  parserOf,
  readAs,
  type ConnectorContext,
  type Discovery,
  type Format,
  type Schema,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import { AppendLogReader } from '@millrace/segment-log'
import { requireOneDecoder } from './client/client-options.ts'
import { ServerAddressBook } from './serve/address-book.ts'
import { InboxReader } from './inbox-reader.ts'
import type { InboxPosition } from './inbox-position.ts'
import { Inbox } from './inbox.ts'
import { Receiver } from './receiver.ts'
import { inflate, listen, sameSecret, type RunningServer, type ServerAddress } from './server.ts'
import { planOf, type HttpServerOptions, type ServerPlan } from './server-options.ts'

const split = 'inbox'
const segmentBytes = 8 * 1024 * 1024

/** How records are received. */
export interface ReceiveOptions<T> extends HttpServerOptions {
  /**
   * What a record looks like: the type is inferred from it. A record that does not fit was accepted as JSON, and follows
   * the error policy of the source. Without it a record is trusted to be what the type says.
   */
  readonly schema?: Schema<T>
  /**
   * In place of JSON: a body is one record in this format, and has its media type. It is accepted as bytes; what cannot be
   * decoded follows the error policy.
   */
  readonly format?: Format<T>
}

/** A source that other programs post records to. */
export interface HttpServerSource<T> extends Source<T, InboxPosition> {
  /**
   * Resolves to the address where the server listens, once it does. With port 0 this is the only way to learn
   * the port, which may change when the job restarts. Rejects if the server cannot listen.
   */
  address(): Promise<ServerAddress>
}

/**
 * A source that receives records over HTTP `POST`, as NDJSON, JSON or CloudEvents, optionally compressed.
 *
 * The answer 200 is sent once the record is durable in the job's data directory, so the client never needs to
 * send it again. A client that repeats a request after a lost answer should send an `Idempotency-Key`: then
 * its records count once.
 *
 * A bounded job does not listen: it reads what the inbox holds and ends.
 *
 * Throws `OPTION_INVALID` for invalid or unsafe options.
 *
 * @example
 * p.from('payments', http.receive<Payment>({ port: 8080 }))
 * // curl -H 'content-type: application/json' -d '{"card":"4711","amount":12}' http://localhost:8080/
 */
export function receive<T>({ schema, format, ...options }: ReceiveOptions<T>): HttpServerSource<T> {
  requireOneDecoder('http.receive', format, { schema })
  const plan = planOf(options, format?.contentType)
  if (format === undefined) {
    const parse = parserOf(schema)
    return new ListeningSource(plan, (raw) => parse(decodeJson(raw)))
  }
  const source = new ListeningSource(plan, (raw) => raw)
  return Object.assign(
    readAs(source, format, (raw) => raw),
    { address: () => source.address() },
  )
}

class ListeningSource<T> implements HttpServerSource<T> {
  readonly kind = 'http'
  readonly durability = 'replayable'
  readonly needsMainThread = true
  readonly hasHeaders = true
  readonly #plan: ServerPlan
  readonly #decode: (raw: Uint8Array) => T
  readonly #addresses = new ServerAddressBook()

  constructor(plan: ServerPlan, decode: (raw: Uint8Array) => T) {
    this.#plan = plan
    this.#decode = decode
  }

  decode(raw: Uint8Array): T {
    return this.#decode(raw)
  }

  discover(): Promise<Discovery> {
    return Promise.resolve({ splits: [split], isComplete: true })
  }

  async open(
    name: string,
    from: InboxPosition | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<T, InboxPosition>> {
    if (name !== split) {
      throw new MillraceError(
        'CHECKPOINT_INCOMPATIBLE',
        `source ${context.name} has no split ${name}, only ${split}`,
      )
    }
    const { fs, directory, owner } = context
    const warn = (message: string): void => context.warn(message)
    const rememberedMax = this.#plan.idempotencyKeysMax
    const inbox = await Inbox.open({
      fs,
      directory,
      owner,
      warn,
      from,
      segmentBytes,
      rememberedMax,
    })
    const stop = context.isBounded ? () => Promise.resolve() : await this.#serve(inbox, context)
    const entries = new AppendLogReader(inbox.log, fs)
    const start = { ...inbox.log.start, record: 0 }
    return new InboxReader(
      { inbox, entries, split, context, decode: this.#decode, onClose: stop },
      from ?? start,
    )
  }

  address(): Promise<ServerAddress> {
    return this.#addresses.address()
  }

  /** Starts the server and returns a function that stops it. */
  async #serve(inbox: Inbox, context: ConnectorContext): Promise<() => Promise<void>> {
    const plan = this.#plan
    const receiver = new Receiver({ plan, inbox, sameSecret, inflate, context })
    let server: RunningServer
    try {
      const opening = listen({
        ...plan,
        answer: (request) => receiver.answer(request),
        isLast: () => receiver.isStopping,
        onMistake: (error) => context.warn(`a request could not be answered: ${describeError(error)}`),
      })
      server = await this.#addresses.opened(opening)
    } catch (error) {
      await inbox.close()
      throw error
    }
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> => {
      context.signal.removeEventListener('abort', onAbort)
      this.#addresses.closed()
      return (stopped ??= stopServer(server, receiver, plan, context))
    }
    const onAbort = (): void => void stop()
    context.signal.addEventListener('abort', onAbort)
    return stop
  }
}

/** Stops accepting requests, and waits up to the close timeout for answers in progress. */
async function stopServer(
  server: RunningServer,
  receiver: Receiver,
  plan: ServerPlan,
  context: ConnectorContext,
): Promise<void> {
  const deadline = context.clock.schedule(plan.closeTimeoutMs, () => server.cut())
  await Promise.all([receiver.stop(), server.stop()])
  deadline[Symbol.dispose]()
}
