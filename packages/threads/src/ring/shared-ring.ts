import type { RingCodec, RingMemory } from '../codec/ring-codec.ts'
import { FORMAT, HEADER_BYTES, STATE, WORD } from './layout.ts'
import { RingLock } from './ring-lock.ts'

/**
 * A ring of records in shared memory, for any number of sending and receiving threads. Nothing here waits for
 * space or for values.
 *
 * Two locks: one sender and one receiver can work at the same time. A turn is begun, writes or reads any
 * number of records, and is ended, which publishes them all at once.
 *
 * A record is its length in a word, then its bytes, then up to three bytes of padding. It never wraps around
 * the end of the ring, so that codecs see contiguous bytes: if it does not fit before the end, a length of -1
 * means "continue at the start". So an empty ring accepts any record of up to half its size, wherever its
 * ends are.
 *
 * Invariants between any two turns:
 *
 *  1. sentCount - receivedCount records, at most `capacity`, lie in the sentBytes - receivedBytes bytes, at most the
 *     ring's size, that begin at receivedBytes modulo the size. All four only grow, modulo 2^32.
 *  2. All other bytes are free and have undefined content.
 *  3. A thread that reads sentCount also sees everything written before that count was published; likewise
 *     for space and receivedCount.
 *
 * A thread that dies during its turn has published nothing of it. The lock it still holds identifies it: see
 * `bury`.
 */
export class SharedRing {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly capacity: number
  /** The longest record in bytes that always fits into an empty ring. */
  readonly recordBytesMax: number
  readonly sendLock: RingLock
  readonly receiveLock: RingLock

  readonly #size: number
  readonly #mask: number
  readonly #memory: RingMemory
  readonly #lengths: Int32Array

  // How far this thread has seen either side advance. Accurate during a turn of that side; otherwise its last
  // known value.
  #sentBytes = 0
  #sentCount = 0
  #receivedBytes = 0
  #receivedCount = 0
  // The last known progress of the other side during a turn. It may be outdated.
  #roomFromBytes = 0
  #roomFromCount = 0
  #valuesToCount = 0

  /**
   * The memory must come from `allocateRing`, in this thread or another. `thread` is this thread's id for the
   * locks.
   */
  constructor(buffer: SharedArrayBuffer, thread: number) {
    this.buffer = buffer
    this.words = new Int32Array(buffer, 0, HEADER_BYTES / 4)
    if (this.words[WORD.format] !== FORMAT) {
      throw new Error(
        'the memory is not a channel of this version; load the same @millrace/threads in all threads',
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
    // Impossible counts, so that the first turn reads the shared ones.
    this.#sentCount = -1
    this.#receivedCount = -1
  }

  /** One of `STATE`. */
  get state(): number {
    return Atomics.load(this.words, WORD.state)
  }

  /** Number of records in the ring. */
  get length(): number {
    // In this order; otherwise a receive in between could make the difference negative.
    const received = Atomics.load(this.words, WORD.receivedCount)
    return Math.min(this.capacity, (Atomics.load(this.words, WORD.sentCount) - received) | 0)
  }

  /** Whether there may be space for a short record. */
  hasRoom(): boolean {
    const used = Atomics.load(this.words, WORD.sentBytes) - Atomics.load(this.words, WORD.receivedBytes)
    return this.length < this.capacity && this.#size - (used | 0) > 2 * LENGTH_BYTES
  }

  /** Whether there is contiguous space for a record of this many bytes. */
  hasRoomFor(bytes: number): boolean {
    const sent = Atomics.load(this.words, WORD.sentBytes)
    const free = this.#size - ((sent - Atomics.load(this.words, WORD.receivedBytes)) | 0)
    const toEnd = this.#size - (sent & this.#mask)
    // As in `#encode`: an empty record takes more than its length word, too.
    const needed = LENGTH_BYTES + Math.max(bytes, 1)
    return this.length < this.capacity && needed <= Math.max(Math.min(free, toEnd), free - toEnd)
  }

  /** Begins a senders' turn. This thread must hold `sendLock`. */
  beginSend(): void {
    const { words } = this
    // While no other thread has sent, the known progress of the receivers lags by less than one ring, so it
    // is usable.
    if (words[WORD.sentCount] === this.#sentCount && words[WORD.sentBytes] === this.#sentBytes) return
    this.#sentCount = words[WORD.sentCount]!
    this.#sentBytes = words[WORD.sentBytes]!
    this.#lookForRoom()
  }

  /** Writes a record, or returns false if there is no space for it now. */
  write<T>(codec: RingCodec<T>, value: T): boolean {
    if (this.#hasRoomToCount() && this.#place(codec, value)) return true
    return this.#lookForRoom() && this.#hasRoomToCount() && this.#place(codec, value)
  }

  /** Ends a senders' turn and publishes its records. Returns whether there were any. */
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

  /** Reads the next record, which must exist. If its codec throws, it stays the next one. */
  read<T>(codec: RingCodec<T>): T {
    const from = this.#findRecord()
    const length = this.#lengths[(from - LENGTH_BYTES) >> 2]!
    const value = codec.decode(this.#memory, from, from + length)
    this.#pass(length)
    return value
  }

  /** Drops the next record, which must exist. */
  skip(): void {
    this.#pass(this.#lengths[(this.#findRecord() - LENGTH_BYTES) >> 2]!)
  }

  /** Ends a receivers' turn and frees the space of its records. Returns whether there were any. */
  endReceive(): boolean {
    const { words } = this
    if (words[WORD.receivedCount] === this.#receivedCount) return false
    Atomics.store(words, WORD.receivedBytes, this.#receivedBytes)
    Atomics.store(words, WORD.receivedCount, this.#receivedCount)
    return true
  }

  /**
   * Marks the channel as broken if the dead thread `thread` died during a turn. Returns whether it did.
   *
   * Records published before a sender's death are complete and can be received. A dead receiver may have
   * decoded values and lost them, so the channel cannot be trusted.
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

  /** Returns whether there is more space than was known. */
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
