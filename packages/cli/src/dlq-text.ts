import { describeError } from '@millrace/core'
import type { DeadLetter } from '@millrace/core/operator'
import type { KeptLetter } from '@millrace/flow'
import type { RehearsalResult } from '@millrace/control/letters'
import { printable } from './printable.ts'
import { dateText, whole } from './status-text.ts'

const longestMessage = 100

/** A line for each letter, and their number. */
export function listText(letters: readonly KeptLetter[]): string {
  const rows = letters.map((letter) => {
    const { id, failedAt, operator, code, place } = letter
    return [id, dateText(failedAt), operator, code, `${shortMessage(letter)} (${place})`]
  })
  return `${table(rows)}${lettersCount(letters.length)}\n`
}

/** Everything about a letter, a field a line. */
export function letterText({ id, stack, raw, headers, ...rest }: KeptLetter): string {
  const fields = Object.entries({ id, ...rest, failedAt: `${dateText(rest.failedAt)} UTC` })
  const rows = fields.filter(([, value]) => value !== null).map(([name, value]) => [name, String(value)])
  if (headers !== null) rows.push(['headers', JSON.stringify(headers)])
  if (raw !== null) rows.push(['raw', Buffer.from(raw, 'base64').toString()])
  return `${table(rows)}${stack
    .split('\n')
    .map((each) => `  ${printable(each)}\n`)
    .join('')}`
}

/** Letters with the same operator, code and message count as one; numbers in messages may differ. */
export function groupsText(letters: readonly KeptLetter[]): string {
  const groups = new Map<string, { readonly first: KeptLetter; count: number }>()
  for (const letter of letters) {
    const name = JSON.stringify([letter.operator, letter.code, letter.message.replaceAll(/\d+/g, '#')])
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { first: letter, count: 1 })
    else group.count++
  }
  const rows = [...groups.values()]
    .toSorted((a, b) => b.count - a.count)
    .map(({ first, count }) => [
      whole(count),
      first.operator,
      first.code,
      `${shortMessage(first)} (${first.id})`,
    ])
  return `${table(rows)}${lettersCount(letters.length)}\n`
}

/** The outcome of a rehearsal. */
export function rehearsalText(count: number, { written, failed, error }: RehearsalResult): string {
  const sinks = [...written].map(([sink, records]) => `${recordsCount(records)} to '${sink}'`)
  const lines = [
    `rehearsed ${lettersCount(count)} on a copy, and changed nothing: ${sinks.join(', ') || 'no records to any sink'}, ${failed.length === 0 ? 'none' : whole(failed.length)} failed again`,
    ...failed.map(
      (letter) => `  ${letter.operator}: ${shortMessage(letter)} (${letter.position ?? letter.place})`,
    ),
    ...(error === undefined ? [] : [`the job failed: ${describeError(error)}`]),
  ]
  return lines.map((line) => `${printable(line)}\n`).join('')
}

export function lettersCount(count: number): string {
  return `${whole(count)} ${count === 1 ? 'letter' : 'letters'}`
}

function recordsCount(count: number): string {
  return `${whole(count)} ${count === 1 ? 'record' : 'records'}`
}

function shortMessage({ code, message }: DeadLetter): string {
  const text = message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message
  return text.length > longestMessage ? `${text.slice(0, longestMessage)}…` : text
}

/** Rows with aligned columns; the last column has any width. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]!.length))) ?? []
  return rows
    .map((row) => row.map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at]!))).join('  '))
    .map((line) => `${printable(line)}\n`)
    .join('')
}
