import { keyToken } from './key-token.ts'
import type { Key } from './key.ts'

/**
 * Compares keys: negative, zero for equal keys, or positive.
 *
 * Null, then booleans, numbers and bigints by value, text by code units, bytes, arrays element by element, and
 * objects in any fixed order. `NaN` comes behind all numbers; a number comes before an equal bigint.
 */
export function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number' && typeof b === 'number') return compareNumbers(a, b)
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0
  const [rank, other] = [rankOf(a), rankOf(b)]
  if (rank !== other) return rank - other
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b, compareKeys)
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareArrays(a, b, (x, y) => x - y)
  if (rank === 2) return compareMixed(a as number | bigint, b as number | bigint)
  if (typeof a === 'boolean') return Number(a) - Number(b)
  if (a === null) return 0
  const [text, otherText] = [String(keyToken(a)), String(keyToken(b))]
  return text < otherText ? -1 : text > otherText ? 1 : 0
}

function rankOf(key: Key): number {
  if (key === null) return 0
  if (typeof key === 'boolean') return 1
  if (typeof key === 'number' || typeof key === 'bigint') return 2
  if (typeof key === 'string') return 3
  if (key instanceof Uint8Array) return 4
  return Array.isArray(key) ? 5 : 6
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1
  if (a > b) return 1
  return a === b ? 0 : Number(Number.isNaN(a)) - Number(Number.isNaN(b))
}

function compareMixed(a: number | bigint, b: number | bigint): number {
  if (typeof a === 'number' && Number.isNaN(a)) return 1
  if (typeof b === 'number' && Number.isNaN(b)) return -1
  if (a < b) return -1
  if (a > b) return 1
  return typeof a === typeof b ? 0 : typeof a === 'number' ? -1 : 1
}

function compareArrays<T>(a: ArrayLike<T>, b: ArrayLike<T>, compare: (a: T, b: T) => number): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const order = compare(a[i]!, b[i]!)
    if (order !== 0) return order
  }
  return a.length - b.length
}
