import { isOrdered, partName, type Row } from './rows.ts'
import type { PartSpec } from './scenario.ts'

/** A promise that was broken. */
export interface Problem {
  /** Results are missing, there too often, unknown or not in their order; the job does not reach its end, or a worker has failed. */
  readonly kind: 'lost' | 'double' | 'wrong' | 'order' | 'stuck' | 'failed'
  readonly text: string
}

type Wrong = 'lost' | 'double' | 'wrong' | 'order'

/** Compares what readers of committed records see with what must be there. */
export function compareRows(
  expected: readonly Row[],
  found: readonly (readonly Row[])[],
  parts: readonly PartSpec[],
): readonly Problem[] {
  const left = new Map<string, number>()
  for (const row of expected) left.set(textOf(row), (left.get(textOf(row)) ?? 0) + 1)
  const known = new Set(left.keys())
  const problems: Record<Wrong, string[]> = { lost: [], double: [], wrong: [], order: [] }
  for (const row of found.flat()) {
    const text = textOf(row)
    const count = left.get(text) ?? 0
    if (count > 0) left.set(text, count - 1)
    else problems[known.has(text) ? 'double' : 'wrong'].push(text)
  }
  for (const [text, count] of left) for (let n = 0; n < count; n++) problems.lost.push(text)
  const ordered = new Set(parts.flatMap((spec, index) => (isOrdered(spec) ? [partName(spec, index)] : [])))
  for (const partition of found)
    problems.order.push(...outOfOrder(partition.filter(({ part }) => ordered.has(part))))
  return (Object.keys(problems) as Wrong[]).flatMap((kind) => {
    const [first] = problems[kind]
    if (first === undefined) return []
    return [{ kind, text: `${problems[kind].length} of ${expected.length} results, the first is ${first}` }]
  })
}

/** The running counts of one key are 1, 2, 3 and so on. */
function outOfOrder(rows: readonly Row[]): readonly string[] {
  const last = new Map<string, number>()
  return rows
    .filter((row) => {
      const name = `${row.part} ${row.key}`
      const before = last.get(name) ?? 0
      last.set(name, Number(row.text))
      return Number(row.text) !== before + 1
    })
    .map(textOf)
}

function textOf({ part, key, text }: Row): string {
  return `${part} ${key} ${text}`
}
