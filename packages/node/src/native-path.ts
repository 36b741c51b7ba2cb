/**
 * File names as text, including names that are not UTF-8.
 *
 * A byte that is not part of valid UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF, as in Python's
 * `surrogateescape`. So every listed name can be opened, and distinct names have distinct texts.
 */
import { isUtf8 } from 'node:buffer'

/** Converts a name from the system to text. */
export function textOfName(name: Buffer): string {
  if (isUtf8(name)) return name.toString()
  let text = ''
  for (let at = 0; at < name.length;) {
    const byte = name[at]!
    const length = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    const character = name.subarray(at, at + length)
    if (character.length === length && isUtf8(character)) {
      text += character.toString()
      at += length
    } else {
      text += String.fromCharCode(0xdc00 + byte)
      at++
    }
  }
  return text
}

/** Converts a path to the form that the system expects. */
export function nativePath(path: string): string | Buffer {
  if (!/[\uDC80-\uDCFF]/u.test(path)) return path
  const parts = path.split(/([\uDC80-\uDCFF])/u)
  return Buffer.concat(
    parts.map((part, index) => (index % 2 === 0 ? Buffer.from(part) : Buffer.of(part.charCodeAt(0) & 0xff))),
  )
}
