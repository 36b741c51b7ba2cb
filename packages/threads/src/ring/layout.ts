/**
 * Where things lie in the shared memory of a channel: a header of 32-bit words, then the bytes of the ring.
 *
 * Words that different threads write often stand on cache lines of their own. A processor moves whole lines between
 * its cores, so a sender and a receiver that wrote to one line would wait for each other without sharing a word.
 */

/**
 * The numbers of the header's words.
 *
 * A line has 64 bytes on most processors; 128 bytes, or 32 words, also keep apart the pairs of lines that some fetch
 * together.
 */
export const WORD = {
  /** Says that this memory is a channel, and of which format. */
  format: 0,
  capacity: 1,
  ringBytes: 2,

  /** One of `STATE`. */
  state: 32,
  /** The thread that broke the channel by dying. */
  brokenBy: 33,

  /** Written by the thread that holds the lock of the senders. */
  sendLock: 64,
  sentBytes: 65,
  sentCount: 66,

  /** Written by the thread that holds the lock of the receivers. */
  receiveLock: 96,
  receivedBytes: 97,
  receivedCount: 98,

  /** The bell of receivers that sleep until there is a value, and whether any does. */
  valueBell: 128,
  receiversAsleep: 129,

  /** The bell of senders that sleep until there is room, and whether any does. */
  roomBell: 160,
  sendersAsleep: 161,
} as const

/** The life of a channel. It is left open, closed once, or broken by a thread that died inside an operation. */
export const STATE = { open: 0, closed: 1, brokenBySender: 2, brokenByReceiver: 3 } as const

/** How many bytes come before the ring. */
export const HEADER_BYTES: number = 768

/** The version of this layout. Threads of one process may have loaded different versions of this package. */
export const FORMAT = 0x4d52_0001
