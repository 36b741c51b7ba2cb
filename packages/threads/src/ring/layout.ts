/**
 * The layout of a channel's shared memory: a header of 32-bit words, then the bytes of the ring.
 *
 * Words that different threads write often are on separate cache lines. Cores exchange whole cache lines, so
 * a sender and a receiver that write to one line would slow each other down without sharing a word.
 */

/**
 * The offsets of the header's words.
 *
 * A cache line has 64 bytes on most processors; 128 bytes, or 32 words, also separate the pairs of lines that
 * some processors fetch together.
 */
export const WORD = {
  /** Identifies the memory as a channel, and its format. */
  format: 0,
  capacity: 1,
  ringBytes: 2,

  /** One of `STATE`. */
  state: 32,
  /** The thread whose death broke the channel. */
  brokenBy: 33,

  /** Written by the thread that holds the lock of the senders. */
  sendLock: 64,
  sentBytes: 65,
  sentCount: 66,

  /** Written by the thread that holds the lock of the receivers. */
  receiveLock: 96,
  receivedBytes: 97,
  receivedCount: 98,

  /** The bell of receivers that wait for a value, and whether any sleeps. */
  valueBell: 128,
  receiversAsleep: 129,

  /** The bell of senders that wait for space, and whether any sleeps. */
  roomBell: 160,
  sendersAsleep: 161,
} as const

/** The states of a channel: open, closed, or broken by a thread that died during an operation. */
export const STATE = { open: 0, closed: 1, brokenBySender: 2, brokenByReceiver: 3 } as const

/** How many bytes come before the ring. */
export const HEADER_BYTES: number = 768

/** The version of this layout. Threads of one process may have loaded different versions of this package. */
export const FORMAT = 0x4d52_0001
