/**
 * Converts UTF-16 to UTF-8 for pages, so that every format finds line ends, quotes and separators in bytes,
 * and so that the original bytes can be reconstructed exactly.
 *
 * Each unpaired surrogate becomes three bytes, as if it were a character, and an odd byte at the end of a
 * file becomes 0xff and two bytes with its halves. Both are invalid in UTF-8, so a record that contains one
 * fails, and only that record.
 */
import { headroomBytes, type Chunk, type Piece } from './chunk.ts'
import { unseen } from './position.ts'

const none: Uint8Array = new Uint8Array(0)

/** Converts the bytes of a UTF-16 file to chunks of UTF-8, whose `offset` still counts bytes of the file. */
export async function* fromUtf16(
  pieces: AsyncIterable<Piece>,
  encoding: 'utf16le' | 'utf16be',
): AsyncGenerator<Piece> {
  // The bytes of an incomplete character, and their offset.
  let rest = none
  let offset = 0
  // The bytes before the first chunk, by which a resumed reader recognizes the file.
  let before: Uint8Array | undefined
  let seen = unseen
  for await (const piece of pieces) {
    if (typeof piece === 'string') {
      yield piece
      continue
    }
    const { buffer, begin, start, end, startsOver } = piece
    if (startsOver) {
      if (rest.length > 0) yield chunkOf(none, rest, offset, encoding, { seen, startsOver: false })
      rest = before = none
    }
    seen = piece.seen
    before ??= Uint8Array.from(buffer.subarray(begin, start))
    const fresh = Buffer.concat([rest, buffer.subarray(start, end)])
    offset = piece.offset - rest.length
    const whole = wholeLength(fresh, offset, encoding)
    rest = Uint8Array.from(fresh.subarray(whole))
    if (whole === 0 && !startsOver) continue
    yield chunkOf(before, fresh.subarray(0, whole), offset, encoding, piece)
    before = none
    offset += whole
  }
  if (rest.length > 0) yield chunkOf(before ?? none, rest, offset, encoding, { seen, startsOver: false })
}

/**
 * How many bytes of the file some bytes of a page correspond to. Both indices are at the beginning of a
 * character.
 */
export function utf16Length(bytes: Uint8Array, start: number, end: number): number {
  let length = 0
  for (let at = start; at < end;) {
    const byte = bytes[at]!
    at += pageLength(byte)
    length += byte === 0xff ? 1 : byte >= 0xf0 ? 4 : 2
  }
  return length
}

/**
 * The bytes of the file that some bytes of a page correspond to, without those before the first complete
 * character.
 */
export function toUtf16(bytes: Uint8Array, encoding: 'utf16le' | 'utf16be'): Buffer {
  let at = 0
  while (at < bytes.length && (bytes[at]! & 0xc0) === 0x80) at++
  const units = Buffer.alloc((bytes.length - at) * 2)
  let length = 0
  const add = (unit: number): void => {
    if (encoding === 'utf16le') units.writeUInt16LE(unit, length)
    else units.writeUInt16BE(unit, length)
    length += 2
  }
  while (at < bytes.length) {
    const [a, b, c, d] = bytes.subarray(at, at + 4) as unknown as [number, number, number, number]
    at += pageLength(a)
    if (a === 0xff) units[length++] = ((b & 0x0f) << 4) | (c & 0x0f)
    else if (a < 0x80) add(a)
    else if (a < 0xe0) add(((a & 0x1f) << 6) | (b & 0x3f))
    else if (a < 0xf0) add(((a & 0x0f) << 12) | ((b & 0x3f) << 6) | (c & 0x3f))
    else {
      const point = ((a & 0x07) << 18) | ((b & 0x3f) << 12) | ((c & 0x3f) << 6) | (d & 0x3f)
      add(0xd800 + ((point - 0x10000) >> 10))
      add(0xdc00 + ((point - 0x10000) & 0x3ff))
    }
  }
  return units.subarray(0, length)
}

function pageLength(byte: number): number {
  if (byte < 0x80) return 1
  return byte < 0xe0 ? 2 : byte < 0xf0 || byte === 0xff ? 3 : 4
}

/**
 * How many of the bytes form complete characters. An odd offset follows an odd byte that was taken for the
 * end.
 */
function wholeLength(bytes: Buffer, offset: number, encoding: 'utf16le' | 'utf16be'): number {
  const odd = Math.min(offset % 2, bytes.length)
  const even = bytes.length - ((bytes.length - odd) % 2)
  if (even - odd < 2) return even
  const last = encoding === 'utf16le' ? bytes.readUInt16LE(even - 2) : bytes.readUInt16BE(even - 2)
  return isHigh(last) ? even - 2 : even
}

function chunkOf(
  before: Uint8Array,
  fresh: Uint8Array,
  offset: number,
  encoding: 'utf16le' | 'utf16be',
  { seen, startsOver }: Pick<Chunk, 'seen' | 'startsOver'>,
): Chunk {
  const head = toPage(before, offset - before.length, encoding)
  const rest = toPage(fresh, offset, encoding)
  const buffer = Buffer.allocUnsafeSlow(headroomBytes + rest.length)
  const begin = headroomBytes - head.length
  buffer.set(head, begin)
  buffer.set(rest, headroomBytes)
  return { buffer, begin, start: headroomBytes, end: buffer.length, offset, seen, startsOver }
}

/** Converts bytes of the file to bytes of a page. */
function toPage(bytes: Uint8Array, offset: number, encoding: 'utf16le' | 'utf16be'): Buffer {
  const odd = Math.min(offset % 2, bytes.length)
  const even = bytes.length - ((bytes.length - odd) % 2)
  const units = Buffer.from(bytes.subarray(odd, even))
  if (encoding === 'utf16be') units.swap16()
  const text = units.toString('utf16le')
  const parts = [oddByte(bytes.subarray(0, odd)), inPage(text), oddByte(bytes.subarray(even))]
  return Buffer.concat(parts)
}

function oddByte(bytes: Uint8Array): Uint8Array {
  const [byte] = bytes
  return byte === undefined ? bytes : Uint8Array.of(0xff, 0x80 | (byte >> 4), 0x80 | (byte & 0x0f))
}

function inPage(text: string): Buffer {
  if (!/\p{Surrogate}/u.test(text)) return Buffer.from(text)
  const parts = text.split(/(\p{Surrogate})/u)
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : surrogate(part.charCodeAt(0)))),
  )
}

function surrogate(unit: number): Buffer {
  return Buffer.of(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f))
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}
