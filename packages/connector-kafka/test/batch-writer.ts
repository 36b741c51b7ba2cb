import { gzipSync } from 'node:zlib'
import { crc32c } from '../src/wire/crc32c.ts'

/** A record to write into a batch. */
export interface BatchRecord {
  readonly offset: number
  readonly timestamp?: number
  readonly key?: Uint8Array | null
  readonly value?: Uint8Array | null
  readonly headers?: readonly (readonly [string, Uint8Array])[]
}

export interface BatchOptions {
  readonly firstOffset?: number
  /** The offset behind the last, also where records are missing. */
  readonly next?: number
  readonly producer?: number
  readonly isTransactional?: boolean
  readonly isControl?: boolean
  /** The time that the broker has set for all. */
  readonly appendTime?: number
  readonly codec?: number
  readonly compress?: (bytes: Uint8Array) => Uint8Array
}

const encoder = new TextEncoder()

/** Writes a batch of records as brokers store it. */
export function batchBytes(records: readonly BatchRecord[], options: BatchOptions = {}): Uint8Array {
  const firstOffset = options.firstOffset ?? records[0]?.offset ?? 0
  const next = options.next ?? (records.at(-1)?.offset ?? firstOffset - 1) + 1
  const baseTime = records[0]?.timestamp ?? 0
  const body = Uint8Array.from(records.flatMap((record) => recordBytes(record, firstOffset, baseTime)))
  const packed = options.compress?.(body) ?? body
  const bytes = new Uint8Array(61 + packed.length)
  const view = new DataView(bytes.buffer)
  view.setBigInt64(0, BigInt(firstOffset))
  view.setInt32(8, bytes.length - 12)
  view.setInt8(16, 2)
  const { codec = 0, isTransactional = false, isControl = false, appendTime } = options
  view.setInt16(
    21,
    codec | (appendTime === undefined ? 0 : 8) | (isTransactional ? 16 : 0) | (isControl ? 32 : 0),
  )
  view.setInt32(23, next - 1 - firstOffset)
  view.setBigInt64(27, BigInt(baseTime))
  view.setBigInt64(35, BigInt(appendTime ?? Math.max(0, ...records.map(({ timestamp = 0 }) => timestamp))))
  view.setBigInt64(43, BigInt(options.producer ?? -1))
  view.setInt16(51, 0)
  view.setInt32(53, -1)
  view.setInt32(57, records.length)
  bytes.set(packed, 61)
  view.setUint32(17, crc32c(bytes, 21))
  return bytes
}

/** The mark at the end of a transaction. */
export function markBytes(offset: number, producer: number, isCommit: boolean): Uint8Array {
  const key = Uint8Array.of(0, 0, 0, isCommit ? 1 : 0)
  const value = Uint8Array.of(0, 0, 0, 0, 0, 0)
  return batchBytes([{ offset, key, value }], { producer, isTransactional: true, isControl: true })
}

export const gzip = { codec: 1, compress: (bytes: Uint8Array): Uint8Array => gzipSync(bytes) }

function recordBytes(record: BatchRecord, firstOffset: number, baseTime: number): number[] {
  const { offset, timestamp = baseTime, key = null, value = null, headers = [] } = record
  const body = [
    0,
    ...varint(timestamp - baseTime),
    ...varint(offset - firstOffset),
    ...nullable(key),
    ...nullable(value),
    ...varint(headers.length),
    ...headers.flatMap(([name, content]) => [...nullable(encoder.encode(name)), ...nullable(content)]),
  ]
  return [...varint(body.length), ...body]
}

function nullable(bytes: Uint8Array | null): number[] {
  return bytes === null ? varint(-1) : [...varint(bytes.length), ...bytes]
}

/** A signed integer of variable length. */
function varint(value: number): number[] {
  let rest = value < 0 ? -2 * value - 1 : 2 * value
  const bytes: number[] = []
  while (rest > 127) {
    bytes.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  return [...bytes, rest]
}
