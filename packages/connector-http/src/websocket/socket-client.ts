import { describeError, positiveDurationMs, reveal, type Duration, type Secret } from '@millrace/core'
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
import {
  clientPlanOf,
  invalid,
  requireCount,
  requireOneDecoder,
  type ClientOptions,
  type ClientPlan,
} from '../client/client-options.ts'
import { FirstContact } from '../client/first-contact.ts'
import { openNodeDoor } from '../client/node-http-door.ts'
import { Outage, pause } from '../client/outage.ts'
import { loginFields, printableUrl, redactionOf, withoutLogin } from '../client/secrets.ts'
import { Watchdog } from '../client/watchdog.ts'
import { connectSocket } from './node-socket-door.ts'
import type { ConnectSocket } from './socket-door.ts'
import { SocketReader, type MessageInflow } from './socket-reader.ts'

/** Which server is read, and how. */
export interface ReadSocketOptions<T> extends ClientOptions {
  /** `ws://` or `wss://`. `user:password@` becomes an `authorization` field. */
  readonly url: string | Secret
  /** Messages that are sent after each connection, such as subscriptions. */
  readonly greeting?: readonly string[]
  /** The sub-protocols that are offered. Default: none. */
  readonly protocols?: readonly string[]
  /** Parses a message. What it throws follows the error policy. Default: JSON. */
  readonly decode?: (data: Uint8Array) => unknown
  /** What a record looks like; one that does not fit follows the error policy. The type is inferred from it. */
  readonly schema?: Schema<T>
  /** In place of JSON: a message is one record in this format. */
  readonly format?: Format<T>
  /** After so long without a sign of life the connection counts as lost; the server is asked for one before. Default `'1m'`. */
  readonly silence?: Duration
  /** A larger message ends the connection. Default 1 MiB. */
  readonly messageBytesMax?: number
}

interface ReadSocketPlan<T> extends ClientPlan {
  readonly url: URL
  readonly greeting: readonly string[]
  readonly protocols: readonly string[]
  readonly decode: (data: Uint8Array) => T
  readonly silenceMs: number
  readonly messageBytesMax: number
}

const names = ['url', 'greeting', 'protocols', 'decode', 'schema', 'silence', 'messageBytesMax'] as const
const split = 'messages'
const backoff = { firstPauseMs: 100, longestPauseMs: 30_000 }

/**
 * Reads messages of a WebSocket server.
 *
 * At most once: what the server sends while the job is not connected is lost, and so is what a job had not finished when it
 * was killed. A connection that is lost or silent is replaced, with growing pauses. The server is slowed down while the job
 * is busy. What cannot be decoded follows the error policy of the source.
 *
 * Throws `OPTION_INVALID`. The job fails at its start if the server cannot be reached.
 *
 * @example
 * p.from('trades', websocket.read<Trade>({ url: 'wss://market.example', greeting: ['{"subscribe":"trades"}'] }))
 */
export function read<T>(options: ReadSocketOptions<T>): Source<T, null> {
  return readVia(connectSocket, options)
}

/** The same through another door. */
export function readVia<T>(
  connect: ConnectSocket,
  { format, ...options }: ReadSocketOptions<T>,
): Source<T, null> {
  if (format === undefined) return readDecoded(connect, options)
  requireOneDecoder('websocket.read', format, { schema: options.schema, decode: options.decode })
  const { schema: _none, ...rest } = options
  const source = readDecoded<Uint8Array>(connect, { ...rest, decode: (data) => data })
  return readAs(source, format, (data) => data)
}

function readDecoded<T>(connect: ConnectSocket, options: ReadSocketOptions<T>): Source<T, null> {
  const plan = planOf(options)
  const contact = new FirstContact(openNodeDoor, plan)
  return {
    kind: 'websocket',
    durability: 'volatile',
    discover: async (): Promise<Discovery> => ({ splits: [split], isComplete: true }),
    open: async (_split, _from, context): Promise<SplitReader<T, null>> => {
      const what = `source ${context.name}`
      if (connect === connectSocket) await contact.make(what, plan.url, context)
      const run = (inflow: MessageInflow, signal: AbortSignal): Promise<void> =>
        readAll({ plan, connect, context }, inflow, signal)
      return new SocketReader({ split, context, decode: plan.decode, run })
    },
  }
}

function planOf<T>(options: ReadSocketOptions<T>): ReadSocketPlan<T> {
  const what = 'websocket.read'
  const client = clientPlanOf(what, options, names)
  const {
    greeting = [],
    protocols = [],
    silence = '1m',
    messageBytesMax = 1024 * 1024,
    decode = decodeJson,
  } = options
  const text = reveal(options.url)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !['ws:', 'wss:'].includes(url.protocol)) {
    throw invalid(what, 'the url is not an address of a WebSocket server; write wss://host/path')
  }
  url.hash = ''
  requireCount(what, 'messageBytesMax', messageBytesMax)
  const parse = parserOf(options.schema)
  return {
    ...client,
    redaction: redactionOf(client.redaction, url),
    url,
    greeting,
    protocols,
    decode: (data) => parse(decode(data)),
    silenceMs: positiveDurationMs(silence, `${what}: silence`),
    messageBytesMax,
  }
}

interface ReadParts<T> {
  readonly plan: ReadSocketPlan<T>
  readonly connect: ConnectSocket
  readonly context: ConnectorContext
}

/** Reads over one connection after the other, until the signal aborts. */
async function readAll<T>(parts: ReadParts<T>, inflow: MessageInflow, signal: AbortSignal): Promise<void> {
  const { plan, context } = parts
  const outage = new Outage(printableUrl(plan.url), context, backoff)
  let number = 0
  for (let failures = 1; ; failures++) {
    const works = (): void => {
      failures = 0
      outage.over()
    }
    const reason = await readOne(
      parts,
      inflow,
      `${context.random.int(2 ** 32).toString(36)}-${number++}`,
      signal,
      works,
    )
    signal.throwIfAborted()
    await pause(context, outage.failed(reason, Math.max(1, failures)), signal)
    signal.throwIfAborted()
  }
}

/** Reads over one connection. Resolves to the reason for its end. */
async function readOne<T>(
  { plan, connect, context: { clock } }: ReadParts<T>,
  inflow: MessageInflow,
  name: string,
  signal: AbortSignal,
  works: () => void,
): Promise<string> {
  const watchdog = new Watchdog(clock, signal)
  let messages = 0
  let cut: () => void = () => {}
  let ask: () => void = () => {}
  // Asked for a sign of life at half the time, the server has the other half to give it.
  let asking: Disposable | undefined
  const isAlive = (): void => {
    inflow.isAlive()
    watchdog.expect(plan.silenceMs, 'nothing has arrived')
    asking?.[Symbol.dispose]()
    if (!watchdog.signal.aborted) asking = clock.schedule(plan.silenceMs / 2, ask)
  }
  const message = (data: Uint8Array): Promise<void> | undefined => {
    const full = inflow.add(data, `connection ${name}, message ${messages++}`)
    // While it is slowed down the server cannot give a sign of life.
    if (full !== undefined) {
      watchdog.rest()
      asking?.[Symbol.dispose]()
    }
    return full?.then(isAlive)
  }
  const onEnd = (): void => {
    asking?.[Symbol.dispose]()
    cut()
  }
  try {
    return await watchdog.during(async () => {
      watchdog.expect(plan.timeoutMs, 'there was no connection')
      const { tls, protocols, messageBytesMax } = plan
      const headers = { ...plan.headers, ...loginFields(plan.url) }
      const options = { url: withoutLogin(plan.url), headers, protocols, tls, messageBytesMax }
      const socket = await connect(options, { message, isAlive }, watchdog.signal)
      cut = () => socket.cut()
      ask = () => socket.ping()
      watchdog.signal.addEventListener('abort', onEnd, { once: true })
      for (const text of plan.greeting) socket.send(text)
      works()
      isAlive()
      const reason = await socket.closed
      watchdog.signal.throwIfAborted()
      return plan.redaction.redact(reason)
    })
  } catch (error) {
    return plan.redaction.redact(describeError(error))
  } finally {
    asking?.[Symbol.dispose]()
  }
}
