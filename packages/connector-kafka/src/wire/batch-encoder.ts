import type { ReadyRecord } from '../record.ts'
import { GrowingBytes } from './codec/growing.ts'
import type { Compressor } from './compression.ts'
import { crc32c } from './crc32c.ts'

const headerBytes = 61
/** From here on the checksum counts. */
const summedFrom = 21
const transactionalBit = 16
const firstBytes = 4_096

const encoder = new TextEncoder()
const none: readonly Uint8Array[] = []

/** What of a record a batch holds. */
export type BatchedRecord = Pick<ReadyRecord, 'key' | 'value' | 'headers'>

/** Encodes records of one partition into a batch, as brokers store it (format 2). */
export class BatchEncoder {
  #bytes = new Uint8Array(firstBytes)
  #at = headerBytes
  #count = 0
  #firstTime = 0
  #lastTime = 0

  /** How many records it has. */
  get count(): number {
    return this.#count
  }

  /** How many bytes they have, before they are compressed. */
  get length(): number {
    return this.#at
  }

  add({ key, value, headers }: BatchedRecord, timestamp: number): void {
    if (this.#count === 0) this.#firstTime = this.#lastTime = timestamp
    const timeDelta = timestamp - this.#firstTime
    // Names and contents, one after the other.
    const parts =
      headers.length === 0 ? none : headers.flatMap(([name, content]) => [encoder.encode(name), content])
    let length = 1 + varintSize(timeDelta) + varintSize(this.#count) + sizeOf(key) + sizeOf(value)
    length += varintSize(headers.length)
    for (const part of parts) length += sizeOf(part)
    this.#reserve(length + 5)
    this.#varint(length)
    this.#bytes[this.#at++] = 0
    this.#varint(timeDelta)
    this.#varint(this.#count)
    this.#blob(key)
    this.#blob(value)
    this.#varint(headers.length)
    for (const part of parts) this.#blob(part)
    this.#count++
    if (timestamp > this.#lastTime) this.#lastTime = timestamp
  }

  /** The batch, without a producer and a checksum: `stamp` adds them. What is added then belongs to another batch. */
  finish(compressor: Compressor | undefined): Uint8Array {
    const plain = this.#bytes.subarray(0, this.#at)
    const packed = compressor === undefined ? undefined : compressed(plain, compressor)
    // The memory is used again.
    const bytes = packed ?? plain.slice()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    view.setInt32(8, bytes.length - 12)
    view.setInt32(12, -1)
    view.setInt8(16, 2)
    view.setInt16(21, packed === undefined ? 0 : compressor!.codec)
    view.setInt32(23, this.#count - 1)
    view.setBigInt64(27, BigInt(this.#firstTime))
    view.setBigInt64(35, BigInt(this.#lastTime))
    view.setInt32(57, this.#count)
    this.#at = headerBytes
    this.#count = 0
    return bytes
  }

  #blob(bytes: Uint8Array | null): void {
    if (bytes === null) {
      this.#varint(-1)
      return
    }
    const { length } = bytes
    this.#varint(length)
    const [target, at] = [this.#bytes, this.#at]
    // A native call costs more than a few steps of a loop.
    if (length > 64) target.set(bytes, at)
    else for (let index = 0; index < length; index++) target[at + index] = bytes[index]!
    this.#at = at + length
  }

  /** A signed integer of variable length: its sign is in the lowest bit. */
  #varint(value: number): void {
    const bytes = this.#bytes
    let at = this.#at
    let rest = value < 0 ? -2 * value - 1 : 2 * value
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128
    for (; rest > 127; rest >>>= 7) bytes[at++] = rest | 128
    bytes[at++] = rest
    this.#at = at
  }

  #reserve(count: number): void {
    const needed = this.#at + count
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }
}

/** Who sends a batch: a producer, and the number that the first record has among those of its partition. */
export interface Stamp {
  readonly producer: number
  readonly epoch: number
  readonly sequence: number
  readonly isTransactional: boolean
}

/** The number behind `count` records: numbers have 31 bits, and begin again after the last. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31
}

/** Writes into a batch who sends it, and its checksum. */
export function stamp(bytes: Uint8Array, { producer, epoch, sequence, isTransactional }: Stamp): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const attributes = view.getInt16(21)
  view.setInt16(21, isTransactional ? attributes | transactionalBit : attributes & ~transactionalBit)
  view.setBigInt64(43, BigInt(producer))
  view.setInt16(51, epoch)
  view.setInt32(53, sequence)
  view.setUint32(17, crc32c(bytes, summedFrom))
}

/** The header and the compressed records; undefined if that is not smaller. */
function compressed(plain: Uint8Array, { compress }: Compressor): Uint8Array | undefined {
  // Bytes that do not compress get a little longer, before that is noticed.
  const out = new GrowingBytes(plain.length + (plain.length >> 7) + 64)
  out.length = headerBytes
  compress(plain.subarray(headerBytes), out)
  return out.length < plain.length ? out.finish().slice() : undefined
}

function sizeOf(bytes: Uint8Array | null): number {
  return bytes === null ? 1 : varintSize(bytes.length) + bytes.length
}

function varintSize(value: number): number {
  const rest = value < 0 ? -2 * value - 1 : 2 * value
  let size = 1
  for (let limit = 128; rest >= limit; limit *= 128) size++
  return size
}
