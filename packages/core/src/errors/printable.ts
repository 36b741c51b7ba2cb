/**
 * Matches characters that a terminal executes or that reorder or hide text: data could move the cursor, change the
 * title or forge a line. Tabs are harmless, and joiners (U+200C, U+200D) are part of words and emoji.
 */
const active = /(?![\t\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu

/**
 * Returns text that is safe to print on one line: control characters, and characters that reorder or hide text, are
 * escaped as in JavaScript.
 *
 * @example
 * printableLine('a\u001b[2J\n') // => 'a\\u001b[2J\\n'
 */
export function printableLine(text: string): string {
  return text.replace(active, escaped)
}

function escaped(character: string): string {
  if (character === '\n') return String.raw`\n`
  if (character === '\r') return String.raw`\r`
  const code = character.codePointAt(0)!.toString(16)
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
}
