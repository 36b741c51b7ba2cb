/**
 * Makes text safe to print: control characters, and characters that reorder or hide text, are escaped, so
 * data cannot move the cursor, change colours or forge a line. Continuation lines are indented, which no log
 * line is.
 *
 * @example
 * printable('a\u001b[2Jb\nc') // => 'a\\u001b[2Jb\n    c'
 */
export function printable(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.replaceAll('\t', '  ').replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, escaped))
    .join('\n    ')
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!.toString(16)
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, '0')}`
}
