/**
 * Matches control characters and characters that reorder text: terminals execute them, so data could move the
 * cursor, change the title or hide text. Tabs are harmless.
 */
const active = /(?!\t)[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

/** Escapes control characters as JSON does, and returns a single line. */
export function printableLine(text: string): string {
  return text.replace(active, escaped)
}

/** The same for text of several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printableLine).join('\n')
}

function escaped(character: string): string {
  if (character === '\n') return String.raw`\n`
  if (character === '\r') return String.raw`\r`
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
