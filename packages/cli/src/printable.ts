/**
 * Text that may hold anything, made safe to print: control characters and those that reorder or hide text are
 * written as escapes, so that data cannot move the cursor, change colours or forge a line of its own. Further
 * lines of the text are indented, which no line of the log is.
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
