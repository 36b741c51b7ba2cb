import type { RingMemory } from './ring-codec.ts'

/** Below this, a loop in JavaScript is faster than a call into Node; measured. */
const SHORT = 24

/**
 * Writes text as UTF-8 at `from` and returns the position after it, or -1 if it does not fit before `to`.
 *
 * Unpaired surrogates become U+FFFD, as always in UTF-8.
 */
export function writeText(text: string, { bytes }: RingMemory, from: number, to: number): number {
  const { length } = text
  if (to - from < length) return -1
  if (length <= SHORT) {
    let at = 0
    for (; at < length; at++) {
      const code = text.charCodeAt(at)
      if (code > 127) break
      bytes[from + at] = code
    }
    if (at === length) return from + length
  }
  // A UTF-16 unit takes three bytes at most, so only long text needs to be measured first.
  if (to - from < 3 * length && to - from < Buffer.byteLength(text)) return -1
  return from + bytes.write(text, from, to - from, 'utf8')
}

/** Reads the UTF-8 from `from` up to, not including, `to`. */
export function readText({ bytes }: RingMemory, from: number, to: number): string {
  if (to - from <= SHORT) {
    let text = ''
    for (let at = from; at < to; at++) {
      const code = bytes[at]!
      if (code > 127) return bytes.toString('utf8', from, to)
      text += String.fromCharCode(code)
    }
    return text
  }
  return bytes.toString('utf8', from, to)
}
