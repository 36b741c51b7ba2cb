import type { EventTime } from '../record/time.ts'
import type { Origin } from '../record/element.ts'
import type { AsyncCall } from './async-calls.ts'

/** A record whose result was not emitted yet, as stored in checkpoints. */
export interface WaitingRecord {
  readonly value: unknown
  readonly time: EventTime
  readonly watermark: EventTime
  /** Absent if no call has failed for it. */
  readonly attempts?: number
  /** Where it was read, for its dead letter. Absent under a policy without dead letters. */
  readonly origin?: StoredOrigin
}

interface StoredOrigin {
  readonly source: string
  readonly split: string
  readonly splitLabel?: string
  readonly place: string
  readonly raw?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
  readonly redrives?: number
}

/** The record of a call for a checkpoint, with its origin if it may become a dead letter. */
export function waitingRecordOf(call: AsyncCall, keepsOrigin: boolean): WaitingRecord {
  const { value, time, watermark, attempts } = call
  const origin = keepsOrigin ? storedOrigin(call) : undefined
  return {
    value,
    time,
    watermark,
    ...(attempts === 0 ? {} : { attempts }),
    ...(origin === undefined ? {} : { origin }),
  }
}

function storedOrigin({ origin, originIndex }: AsyncCall): StoredOrigin | undefined {
  if (origin === undefined || originIndex < 0) return undefined
  const { source, split, splitLabel } = origin
  const [raw, headers] = [origin.raw(originIndex), origin.headers?.(originIndex)]
  return {
    source,
    split,
    ...(splitLabel === undefined ? {} : { splitLabel }),
    place: origin.place(originIndex),
    ...(raw === undefined ? {} : { raw }),
    ...(headers === undefined ? {} : { headers }),
    redrives: origin.redrives?.(originIndex) ?? 0,
  }
}

/** The origin of a restored record, which is its only one. */
export function restoredOrigin({ origin }: WaitingRecord): Origin | undefined {
  if (origin === undefined) return undefined
  const { source, split, splitLabel, place, raw, headers, redrives = 0 } = origin
  return {
    source,
    split,
    ...(splitLabel === undefined ? {} : { splitLabel }),
    place: () => place,
    raw: () => raw,
    headers: () => headers,
    redrives: () => redrives,
  }
}
