import { thisThread } from '../node-threads.ts'
import { Doorbell, ringBell } from '../ring/doorbell.ts'
import { WORD } from '../ring/layout.ts'
import { allocateRing, SharedRing } from '../ring/shared-ring.ts'
import { chunkCodec, type Chunk } from './chunk-codec.ts'

/** One end of a link, for the thread that will use it. It can be posted. */
export interface LinkHandle {
  readonly inbox: SharedArrayBuffer
  readonly outbox: SharedArrayBuffer
}

/** Bytes of the ring of each direction. A message may be longer. */
const ringBytes = 1 << 20
const chunksMax = 4_096
/** Longer messages are divided, so that a receiver can begin before all of it has room. */
const chunkBytes = 1 << 17

/** Makes the two ends of a new link. */
export function sharedLink(): readonly [LinkHandle, LinkHandle] {
  const [one, other] = [allocateRing(chunksMax, ringBytes), allocateRing(chunksMax, ringBytes)]
  return [
    { inbox: one, outbox: other },
    { inbox: other, outbox: one },
  ]
}

/**
 * A way for messages of bytes between two threads, over shared memory. Nothing waits: a message without room is kept
 * by its sender, and leaves once the other thread has read.
 *
 * `pump` costs two loads of shared memory while nothing is new, so a busy thread asks often and learns of messages
 * without a turn of its event loop. An idle thread is woken: the first message after it has seen everything rings.
 *
 * @example
 * const [near, far] = sharedLink()
 * const link = new SharedLink(near) // and new SharedLink(far) in the other thread
 * link.listen(() => link.pump((message) => handle(message)))
 * link.send(Uint8Array.of(1, 2, 3))
 */
export class SharedLink {
  readonly #inbox: SharedRing
  readonly #outbox: SharedRing
  /** Messages that have no room, and how many bytes of the first have left. */
  readonly #kept: Uint8Array[] = []
  #left = 0
  /** The parts of a message that has not arrived completely. */
  #message = new Uint8Array(chunkBytes)
  #arrived = 0
  #messageBell: Doorbell | undefined
  #roomBell: Doorbell | undefined

  constructor({ inbox, outbox }: LinkHandle) {
    this.#inbox = new SharedRing(inbox, thisThread)
    this.#outbox = new SharedRing(outbox, thisThread)
  }

  /** Sends a copy of the message. */
  send(message: Uint8Array): void {
    if (this.#kept.length > 0) {
      this.#kept.push(message.slice())
      return
    }
    this.#left = 0
    if (this.#write(message)) return
    this.#kept.push(message.slice())
    this.#roomBell?.set()
  }

  /** Whether every message that was sent has left. */
  get hasRoom(): boolean {
    return this.#kept.length === 0
  }

  /** Passes on the messages that have arrived. Their bytes are valid during the call only. */
  pump(receive: (message: Uint8Array) => void): void {
    if (this.#kept.length > 0) this.#writeKept()
    const ring = this.#inbox
    if (ring.length === 0) return
    // Chunks are copied out of the ring first, so that the sender has room before the message is handled.
    while (this.#read()) {
      const length = this.#arrived
      this.#arrived = 0
      receive(this.#message.subarray(0, length))
    }
  }

  /** Calls `wake` when there may be messages, or room for those that were kept. */
  listen(wake: () => void): void {
    this.#messageBell = new Doorbell(this.#inbox.words, WORD.valueBell, WORD.receiversAsleep, {
      isDue: () => this.#inbox.length > 0,
      wake: () => {
        wake()
        this.#messageBell!.set()
      },
    })
    this.#roomBell = new Doorbell(this.#outbox.words, WORD.roomBell, WORD.sendersAsleep, {
      isDue: () => this.#outbox.hasRoomFor(1 + Math.min(chunkBytes, this.#kept[0]?.length ?? 0)),
      wake: () => {
        wake()
        if (this.#kept.length > 0) this.#roomBell!.set()
      },
    })
    this.#messageBell.set()
  }

  /** Reads chunks until a message is complete; false if none is. */
  #read(): boolean {
    const ring = this.#inbox
    ring.receiveLock.acquire()
    let isComplete = false
    ring.beginReceive()
    while (!isComplete && ring.hasRecord()) isComplete = this.#append(ring.read(chunkCodec))
    const hasRead = ring.endReceive()
    ring.receiveLock.release()
    if (hasRead) ringBell(ring.words, WORD.roomBell, WORD.sendersAsleep)
    return isComplete
  }

  #append({ bytes, from, to, isLast }: Chunk): boolean {
    const arrived = this.#arrived + to - from
    if (arrived > this.#message.length) {
      const grown = new Uint8Array(2 * arrived)
      grown.set(this.#message.subarray(0, this.#arrived))
      this.#message = grown
    }
    this.#message.set(bytes.subarray(from, to), this.#arrived)
    this.#arrived = arrived
    return isLast
  }

  #writeKept(): void {
    while (this.#kept.length > 0) {
      if (!this.#write(this.#kept[0]!)) return
      this.#kept.shift()
      this.#left = 0
    }
  }

  /** Writes what is left of a message, as far as there is room; true if nothing is left. */
  #write(message: Uint8Array): boolean {
    const ring = this.#outbox
    ring.sendLock.acquire()
    ring.beginSend()
    let hasRoom = true
    do {
      const to = Math.min(message.length, this.#left + chunkBytes)
      const isLast = to === message.length
      hasRoom = ring.write(chunkCodec, { bytes: message, from: this.#left, to, isLast })
      if (hasRoom) this.#left = to
    } while (hasRoom && this.#left < message.length)
    const hasWritten = ring.endSend()
    ring.sendLock.release()
    if (hasWritten) ringBell(ring.words, WORD.valueBell, WORD.receiversAsleep)
    return hasRoom
  }
}
