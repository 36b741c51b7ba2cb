import { ByteWriter } from '@millrace/core'
import { writeToken, type KeyToken } from '@millrace/core/store'

const multiplier = 0x5bd1_e995

/**
 * A hash of 32 bits of some bytes, after `seed`: MurmurHash2 by Austin Appleby, except that the length is spread over all bits.
 * Where it is not, some short texts collide under every seed.
 */
export function bytesHash(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = (seed + Math.imul(end - start, 0x9e37_79b1)) | 0
  let at = start
  for (; at + 4 <= end; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    let mixed = Math.imul(word, multiplier)
    mixed ^= mixed >>> 24
    hash = Math.imul(hash, multiplier) ^ Math.imul(mixed, multiplier)
  }
  let rest = 0
  for (let i = end - 1; i >= at; i--) rest = (rest << 8) | bytes[i]!
  if (at < end) hash = Math.imul(hash ^ rest, multiplier)
  hash ^= hash >>> 13
  hash = Math.imul(hash, multiplier)
  return (hash ^ (hash >>> 15)) >>> 0
}

/** The first seed: that of an outer token. The hash of the outer token is the seed of the inner one. */
export const outerSeed = 0x9747_b28c

/** Two tokens as the bytes of records have them, and their hashes. */
export class TokenBytes {
  readonly #outer = new ByteWriter(64)
  readonly #inner = new ByteWriter(64)
  #token: KeyToken | undefined = undefined
  outerHash = 0
  hash = 0

  /** Takes an outer token. */
  enter(outer: KeyToken): number {
    if (this.#token === outer) return this.outerHash
    this.#token = outer
    this.#outer.reset()
    writeToken(outer, this.#outer)
    this.outerHash = bytesHash(this.#outer.bytes, 0, this.#outer.length, outerSeed)
    return this.outerHash
  }

  /** Takes both tokens. */
  set(outer: KeyToken, inner: KeyToken): number {
    this.enter(outer)
    this.#inner.reset()
    writeToken(inner, this.#inner)
    this.hash = bytesHash(this.#inner.bytes, 0, this.#inner.length, this.outerHash)
    return this.hash
  }

  /** Whether these bytes are the outer token. */
  isOuter(bytes: Uint8Array, start: number, end: number): boolean {
    return isSame(this.#outer, bytes, start, end)
  }

  /** Whether these bytes are the inner token. */
  isInner(bytes: Uint8Array, start: number, end: number): boolean {
    return isSame(this.#inner, bytes, start, end)
  }
}

/** Compares tokens like a `Map`. */
export function sameToken(a: KeyToken, b: KeyToken): boolean {
  return a === b || (Number.isNaN(a) && Number.isNaN(b))
}

function isSame(own: ByteWriter, bytes: Uint8Array, start: number, end: number): boolean {
  if (own.length !== end - start) return false
  for (let i = 0; i < own.length; i++) if (own.bytes[i] !== bytes[start + i]) return false
  return true
}
