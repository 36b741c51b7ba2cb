/**
 * Control characters, and those that reorder text: a terminal acts on them, and data may hold them to move the
 * cursor, change the title or show something else than what is there. Tabs are harmless.
 */
const active = /(?!\t)[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu

/** Text that does nothing to a terminal but show itself: one line, with escapes as JSON has them. */
export function printableLine(text: string): string {
  return text.replace(active, escaped)
}

/** The same for text that may have several lines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printableLine).join('\n')
}

function escaped(character: string): string {
  if (character === '\n') return String.raw`\n`
  if (character === '\r') return String.raw`\r`
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
