import type { KafkaHeader, KafkaRecord, TopicPartition } from '../record.ts'
import { crc32c } from './crc32c.ts'
import { int64At, WireError } from './cursor.ts'
import { decompressLz4 } from './codec/lz4.ts'
import { decompressSnappy } from './codec/snappy.ts'
import { gunzip, unzstd } from './doors/inflate.ts'

/** What is in front of the records of a batch. */
export interface RecordBatch {
  readonly firstOffset: number
  /** The offset behind the last that belongs to it, also if that record was compacted away. */
  readonly next: number
  readonly producer: number
  readonly isTransactional: boolean
  /** Whether it holds the mark of a transaction, and no records. */
  readonly isControl: boolean
  /** The whole batch. */
  readonly bytes: Uint8Array
}

const headerBytes = 61
/** From here on the checksum counts. */
const summedFrom = 21

/** The batch that begins at a place; undefined if it is not there completely. Throws a `WireError`. */
export function batchAt(bytes: Uint8Array, at: number): RecordBatch | undefined {
  const left = bytes.length - at
  if (left < 17) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, left)
  const length = view.getInt32(8) + 12
  const format = view.getInt8(16)
  if (format !== 2) {
    throw new WireError(`a batch has the format ${format}: it was written before Kafka 0.11, or is damaged`)
  }
  if (length < headerBytes) throw new WireError(`a batch says that it has ${length} bytes`)
  if (length > left) return undefined
  const attributes = view.getInt16(21)
  const firstOffset = int64At(view, 0)
  const next = firstOffset + view.getInt32(23) + 1
  if (next <= firstOffset || firstOffset < 0 || !Number.isSafeInteger(next)) {
    throw new WireError(`a batch says that it is from offset ${firstOffset} up to ${next}`)
  }
  return {
    firstOffset,
    next,
    producer: int64At(view, 43),
    isTransactional: (attributes & 16) !== 0,
    isControl: (attributes & 32) !== 0,
    bytes: bytes.subarray(at, at + length),
  }
}

/** Whether the mark in a control batch says that its transaction was aborted. Throws a `WireError`. */
export function isAbortMark(batch: RecordBatch): boolean {
  const bodies = new Bodies(batch)
  bodies.next()
  const { keyAt, keyLength } = bodies
  if (keyLength < 4) throw new WireError('the mark of a transaction has no kind')
  const kind = (bodies.bytes[keyAt + 2]! << 8) | bodies.bytes[keyAt + 3]!
  return kind === 0
}

/** The records of a batch from an offset on. Their bytes are views of those of the batch. Throws a `WireError`. */
export function recordsOf(
  batch: RecordBatch,
  { topic, partition }: TopicPartition,
  from: number,
): KafkaRecord[] {
  const bodies = new Bodies(batch)
  const records: KafkaRecord[] = []
  while (bodies.next()) {
    const { offset } = bodies
    if (offset < from) continue
    records.push({
      topic,
      partition,
      offset,
      timestamp: bodies.timestamp,
      key: bodies.key(),
      value: bodies.value(),
      headers: bodies.headers(),
    })
  }
  return records
}

const noHeaders: readonly KafkaHeader[] = []
const utf8 = new TextDecoder()

/** Goes through the records of a batch, after it has compared its checksum. */
class Bodies {
  readonly bytes: Uint8Array
  offset = 0
  timestamp = 0
  keyAt = 0
  keyLength = 0
  #valueAt = 0
  #valueLength = 0
  #headersAt = 0
  #left: number
  #at: number
  readonly #batch: RecordBatch
  readonly #baseTime: number
  /** The time of all records, where the broker has set it. */
  readonly #appendTime: number | undefined

  constructor(batch: RecordBatch) {
    const { bytes } = batch
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    if (crc32c(bytes, summedFrom) !== view.getUint32(17)) {
      throw new WireError(`the batch at offset ${batch.firstOffset} is damaged: its checksum is another`)
    }
    const attributes = view.getInt16(21)
    this.#batch = batch
    this.#baseTime = int64At(view, 27)
    this.#appendTime = (attributes & 8) === 0 ? undefined : int64At(view, 35)
    this.#left = view.getInt32(57)
    const codec = attributes & 7
    this.bytes = codec === 0 ? bytes : decompressed(codec, bytes.subarray(headerBytes))
    this.#at = codec === 0 ? headerBytes : 0
  }

  /** Reads where the parts of the next record are. False if there is none. */
  next(): boolean {
    if (this.#left <= 0) return false
    this.#left--
    const length = this.#varint()
    const end = this.#at + length
    if (length < 0 || end > this.bytes.length) throw damaged(this.#batch)
    this.#at++
    const timeDelta = this.#varint()
    const offset = this.#batch.firstOffset + this.#varint()
    this.timestamp = this.#appendTime ?? this.#baseTime + timeDelta
    this.offset = offset
    this.keyLength = this.#varint()
    this.keyAt = this.#at
    this.#at += Math.max(this.keyLength, 0)
    this.#valueLength = this.#varint()
    this.#valueAt = this.#at
    this.#at += Math.max(this.#valueLength, 0)
    this.#headersAt = this.#at
    const isInside = this.#at < end && this.keyLength >= -1 && this.#valueLength >= -1
    if (!isInside || !Number.isSafeInteger(offset) || offset >= this.#batch.next) throw damaged(this.#batch)
    this.#at = end
    return true
  }

  key(): Uint8Array | null {
    return this.keyLength < 0 ? null : this.#view(this.keyAt, this.keyLength)
  }

  value(): Uint8Array | null {
    return this.#valueLength < 0 ? null : this.#view(this.#valueAt, this.#valueLength)
  }

  headers(): readonly KafkaHeader[] {
    if (this.bytes[this.#headersAt] === 0) return noHeaders
    const end = this.#at
    this.#at = this.#headersAt
    const headers: KafkaHeader[] = []
    for (let left = this.#varint(); left > 0; left--) {
      headers.push([utf8.decode(this.#part(end) ?? noBytes), this.#part(end) ?? noBytes])
    }
    this.#at = end
    return headers
  }

  #part(end: number): Uint8Array | null {
    const length = this.#varint()
    if (length < 0) return null
    if (this.#at + length > end) throw damaged(this.#batch)
    this.#at += length
    return this.#view(this.#at - length, length)
  }

  #view(at: number, length: number): Uint8Array {
    return new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + at, length)
  }

  /** A signed integer of variable length. */
  #varint(): number {
    const { bytes } = this
    let byte = bytes[this.#at++]!
    let low = byte & 127
    for (let shift = 7; byte > 127 && shift < 28; shift += 7) {
      byte = bytes[this.#at++]!
      low |= (byte & 127) << shift
    }
    if (!(byte > 127)) return (low >>> 1) ^ -(low & 1)
    let whole = low
    for (let shift = 28; byte > 127; shift += 7) {
      if (shift > 63) throw damaged(this.#batch)
      byte = bytes[this.#at++]!
      whole += (byte & 127) * 2 ** shift
    }
    return whole % 2 === 0 ? whole / 2 : -(whole + 1) / 2
  }
}

const noBytes = new Uint8Array(0)

function damaged({ firstOffset }: RecordBatch): WireError {
  return new WireError(`the batch at offset ${firstOffset} is damaged: its records do not fit`)
}

function decompressed(codec: number, bytes: Uint8Array): Uint8Array {
  try {
    if (codec === 1) return gunzip(bytes)
    if (codec === 2) return decompressSnappy(bytes)
    if (codec === 3) return decompressLz4(bytes)
    if (codec === 4) return unzstd(bytes)
  } catch (error) {
    if (error instanceof WireError) throw error
    throw new WireError(
      `a batch cannot be decompressed: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  throw new WireError(`a batch is compressed by an unknown method, number ${codec}`)
}
