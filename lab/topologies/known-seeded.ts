/** What state shows that begins with rows, from the definition. */
import { figureOf, foldOf, joined, type Item } from './item.ts'
import { groupsOf, textOf, type Group, type KnownStream } from './known-stream.ts'
import type { Seeded } from './last-shapes.ts'
import { markOf, seedKey, seedRows } from './seed-rows.ts'
import type { PartOf } from './topology.ts'

/** The results; undefined if the data do not decide them, because a sum depends on the order of a key. */
export function seededOf(
  { by }: PartOf<'states'>,
  { of, rows }: Seeded,
  stream: KnownStream,
): readonly Item[] | undefined {
  const key = seedKey(by)
  const seeds = seedRows(rows)
  const seedsOf = (token: string): readonly Item[] => seeds.filter((row) => textOf(key(row)) === token)
  const groups = groupsOf(stream, by)
  if (of === 'reduce' && !groups.every(({ isOrdered }) => isOrdered)) return undefined
  if (of === 'process') {
    const all = new Map([
      ...seeds.map((row) => [textOf(key(row)), { key: key(row), count: 0 }] as const),
      ...groups.map(({ key: one, token, records }) => [token, { key: one, count: records.length }] as const),
    ])
    return Array.from(all, ([token, one]) => inProcess(one.key, one.count, seedsOf(token))).flat()
  }
  return groups.flatMap((group) => {
    const seed = seedsOf(group.token).at(-1)
    return of === 'scan' ? counted(group, seed) : summed(group, seed)
  })
}

function inProcess(key: Item['key'], count: number, seeds: readonly Item[]): readonly Item[] {
  const total = seeds.length + count
  const marks = new Map(seeds.map((row) => [markOf(figureOf(row)), figureOf(row)]))
  const values = [
    ...Array.from({ length: count }, (_, index) => seeds.length + index + 1),
    ...seeds.map((row) => [figureOf(row), total]),
    [-1, total, foldOf([...marks].flat())],
  ]
  return values.map((value) => ({ key, value }))
}

/** A count that begins with the figure of the last row. */
function counted({ key, records }: Group, seed: Item | undefined): readonly Item[] {
  const first = seed === undefined ? 0 : figureOf(seed)
  return records.map((_, index) => ({ key, value: first + index + 1 }))
}

/** A sum that begins with the last row, or with the first record. */
function summed({ key, records }: Group, seed: Item | undefined): readonly Item[] {
  let total = seed
  return records.map(({ value }) => {
    total = total === undefined ? value : joined('sum', total, value)
    return { key, value: figureOf(total) }
  })
}
