import { structuredFault } from '../codec/structured-codec.ts'
import { MillraceError } from '../errors/errors.ts'
import type { RecordHeaders } from '../record/headers.ts'
import type { EventTime } from '../record/time.ts'
import type { Origin } from '../record/element.ts'

/** A record whose result was not emitted yet, as stored in checkpoints. */
export interface WaitingRecord {
  readonly value: unknown
  readonly time: EventTime
  readonly watermark: EventTime
  /** Absent if no call has failed for it. */
  readonly attempts?: number
  /** When the first of them failed, in milliseconds since the epoch. Absent if none has. */
  readonly failingSince?: number
  /** The number of its input. Absent: 0. */
  readonly input?: number
  /** Absent if it has none, and in checkpoints of versions without headers. */
  readonly headers?: RecordHeaders
  /** Where it was read, for its dead letter. Absent under a policy without dead letters. */
  readonly origin?: StoredOrigin
}

interface StoredOrigin {
  readonly source: string
  readonly split: string
  readonly splitLabel?: string
  readonly place: string
  readonly raw?: Uint8Array
  readonly redrives?: number
}

/** A record that waits, as its task has it. */
export interface Waiting {
  readonly value: unknown
  readonly time: EventTime
  readonly watermark: EventTime
  readonly attempts: number
  readonly failingSince: number | undefined
  readonly origin: Origin | undefined
  readonly originIndex: number
  readonly headers: RecordHeaders | undefined
  /** The number of its input. Absent: 0. */
  readonly input?: number
}

/** A record for a checkpoint, with its origin if it may become a dead letter. */
export function waitingRecordOf(record: Waiting, keepsOrigin: boolean): WaitingRecord {
  const { value, time, watermark, attempts, failingSince, headers, input = 0 } = record
  const origin = keepsOrigin ? storedOrigin(record) : undefined
  return {
    value,
    time,
    watermark,
    ...(attempts === 0 ? {} : { attempts }),
    ...(failingSince === undefined ? {} : { failingSince }),
    ...(input === 0 ? {} : { input }),
    ...(headers === undefined ? {} : { headers }),
    ...(origin === undefined ? {} : { origin }),
  }
}

function storedOrigin({ origin, originIndex }: Waiting): StoredOrigin | undefined {
  if (origin === undefined || originIndex < 0) return undefined
  const { source, split, splitLabel } = origin
  const raw = origin.raw(originIndex)
  return {
    source,
    split,
    ...(splitLabel === undefined ? {} : { splitLabel }),
    place: origin.place(originIndex),
    ...(raw === undefined ? {} : { raw }),
    redrives: origin.redrives?.(originIndex) ?? 0,
  }
}

/** The origin of a restored record, which is its only one. */
export function restoredOrigin({ origin }: WaitingRecord): Origin | undefined {
  if (origin === undefined) return undefined
  const { source, split, splitLabel, place, raw, redrives = 0 } = origin
  return {
    source,
    split,
    ...(splitLabel === undefined ? {} : { splitLabel }),
    place: () => place,
    raw: () => raw,
    redrives: () => redrives,
  }
}

/** A record is refused when it arrives, and not by the checkpoint that happens to meet it. */
export function requirePlain(value: unknown): void {
  const fault = structuredFault(value)
  if (fault === undefined) return
  throw new MillraceError(
    'CODEC_FAILED',
    `mapAsync keeps its records in checkpoints, and this one cannot be written: ${fault}. Turn it into plain data in a map before`,
  )
}
