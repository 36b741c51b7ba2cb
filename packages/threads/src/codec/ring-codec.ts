/** Bytes that codecs write to and read from: the ring of a channel, or room beside it. */
export interface RingMemory {
  /** The bytes. A Buffer, because its methods for strings are the fastest that Node has. */
  readonly bytes: Buffer
  /** The same bytes, for numbers of any width at any place. */
  readonly view: DataView
  /** The same bytes by fours, in the order of this machine. A record in a ring begins at a multiple of four bytes. */
  readonly words: Int32Array
}

/**
 * Turns values into bytes and back, in place: it writes into the ring of a channel and reads out of it.
 *
 * Both methods run while this thread holds the channel's lock. They are short, depend on their arguments only, and
 * never use the channel.
 *
 * @example
 * const point: RingCodec<{ x: number; y: number }> = {
 *   id: 'point',
 *   encode({ x, y }, { view }, from, to) {
 *     if (to - from < 16) return -1
 *     view.setFloat64(from, x)
 *     view.setFloat64(from + 8, y)
 *     return from + 16
 *   },
 *   decode: ({ view }, from) => ({ x: view.getFloat64(from), y: view.getFloat64(from + 8) }),
 * }
 */
export interface RingCodec<T> {
  /** Names the format. Both ends of a channel must name the same. */
  readonly id: string
  /**
   * Writes a value at `from` and returns the place after its last byte, or returns -1 when it does not end by `to`.
   *
   * Bytes at `to` and behind are other values. It is called again, elsewhere or later, after a -1. What it throws is
   * what the send throws, and nothing is sent.
   */
  encode(value: T, memory: RingMemory, from: number, to: number): number
  /**
   * Reads the value whose bytes are those from `from` up to, not including, `to`.
   *
   * The bytes are overwritten after the call: what the value keeps of them must be a copy. What it throws is what the
   * receive throws, and the value is gone.
   */
  decode(memory: RingMemory, from: number, to: number): T
}

/** Memory of this thread alone. */
export function privateMemory(bytes: number): RingMemory {
  const buffer = new ArrayBuffer(bytes)
  return { bytes: Buffer.from(buffer), view: new DataView(buffer), words: new Int32Array(buffer) }
}
