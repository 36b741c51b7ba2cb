import { MAX_TIME } from '../record/time.ts'
import type { GroupPosition } from '../task/source-alignment.ts'

/** The lowest position of each group of sources among all workers but one. */
export function lowestOfOthers(
  positions: ReadonlyMap<number, readonly GroupPosition[]>,
  worker: number,
): readonly GroupPosition[] {
  const lowest = new Map<number, number>()
  for (const [index, groups] of positions) {
    if (index === worker) continue
    for (const each of groups)
      lowest.set(each.group, Math.min(lowest.get(each.group) ?? MAX_TIME, each.lowest))
  }
  return [...lowest].map(([group, time]) => ({ group, lowest: time }))
}
