import { jsonTokens } from './json-scan.ts'

/** A number in JSON text that `JSON.parse` changes without a word. */
export interface LostNumber {
  /** The number as written in the text. */
  readonly text: string
  readonly path: readonly (string | number)[]
  /** Whether it is beyond the largest number, so that `JSON.parse` makes it infinite. */
  readonly isTooLarge: boolean
}

/**
 * Finds the first number in `text` that a JavaScript number cannot represent: an integer that is rounded,
 * such as `9007199254740993`, so that two different keys become one, or any number that becomes infinite,
 * such as `1e999`. Undefined if there is none. Fractions are rounded as usual and are accepted.
 *
 * `value` is the result of `JSON.parse` for `text`. Cheap for text without long runs of digits: it checks one
 * character in 16, and each number in the value.
 */
export function lostNumber(text: string, value: unknown): LostNumber | undefined {
  return hasLongNumber(text) || !isFiniteThroughout(value) ? firstLost(text) : undefined
}

/** The interval of the checks: any run of 16 digits covers one of them. */
const digitsLooked = 16

function hasLongNumber(text: string): boolean {
  for (let i = digitsLooked - 1; i < text.length; i += digitsLooked) {
    if (isDigit(text.charCodeAt(i)) && runAround(text, i) >= digitsLooked) return true
  }
  return false
}

/** The length of the run of digits around a digit. */
function runAround(text: string, at: number): number {
  let start = at
  let end = at + 1
  while (start > 0 && isDigit(text.charCodeAt(start - 1))) start--
  while (end < text.length && isDigit(text.charCodeAt(end))) end++
  return end - start
}

function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39
}

/** Cheaper than a search for exponents in the text. */
function isFiniteThroughout(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value !== 'object' || value === null || hasFiniteParts(value)
}

function hasFiniteParts(value: object): boolean {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!isFiniteThroughout(value[i])) return false
    return true
  }
  for (const name in value) {
    const field: unknown = value[name as keyof typeof value]
    if (typeof field === 'number') {
      if (!Number.isFinite(field)) return false
    } else if (typeof field === 'object' && field !== null && !hasFiniteParts(field)) return false
  }
  return true
}

/** `text` must be valid JSON. */
function firstLost(text: string): LostNumber | undefined {
  // The last step is the index in an array, or the name in an object once it is known.
  const path: (string | number)[] = []
  let isName = false
  for (const { text: token } of jsonTokens(text)) {
    if (token === '[') path.push(0)
    else if (token === '{') path.push('')
    else if (token === ']' || token === '}') path.pop()
    else if (token === ',' && typeof path.at(-1) === 'number') (path[path.length - 1] as number)++
    else if (token.startsWith('"')) {
      if (isName) path[path.length - 1] = JSON.parse(token) as string
    } else if (isLost(token)) return { text: token, path, isTooLarge: !Number.isFinite(Number(token)) }
    isName = token === '{' || (token === ',' && typeof path.at(-1) === 'string')
  }
  return undefined
}

function isLost(token: string): boolean {
  const value = Number(token)
  if (Number.isNaN(value)) return false
  if (!Number.isFinite(value)) return true
  if (/[.eE]/.test(token) || Number.isSafeInteger(value)) return false
  // A large number written by a JavaScript program has its round-trip digits, and then zeros.
  return String(value) !== token && BigInt(token) !== BigInt(value)
}
