interface Head<V> {
  readonly rest: Iterator<V>
  value: V
  order: number
}

/** The values of several collections, each in order, as one in order. */
export function* mergedInOrder<V>(
  collections: readonly { values(): Iterator<V> }[],
  orderOf: (value: V) => number,
): Generator<V> {
  const heads: Head<V>[] = []
  for (const collection of collections) {
    const rest = collection.values()
    const first = rest.next()
    if (first.done !== true) heads.push({ rest, value: first.value, order: orderOf(first.value) })
  }
  // A list in order is a heap.
  heads.sort((a, b) => a.order - b.order)
  while (heads.length > 0) {
    const first = heads[0]!
    yield first.value
    const next = first.rest.next()
    if (next.done === true) {
      const last = heads.pop()!
      if (heads.length > 0) sink(heads, last)
    } else {
      first.value = next.value
      first.order = orderOf(next.value)
      sink(heads, first)
    }
  }
}

/** Puts `head` at the top of a heap, or as far below as its order demands. */
function sink<V>(heads: Head<V>[], head: Head<V>): void {
  const { length } = heads
  let at = 0
  for (;;) {
    let below = 2 * at + 1
    if (below >= length) break
    if (below + 1 < length && heads[below + 1]!.order < heads[below]!.order) below++
    const child = heads[below]!
    if (child.order >= head.order) break
    heads[at] = child
    at = below
  }
  heads[at] = head
}
