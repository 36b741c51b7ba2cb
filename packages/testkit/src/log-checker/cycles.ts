/** From what comes first to what comes behind it. */
export type Edge<T> = readonly [before: T, after: T]

/** The sets of things of which each comes before each other: the strongly connected parts with more than one thing (Tarjan). */
export function cyclesIn<T>(edges: readonly Edge<T>[]): readonly (readonly T[])[] {
  const next = new Map<T, T[]>()
  for (const [before, after] of edges) {
    const list = next.get(before)
    if (list === undefined) next.set(before, [after])
    else list.push(after)
  }
  const found: T[][] = []
  const index = new Map<T, number>()
  const lowest = new Map<T, number>()
  const open: T[] = []
  const isOpen = new Set<T>()
  for (const root of next.keys()) {
    if (index.has(root)) continue
    // Without recursion: a history has thousands of operations in a row.
    const path: { readonly thing: T; at: number }[] = []
    const enter = (thing: T): void => {
      index.set(thing, index.size)
      lowest.set(thing, index.get(thing)!)
      open.push(thing)
      isOpen.add(thing)
      path.push({ thing, at: 0 })
    }
    const lower = (thing: T, to: number): void => void lowest.set(thing, Math.min(lowest.get(thing)!, to))
    enter(root)
    while (path.length > 0) {
      const place = path.at(-1)!
      const after = next.get(place.thing)?.[place.at++]
      if (after !== undefined) {
        if (!index.has(after)) enter(after)
        else if (isOpen.has(after)) lower(place.thing, index.get(after)!)
        continue
      }
      path.pop()
      const parent = path.at(-1)
      if (parent !== undefined) lower(parent.thing, lowest.get(place.thing)!)
      if (lowest.get(place.thing) !== index.get(place.thing)) continue
      const part = open.splice(open.indexOf(place.thing))
      for (const thing of part) isOpen.delete(thing)
      if (part.length > 1) found.push(part)
    }
  }
  return found
}
