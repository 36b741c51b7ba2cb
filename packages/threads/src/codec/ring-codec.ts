/** Bytes that codecs write to and read from: the ring of a channel, or a separate buffer. */
export interface RingMemory {
  /** The bytes. A Buffer, because its methods for strings are the fastest that Node has. */
  readonly bytes: Buffer
  /** The same bytes, for numbers of any width at any offset. */
  readonly view: DataView
  /**
   * The same bytes as 32-bit words in native byte order. A record in a ring begins at a multiple of four
   * bytes.
   */
  readonly words: Int32Array
}

/**
 * Encodes values to bytes and decodes them in place: it writes into the ring of a channel and reads from it.
 *
 * Both methods run while this thread holds the channel's lock. They must be short, depend on their arguments
 * only, and never use the channel.
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
  /** The name of the format. Both ends of a channel must use the same. */
  readonly id: string
  /**
   * Writes a value at `from` and returns the position after its last byte, or -1 if it does not fit before
   * `to`.
   *
   * Bytes from `to` on belong to other values. After a -1 it is called again, elsewhere or later. If it
   * throws, the send throws the same error and nothing is sent.
   */
  encode(value: T, memory: RingMemory, from: number, to: number): number
  /**
   * Reads the value in the bytes from `from` up to, not including, `to`.
   *
   * The bytes are overwritten after the call: the value must copy what it keeps. If it throws, the receive
   * throws the same error and the value is lost.
   */
  decode(memory: RingMemory, from: number, to: number): T
}

/** Memory that is not shared with other threads. */
export function privateMemory(bytes: number): RingMemory {
  const buffer = new ArrayBuffer(bytes)
  return { bytes: Buffer.from(buffer), view: new DataView(buffer), words: new Int32Array(buffer) }
}
