import type { KeyToken } from '@millrace/core/store'

/**
 * A hash of 53 bits, as an integer. Equal tokens have equal hashes in every process, because sketches are stored
 * in checkpoints and merged: it never changes.
 *
 * Two multiplicative lanes over the UTF-16 code units, each finished as in MurmurHash3 (Austin Appleby, 2008).
 */
export function hash53(token: KeyToken): number {
  // Tokens of different types differ: 1, '1' and 1n are three values.
  const kind = typeof token
  const text = typeof token === 'string' ? token : String(token)
  let high = Math.imul(kind.length ^ kind.charCodeAt(0), 0x9e37_79b1)
  let low = Math.imul(kind.charCodeAt(1) ^ text.length, 0x85eb_ca77)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    high = Math.imul(high ^ unit, 0x85eb_ca77)
    high = (high << 13) | (high >>> 19)
    low = Math.imul(low ^ unit, 0xc2b2_ae3d)
    low = (low << 15) | (low >>> 17)
  }
  const first = finish(high ^ Math.imul(low, 0x27d4_eb2f))
  const second = finish(low ^ Math.imul(high, 0x1656_67b1))
  return first * 2 ** 21 + (second >>> 11)
}

function finish(hash: number): number {
  let mixed = hash
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
