import type { KeyToken } from './key-token.ts'

/** So many of a text's last characters count, and at most so many of the others. */
const sampledCharacters = 32

const multiplier = 0x01000193
const double = new Float64Array(1)
const words = new Uint32Array(double.buffer)

/**
 * A hash of 32 bits for tables in memory: the same for tokens that a `Map` takes for equal. Not the hash of key groups, of
 * which a subtask has only some.
 */
export function tokenHash(token: KeyToken): number {
  if (typeof token === 'string') return mixed(textHash(token))
  if (typeof token === 'number') {
    const whole = token | 0
    if (whole === token) return mixed(whole)
    double[0] = token
    return mixed(words[0]! ^ Math.imul(words[1]!, multiplier))
  }
  if (typeof token === 'bigint') return mixed(Number(BigInt.asUintN(32, token)))
  return mixed(token === null ? 0 : token ? 1 : 2)
}

function textHash(text: string): number {
  const { length } = text
  const tail = Math.max(0, length - sampledCharacters)
  let hash = length
  for (let i = tail; i < length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier)
  if (tail === 0) return hash
  const step = Math.ceil(tail / sampledCharacters)
  for (let i = 0; i < tail; i += step) hash = Math.imul(hash ^ text.charCodeAt(i), multiplier)
  return hash
}

/** Lets every bit depend on every other. (The last step of MurmurHash3.) */
function mixed(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35)
  return bits ^ (bits >>> 16)
}
