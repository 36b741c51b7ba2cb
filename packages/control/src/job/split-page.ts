import type { SplitSample } from '@millrace/core/job'
import type { SplitPage, SplitRow, SplitSort } from '../contract/figures.ts'
import { epochTime, lagOf } from './sums.ts'
import type { WatchedJob } from './watched-job.ts'

/** Which splits to list. */
export interface SplitQuery {
  /** Undefined: those of every source. */
  readonly source: string | undefined
  readonly sort: SplitSort
  readonly limit: number
  readonly from: number
}

/** A page of the splits that are being read. */
export function splitPage({ interval }: WatchedJob, { source, sort, limit, from }: SplitQuery): SplitPage {
  const { now } = interval
  const all = source === undefined ? now.splits : (now.bySource.get(source) ?? [])
  const sorted = all.toSorted(orders[sort])
  const slowest = new Map<string, number>()
  for (const { source: name, newest } of all) {
    if (epochTime(newest) !== null) slowest.set(name, Math.min(slowest.get(name) ?? newest, newest))
  }
  const page = sorted.slice(from, from + limit)
  const next = from + page.length
  return {
    splits: page.map((sample) => rowOf(sample, now.at, slowest.get(sample.source))),
    total: all.length,
    next: next < all.length ? String(next) : null,
  }
}

function rowOf(sample: SplitSample, at: number, slowest: number | undefined): SplitRow {
  const { source, split, label, subtask, records, bytes, lag, state, holdsTime } = sample
  const [watermark, newest] = [epochTime(sample.watermark), epochTime(sample.newest)]
  return {
    source,
    split,
    label,
    subtask,
    recordsOut: records,
    bytes: bytes ?? null,
    lagBytes: lag?.bytes ?? null,
    lagRecords: lag?.records ?? null,
    watermark,
    watermarkLagMs: lagOf(watermark, at),
    newest,
    skewMs: newest === null || slowest === undefined ? null : newest - slowest,
    state,
    holdsTime,
  }
}

type Order = (a: SplitSample, b: SplitSample) => number

const byName: Order = (a, b) => (a.label < b.label ? -1 : a.label > b.label ? 1 : 0)
const lag = ({ lag: own }: SplitSample): number => own?.records ?? own?.bytes ?? 0

const orders: Readonly<Record<SplitSort, Order>> = {
  name: byName,
  lag: (a, b) => lag(b) - lag(a) || byName(a, b),
  watermark: (a, b) => compare(a.watermark, b.watermark) || byName(a, b),
  records: (a, b) => b.records - a.records || byName(a, b),
}

/** Both may be the beginning of time, whose difference to itself is no number. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
