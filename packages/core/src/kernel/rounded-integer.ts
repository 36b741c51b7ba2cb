/** Where in a long number to look: any run of 16 digits covers one of every 16 places. */
const digitsLooked = 16

/**
 * The first integer in JSON text that a JavaScript number cannot hold, such as `9007199254740993`; undefined if
 * there is none. `JSON.parse` rounds such integers without a word, and two different keys become one.
 *
 * Costs next to nothing for text without long runs of digits: one character in 16 is looked at. The text must be
 * valid JSON.
 */
export function roundedInteger(text: string): string | undefined {
  for (let i = digitsLooked - 1; i < text.length; i += digitsLooked) {
    if (isDigit(text.charCodeAt(i)) && runAround(text, i) >= digitsLooked) return firstRounded(text)
  }
  return undefined
}

/** How many digits in a row there are around a digit. */
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

function firstRounded(text: string): string | undefined {
  // Strings are matched so that digits in them are passed over.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/gs)) {
    if (token.startsWith('"') || /[.eE]/.test(token)) continue
    const value = Number(token)
    // A large number that a JavaScript program has written has the digits that lead back to it, and zeros.
    if (Number.isSafeInteger(value) || String(value) === token) continue
    if (!Number.isFinite(value) || BigInt(token) !== BigInt(value)) return token
  }
  return undefined
}
