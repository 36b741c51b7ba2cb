import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { SimOwners } from '@millrace/testkit'
import { ManualClock, seededRandom, systemScheduler } from '@millrace/world'
import type { Batch, ConnectorContext } from '@millrace/core/connector'
import type { HttpDoor, HttpRequest, OpenHttpDoor } from '../src/client/http-door.ts'
import type { Inflate } from '../src/content-coding.ts'

/** What a server in memory answers: an answer, an error of the connection, or nothing. */
export type MemoryAnswer =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>
    }
  | Error
  | 'silence'

export type MemoryServer = (request: HttpRequest) => MemoryAnswer | Promise<MemoryAnswer>

const encoder = new TextEncoder()

/** At once, so that a test need not wait for a thread. */
const inflate: Inflate = async (body, _coding, maxOutputLength) => {
  try {
    return gunzipSync(body, { maxOutputLength })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw error
  }
}

/** A door to one server in memory, which serves every URL. */
export function memoryDoor(server: MemoryServer): OpenHttpDoor {
  return (): HttpDoor => ({
    send: async (request, signal) => {
      const answer = await server(request)
      signal.throwIfAborted()
      if (answer === 'silence') return aborted(signal)
      if (answer instanceof Error) throw answer
      const { status, headers = {}, body = '' } = answer
      return { status, headers: new Map(Object.entries(headers)), body: piecesOf(body, signal) }
    },
    reach: async (url) => {
      const answer = await server({ method: 'CONNECT', url, headers: {} })
      if (answer instanceof Error) throw answer
    },
    inflate,
    digest: (data) => createHash('sha256').update(data).digest('hex'),
    close: () => {},
  })
}

async function* piecesOf(
  body: string | Uint8Array | AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  if (typeof body === 'string') yield encoder.encode(body)
  else if (body instanceof Uint8Array) yield body
  else {
    const reader = body[Symbol.asyncIterator]()
    const stopped = aborted(signal)
    stopped.catch(() => {})
    for (;;) {
      const piece = await Promise.race([reader.next(), stopped])
      if (piece.done === true) return
      yield piece.value
    }
  }
}

/** Rejects when the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => reject(signal.reason as Error)
    if (signal.aborted) fail()
    signal.addEventListener('abort', fail, { once: true })
  })
}

/** The context of a connector with a clock that the test moves. */
export interface MemoryContext {
  readonly context: ConnectorContext
  readonly clock: ManualClock
  /** Warnings, and outages as `down: REASON` and `up`. */
  readonly warnings: string[]
  readonly stop: AbortController
}

export function memoryContext(changes: Partial<ConnectorContext> = {}): MemoryContext {
  const warnings: string[] = []
  let isDown = false
  const stop = new AbortController()
  const clock = new ManualClock(1_764_000_000_000)
  const context = {
    name: 'out',
    clock,
    random: seededRandom(1),
    owner: new SimOwners().take(),
    isBounded: false,
    start: { kind: 'first', checkpoint: undefined },
    signal: stop.signal,
    directory: 'out',
    warn: (message: string) => void warnings.push(message),
    down: (reason: unknown) => {
      if (!isDown) warnings.push(`down: ${String(reason)}`)
      isDown = true
    },
    trying: () => {},
    up: () => {
      if (isDown) warnings.push('up')
      isDown = false
    },
    ...changes,
  } as ConnectorContext
  return { context, clock, warnings, stop }
}

/** A batch as a source without timestamps makes it. `firstPlace` is that of its first record; undefined for none. */
export function batchOf<T>(values: readonly T[], firstPlace?: number): Batch<T> {
  const origin =
    firstPlace === undefined
      ? undefined
      : {
          source: 'in',
          split: 'all',
          place: (index: number) => `index ${firstPlace + index}`,
          raw: () => undefined,
        }
  return {
    length: values.length,
    values,
    times: new Float64Array(values.length).fill(Number.NaN),
    watermarks: new Float64Array(values.length).fill(-Infinity),
    origin,
    originIndex: undefined,
  }
}

/** Lets everything happen that needs no time. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await systemScheduler.turn()
}
