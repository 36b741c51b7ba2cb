import { printableLine } from '@millrace/core'

/**
 * Makes text safe to print in a log: every line as `printableLine`, with tabs as two spaces. Continuation lines are
 * indented, which no log line is, so data cannot forge one.
 *
 * @example
 * printable('a\u001b[2Jb\nc') // => 'a\\u001b[2Jb\n    c'
 */
export function printable(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => printableLine(line.replaceAll('\t', '  ')))
    .join('\n    ')
}
