import type { Query, Row } from './queries/query.ts'

/** Between the columns. No text of the events contains it. */
const separator = '|'

/** Returns a row as one line: its columns in the order of the query. */
export function lineOf({ columns }: Query): (row: Row) => string {
  return (row) => columns.map((column) => String(row[column])).join(separator)
}

/**
 * Returns what is left of a query's lines when all are known. A later row replaces an earlier one with the same key; of
 * windows of the clock only totals are left; all other rows stay.
 */
export async function finalLines(
  { columns, key, totals }: Query,
  lines: AsyncIterable<string> | Iterable<string>,
): Promise<readonly string[]> {
  const numbers = (names: readonly string[]): readonly number[] => names.map((name) => columns.indexOf(name))
  const pick = (cells: readonly string[], of: readonly number[]): string =>
    of.map((i) => cells[i]).join(separator)
  const all: string[] = []
  const newest = new Map<string, string>()
  const sums = new Map<string, number>()
  const keyColumns = numbers(key ?? [])
  const [groupColumn = 0, sumColumn = 0] = numbers(totals ?? [])
  for await (const line of lines) {
    const cells = line.split(separator)
    const group = cells[groupColumn]!
    if (totals !== undefined) sums.set(group, (sums.get(group) ?? 0) + Number(cells[sumColumn]))
    else if (key !== undefined) newest.set(pick(cells, keyColumns), line)
    else all.push(line)
  }
  const totalLines = Array.from(sums, ([group, sum]) => `${group}${separator}${sum}`)
  return [...all, ...newest.values(), ...totalLines]
}

/** Whether the final rows differ from the rows that the job writes. */
export function isFolded({ key, totals }: Query): boolean {
  return key !== undefined || totals !== undefined
}
