/**
 * What the data alone say about a stream. Undefined: nothing, because what it carries depends on how records of
 * different splits or keys meet.
 */
import { keyToken, type Key } from '@millrace/core'
import { keyOf, type Grouping, type Item } from './item.ts'

/** A record, and what is known about its place among the others. */
export interface KnownRecord {
  readonly value: Item
  /** NaN without event time. */
  readonly time: number
  /** Records of one line come in the order in which they stand here; about those of different lines nothing is known. */
  readonly line: string
  /** The watermark that the record meets; undefined if that depends on other records. */
  readonly under: number | undefined
  /** Whether it comes before the end of every window it is in, whatever the watermark. */
  readonly isOnTime: boolean
}

/** The records of a stream. */
export type KnownStream = readonly KnownRecord[]

/** What comes out for one key, by output, and what is `poisoned`: the records on which the part's function throws. */
export type KnownOutputs = Readonly<Record<string, KnownStream>>

/** The records of one key. */
export interface Group {
  readonly key: Key
  /** The same for equal keys. */
  readonly token: string
  readonly records: KnownStream
  /** Whether their order is known. */
  readonly isOrdered: boolean
}

/** The same text or number for equal values. */
export function textOf(value: unknown): string {
  return String(keyToken(value as Key))
}

/** The records by key. */
export function groupsOf(stream: KnownStream, by: Grouping): readonly Group[] {
  const groups = new Map<string, { key: Key; records: KnownRecord[] }>()
  for (const record of stream) {
    const key = keyOf(by, record.value)
    const group = groups.get(textOf(key))
    if (group === undefined) groups.set(textOf(key), { key, records: [record] })
    else group.records.push(record)
  }
  return Array.from(groups, ([token, { key, records }]) => {
    const isOrdered = records.every(({ line }) => line === records[0]!.line)
    return { key, token, records, isOrdered }
  })
}

/** Whether the record is known to come before the watermark has reached its time. */
function isPunctual({ time, under, isOnTime }: KnownRecord): boolean {
  return isOnTime || (under !== undefined && under <= time)
}

/** The stream when others have come between its records: lines keep their order, and the watermark is not known. */
export function mixed(
  stream: KnownStream,
  lineOf: (record: KnownRecord, index: number) => string,
): KnownStream {
  return stream.map((record, index) => ({
    ...record,
    line: lineOf(record, index),
    under: undefined,
    isOnTime: isPunctual(record),
  }))
}
