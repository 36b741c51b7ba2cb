/**
 * Text that is not well-formed: UTF-8 in which a lone surrogate is the three bytes its code would have, known
 * as WTF-8. Well-formed text never comes here, and its bytes never look like these.
 */

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Whether `text` contains an unpaired surrogate, which UTF-8 cannot represent. */
export function hasLoneSurrogate(text: string): boolean {
  // With the flag u a whole pair is one code point, which the class does not match.
  return /[\uD800-\uDFFF]/u.test(text)
}

/** Writes `text` to `into` and returns the number of bytes: at most three per unit. */
export function encodeWtf8(text: string, into: Uint8Array): number {
  let written = 0
  for (const piece of text.split(/([\uD800-\uDFFF])/u)) {
    if (piece.length === 1 && hasLoneSurrogate(piece)) {
      const code = piece.charCodeAt(0)
      into[written++] = 0xe0 | (code >> 12)
      into[written++] = 0x80 | ((code >> 6) & 0x3f)
      into[written++] = 0x80 | (code & 0x3f)
    } else {
      written += utf8Encoder.encodeInto(piece, into.subarray(written)).written
    }
  }
  return written
}

/** Reads the output of `encodeWtf8`. Throws a `TypeError` for any other bytes. */
export function decodeWtf8(bytes: Uint8Array): string {
  let text = ''
  let start = 0
  for (let i = 0; i + 2 < bytes.length; i++) {
    if (bytes[i] !== 0xed || bytes[i + 1]! < 0xa0 || bytes[i + 2]! >> 6 !== 2) continue
    text += utf8Decoder.decode(bytes.subarray(start, i))
    text += String.fromCharCode(0xd000 | ((bytes[i + 1]! & 0x3f) << 6) | (bytes[i + 2]! & 0x3f))
    start = i + 3
    i = start - 1
  }
  return text + utf8Decoder.decode(bytes.subarray(start))
}
