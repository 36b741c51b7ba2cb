import type { JobOptions } from '@millrace/core/job'
import type { LetterDetail, LetterGroups, LetterPage, LetterRow } from '../contract/happenings.ts'
import { obstacle, type LoggedLetter } from './letters.ts'

/** Values are cut to this length in lists. */
const listedChars = 1_000

/** A page of letters, from number `from` on. */
export function letterPage(
  options: JobOptions,
  letters: readonly LoggedLetter[],
  from: number,
  limit: number,
): LetterPage {
  const page = letters.slice(from, from + limit)
  const next = from + page.length
  return {
    letters: page.map((each) => rowOf(options, each, listedChars)),
    total: letters.length,
    next: next < letters.length ? String(next) : null,
  }
}

/** All of one letter. */
export function letterDetail(options: JobOptions, logged: LoggedLetter): LetterDetail {
  const { stack, raw, headers } = logged.letter
  return { ...rowOf(options, logged, Number.POSITIVE_INFINITY), stack, raw, headers }
}

function rowOf(options: JobOptions, { log, letter }: LoggedLetter, chars: number): LetterRow {
  const { id, operator, code, message, place, source, split, position, key } = letter
  const { attempts, redrives, value, time, failedAt } = letter
  const cut = value !== null && value.length > chars ? `${value.slice(0, chars)}…` : value
  return {
    id,
    log,
    operator,
    code,
    message,
    place,
    source,
    split,
    position,
    key,
    attempts,
    redrives,
    value: cut,
    time,
    failedAt,
    obstacle: obstacle(options, letter, true) ?? null,
  }
}

/** Letters with the same operator, code and message together, the most frequent first. */
export function letterGroups(letters: readonly LoggedLetter[]): LetterGroups {
  const groups = new Map<
    string,
    { -readonly [Field in keyof LetterGroups['groups'][number]]: LetterGroups['groups'][number][Field] }
  >()
  for (const { letter } of letters) {
    const { operator, code, message, failedAt } = letter
    const name = JSON.stringify([operator, code, message])
    const group = groups.get(name)
    if (group === undefined) {
      groups.set(name, { operator, code, message, count: 1, first: failedAt, last: failedAt })
      continue
    }
    group.count++
    group.first = Math.min(group.first, failedAt)
    group.last = Math.max(group.last, failedAt)
  }
  return { groups: [...groups.values()].toSorted((a, b) => b.count - a.count) }
}
