import type { RingCodec, RingMemory } from '../codec/ring-codec.ts'
import { FORMAT, HEADER_BYTES, STATE, WORD } from './layout.ts'
import { RingLock } from './ring-lock.ts'

/**
 * A ring of records in shared memory, for any number of sending and receiving threads. Nothing here waits for room or
 * for values.
 *
 * Two locks: senders take turns among themselves and receivers among themselves, while one of each works at the same
 * time. A turn is begun, writes or reads any number of records, and is ended, which publishes them all at once.
 *
 * A record is its length in a word, then its bytes, then up to three bytes of padding. It never wraps around the end
 * of the ring, so that codecs see it in one piece: when it does not fit before the end, a length of -1 says "go on at
 * the start". An empty ring therefore takes any record of up to half its size, wherever its ends happen to be.
 *
 * True between any two turns:
 *
 *  1. sentCount - receivedCount records, at most `capacity`, lie in the sentBytes - receivedBytes bytes, at most the
 *     ring's size, that begin at receivedBytes modulo the size. All four only grow, modulo 2^32.
 *  2. Bytes outside of those are free; a sender may have left anything in them.
 *  3. What a sender wrote before it published sentCount is seen by whoever reads that count; likewise for room and
 *     receivedCount.
 *
 * A thread that dies in its turn has published nothing of it. The lock it held tells on it: see `bury`.
 */
export class SharedRing {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly capacity: number
  /** The longest record that is certain to fit once the ring is empty, in bytes. */
  readonly recordBytesMax: number
  readonly sendLock: RingLock
  readonly receiveLock: RingLock

  readonly #size: number
  readonly #mask: number
  readonly #memory: RingMemory
  readonly #lengths: Int32Array

  // How far this thread has seen either side come. Right during a turn of that side; between turns, what it left.
  #sentBytes = 0
  #sentCount = 0
  #receivedBytes = 0
  #receivedCount = 0
  // What the senders' turn knows of the receivers' progress, and the other way round. It may lag behind.
  #roomFromBytes = 0
  #roomFromCount = 0
  #valuesToCount = 0

  /** The memory must come from `allocateRing`, in this thread or another. `thread` names this thread in the locks. */
  constructor(buffer: SharedArrayBuffer, thread: number) {
    this.buffer = buffer
    this.words = new Int32Array(buffer, 0, HEADER_BYTES / 4)
    if (this.words[WORD.format] !== FORMAT) {
      throw new Error(
        'the memory is no channel of this version; let all threads load the same @millrace/threads',
      )
    }
    this.capacity = this.words[WORD.capacity]!
    this.#size = this.words[WORD.ringBytes]!
    this.#mask = this.#size - 1
    this.recordBytesMax = this.#size / 2 - LENGTH_BYTES
    this.#memory = {
      bytes: Buffer.from(buffer, HEADER_BYTES, this.#size),
      view: new DataView(buffer, HEADER_BYTES, this.#size),
      words: new Int32Array(buffer, HEADER_BYTES, this.#size / 4),
    }
    this.#lengths = this.#memory.words
    this.sendLock = new RingLock(this.words, WORD.sendLock, thread)
    this.receiveLock = new RingLock(this.words, WORD.receiveLock, thread)
    // Counts that nobody could have left, so that the first turn reads what the others know.
    this.#sentCount = -1
    this.#receivedCount = -1
  }

  /** One of `STATE`. */
  get state(): number {
    return Atomics.load(this.words, WORD.state)
  }

  /** How many records are in the ring. */
  get length(): number {
    // In this order, or a record that is received in between would make it negative.
    const received = Atomics.load(this.words, WORD.receivedCount)
    return Math.min(this.capacity, (Atomics.load(this.words, WORD.sentCount) - received) | 0)
  }

  /** Whether there may be room for a short record. */
  hasRoom(): boolean {
    const used = Atomics.load(this.words, WORD.sentBytes) - Atomics.load(this.words, WORD.receivedBytes)
    return this.length < this.capacity && this.#size - (used | 0) > 2 * LENGTH_BYTES
  }

  /** Whether there is room for a record of so many bytes, in one piece. */
  hasRoomFor(bytes: number): boolean {
    const sent = Atomics.load(this.words, WORD.sentBytes)
    const free = this.#size - ((sent - Atomics.load(this.words, WORD.receivedBytes)) | 0)
    const toEnd = this.#size - (sent & this.#mask)
    // As `#encode` has it: also an empty record leaves more than its length.
    const needed = LENGTH_BYTES + Math.max(bytes, 1)
    return this.length < this.capacity && needed <= Math.max(Math.min(free, toEnd), free - toEnd)
  }

  /** Begins a senders' turn. This thread must hold `sendLock`. */
  beginSend(): void {
    const { words } = this
    // While nobody else has sent, what is known of the receivers is behind by less than one ring, and so of use.
    if (words[WORD.sentCount] === this.#sentCount && words[WORD.sentBytes] === this.#sentBytes) return
    this.#sentCount = words[WORD.sentCount]!
    this.#sentBytes = words[WORD.sentBytes]!
    this.#lookForRoom()
  }

  /** Writes a record, or returns false when there is no room for it now. */
  write<T>(codec: RingCodec<T>, value: T): boolean {
    if (this.#hasRoomToCount() && this.#place(codec, value)) return true
    return this.#lookForRoom() && this.#hasRoomToCount() && this.#place(codec, value)
  }

  /** Ends a senders' turn: everyone sees what was written. Returns whether anything was. */
  endSend(): boolean {
    const { words } = this
    if (words[WORD.sentCount] === this.#sentCount) return false
    words[WORD.sentBytes] = this.#sentBytes
    Atomics.store(words, WORD.sentCount, this.#sentCount)
    return true
  }

  /** Begins a receivers' turn. This thread must hold `receiveLock`. */
  beginReceive(): void {
    const { words } = this
    if (
      words[WORD.receivedCount] === this.#receivedCount &&
      words[WORD.receivedBytes] === this.#receivedBytes
    )
      return
    this.#receivedCount = words[WORD.receivedCount]!
    this.#receivedBytes = words[WORD.receivedBytes]!
    this.#valuesToCount = Atomics.load(words, WORD.sentCount)
  }

  /** Whether a record can be read. */
  hasRecord(): boolean {
    if (this.#valuesToCount !== this.#receivedCount) return true
    this.#valuesToCount = Atomics.load(this.words, WORD.sentCount)
    return this.#valuesToCount !== this.#receivedCount
  }

  /** Reads the next record, which must be there. If its codec throws, it stays the next one. */
  read<T>(codec: RingCodec<T>): T {
    const from = this.#findRecord()
    const length = this.#lengths[(from - LENGTH_BYTES) >> 2]!
    const value = codec.decode(this.#memory, from, from + length)
    this.#pass(length)
    return value
  }

  /** Drops the next record, which must be there. */
  skip(): void {
    this.#pass(this.#lengths[(this.#findRecord() - LENGTH_BYTES) >> 2]!)
  }

  /** Ends a receivers' turn: the room of what was read is free. Returns whether anything was. */
  endReceive(): boolean {
    const { words } = this
    if (words[WORD.receivedCount] === this.#receivedCount) return false
    Atomics.store(words, WORD.receivedBytes, this.#receivedBytes)
    Atomics.store(words, WORD.receivedCount, this.#receivedCount)
    return true
  }

  /**
   * Marks the channel as broken if `thread`, which is dead, died in a turn. Returns whether it did.
   *
   * What lies in the ring before a sender's death is whole and can be received. A dead receiver may have decoded
   * values and lost them, so that nothing is certain any more.
   */
  bury(thread: number): boolean {
    const isSender = this.sendLock.isHeldBy(thread)
    const isReceiver = this.receiveLock.isHeldBy(thread)
    if (!isSender && !isReceiver) return false
    Atomics.store(this.words, WORD.brokenBy, thread)
    Atomics.store(this.words, WORD.state, isReceiver ? STATE.brokenByReceiver : STATE.brokenBySender)
    if (isSender) this.sendLock.wrest()
    if (isReceiver) this.receiveLock.wrest()
    return true
  }

  /** The place of the first byte of the next record. */
  #findRecord(): number {
    const at = this.#receivedBytes & this.#mask
    if (this.#lengths[at >> 2] !== GO_TO_START) return at + LENGTH_BYTES
    this.#receivedBytes = (this.#receivedBytes + this.#size - at) | 0
    return LENGTH_BYTES
  }

  #pass(length: number): void {
    this.#receivedBytes = (this.#receivedBytes + frameBytes(length)) | 0
    this.#receivedCount = (this.#receivedCount + 1) | 0
  }

  #hasRoomToCount(): boolean {
    return ((this.#sentCount - this.#roomFromCount) | 0) < this.capacity
  }

  /** Returns whether there is more room than was known. */
  #lookForRoom(): boolean {
    const before = this.#roomFromCount
    this.#roomFromCount = Atomics.load(this.words, WORD.receivedCount)
    this.#roomFromBytes = Atomics.load(this.words, WORD.receivedBytes)
    return before !== this.#roomFromCount
  }

  #place<T>(codec: RingCodec<T>, value: T): boolean {
    const at = this.#sentBytes & this.#mask
    const free = this.#size - ((this.#sentBytes - this.#roomFromBytes) | 0)
    const toEnd = this.#size - at
    if (this.#encode(codec, value, at, Math.min(free, toEnd))) return true
    if (free - toEnd <= LENGTH_BYTES || !this.#encode(codec, value, 0, free - toEnd)) return false
    this.#lengths[at >> 2] = GO_TO_START
    this.#sentBytes = (this.#sentBytes + toEnd) | 0
    return true
  }

  #encode<T>(codec: RingCodec<T>, value: T, at: number, room: number): boolean {
    if (room <= LENGTH_BYTES) return false
    const from = at + LENGTH_BYTES
    const to = at + Math.min(room, this.recordBytesMax + LENGTH_BYTES)
    const end = codec.encode(value, this.#memory, from, to)
    if (end === -1) return false
    if (!(end >= from && end <= to)) {
      throw new RangeError(
        `codec ${codec.id}: encode returned ${end}; return a place from ${from} to ${to}, or -1`,
      )
    }
    this.#lengths[at >> 2] = end - from
    this.#sentBytes = (this.#sentBytes + frameBytes(end - from)) | 0
    this.#sentCount = (this.#sentCount + 1) | 0
    return true
  }
}

const LENGTH_BYTES = 4
const GO_TO_START = -1

function frameBytes(length: number): number {
  return (LENGTH_BYTES + length + 3) & ~3
}

/** Fresh memory for a ring of `ringBytes` bytes, a power of two, that holds at most `capacity` records. */
export function allocateRing(capacity: number, ringBytes: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(HEADER_BYTES + ringBytes)
  const words = new Int32Array(buffer)
  words[WORD.format] = FORMAT
  words[WORD.capacity] = capacity
  words[WORD.ringBytes] = ringBytes
  return buffer
}
