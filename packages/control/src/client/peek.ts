import { pathOf } from '../contract/routes.ts'
import type { PeekEnd, PeekProgress, PeekRecord } from '../contract/peek.ts'
import { keyText, type Connection } from './connection.ts'
import { eventsOf } from './server-events.ts'

/** Which records are shown, and how many. */
export interface PeekOptions {
  /** A side output of the operator. Default: its main output. */
  readonly output?: string
  /** Only records of this key. Default: all. */
  readonly key?: unknown
  /** How many in a second at most, 1 to 100. Default 10. */
  readonly rate?: number
  /** How many in all, 1 to 10,000. Default 1,000. */
  readonly limit?: number
  /** For how long, 1 to 600 seconds. Default 30. */
  readonly seconds?: number
  /** Called once a second, and at the end with the reason, with how many records have passed. */
  readonly onProgress?: (progress: PeekProgress | PeekEnd) => void
  /** Ends it. */
  readonly signal?: AbortSignal
}

/** The records of a peek, as they come. Leaving the loop ends it. */
export async function* peek(
  connection: Connection,
  operator: string,
  { key, signal, onProgress, ...query }: PeekOptions = {},
): AsyncGenerator<PeekRecord> {
  const path = pathOf('peek', { job: await connection.job(), operator })
  const keyed =
    key === undefined ? {} : { key: keyText(key), keyType: typeof key === 'string' ? 'text' : 'json' }
  const response = await connection.send(path, { ...query, ...keyed }, signal === undefined ? {} : { signal })
  try {
    for await (const { event, data } of eventsOf(response.body!)) {
      if (event === 'record') yield JSON.parse(data) as PeekRecord
      else if (event === 'progress' || event === 'end') onProgress?.(JSON.parse(data) as PeekProgress)
    }
  } catch (error) {
    if (signal?.aborted !== true) throw error
  }
}
