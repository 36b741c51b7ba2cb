/**
 * What the data alone determine about a stream. Undefined: nothing, because its content depends on how
 * records of different splits or keys interleave.
 */
import type { Key } from '@millrace/core'
import { keyToken } from '@millrace/core/store'
import { keyOf, type Grouping, type Item } from './item.ts'

/** A record, and what is known about its position among the others. */
export interface KnownRecord {
  readonly value: Item
  /** NaN without event time. */
  readonly time: number
  /** Records of one line are in this order; the order between lines is unknown. */
  readonly line: string
  /** The watermark at the record; undefined if that depends on other records. */
  readonly under: number | undefined
  /** Whether it arrives before the end of every window it is in, under any watermark. */
  readonly isOnTime: boolean
}

/** The records of a stream. */
export type KnownStream = readonly KnownRecord[]

/** The output for one key, and the `poisoned` records on which the part's function throws. */
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

/** Whether the record is known to arrive before the watermark reaches its time. */
export function isPunctual({ time, under, isOnTime }: KnownRecord): boolean {
  return isOnTime || (under !== undefined && under <= time)
}

/** The stream with unknown records in between: lines keep their order, and the watermark is unknown. */
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

/** The first or last of several records, if it is known which one that is. */
export function onlyOf(records: readonly KnownRecord[], index: 0 | -1): KnownRecord | undefined {
  const isOrdered = records.every(({ line }) => line === records[0]!.line)
  const areEqual = records.every(({ value }) => textOf(value) === textOf(records[0]!.value))
  return isOrdered || areEqual ? records.at(index) : undefined
}
