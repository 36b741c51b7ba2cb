import { durationMs, MillraceError, positiveDurationMs, requireKnown } from '@millrace/core'
import type { TimestampSpec } from '@millrace/core/graph'
import type { TimestampOptions } from '../stream-options.ts'
import { requireMethod, requireSynchronous } from '../synchronous.ts'
import { timeReader } from './read-time.ts'

const known = [
  'timestamp',
  'unit',
  'format',
  'zone',
  'maxOutOfOrderness',
  'watermark',
  'idleAfter',
  'advanceWhenIdle',
  'maxDrift',
  'name',
  'onError',
]

/** The options of `withTimestamps`, checked. */
export function timestampSpec(options: TimestampOptions<unknown>): TimestampSpec {
  requireKnown('withTimestamps', options, known)
  const {
    timestamp,
    unit,
    format,
    zone,
    maxOutOfOrderness,
    watermark,
    idleAfter,
    advanceWhenIdle,
    maxDrift,
  } = options
  if (advanceWhenIdle === true && idleAfter === undefined) {
    throw new MillraceError(
      'OPTION_INVALID',
      "advanceWhenIdle needs idleAfter: without it no split is ever idle. Say after how long, as idleAfter: '30s'",
    )
  }
  if (watermark !== undefined) {
    requireMethod(watermark, 'create', 'watermark of withTimestamps')
    if (maxOutOfOrderness !== undefined) {
      throw new MillraceError(
        'OPTION_INVALID',
        'withTimestamps has watermark and maxOutOfOrderness; give one of them, because each says what is late',
      )
    }
  }
  if (timestamp !== 'ingestion') requireSynchronous(timestamp, 'withTimestamps', options.name)
  const spec: TimestampSpec = {
    at: timestamp === 'ingestion' ? (_, now) => now() : timeReader(timestamp, { unit, format, zone }),
    isUnitGiven: unit !== undefined || timestamp === 'ingestion',
    maxOutOfOrdernessMs: durationMs(maxOutOfOrderness ?? 0, 'maxOutOfOrderness'),
    idleAfterMs: idleAfter === undefined ? undefined : positiveDurationMs(idleAfter, 'idleAfter'),
    advancesWhenIdle: advanceWhenIdle ?? false,
  }
  return {
    ...spec,
    ...(watermark !== undefined && { generator: watermark }),
    ...(maxDrift !== undefined && { maxDriftMs: durationMs(maxDrift, 'maxDrift') }),
  }
}
