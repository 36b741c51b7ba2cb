/** Ids of entries, "1700000000000-0": milliseconds and a number. */

/** Before every entry. */
export const firstId = '0-0'

const pattern = /^\d+-\d+$/

export function isId(text: unknown): text is string {
  return typeof text === 'string' && pattern.test(text)
}

/** Below 0 if `a` is older than `b`, 0 if they are the same. Both parts may exceed what a number holds exactly. */
export function compareIds(a: string, b: string): number {
  const [aMs, aNumber] = parts(a)
  const [bMs, bNumber] = parts(b)
  if (aMs !== bMs) return aMs < bMs ? -1 : 1
  return aNumber === bNumber ? 0 : aNumber < bNumber ? -1 : 1
}

function parts(id: string): readonly [bigint, bigint] {
  const at = id.indexOf('-')
  return [BigInt(id.slice(0, at)), BigInt(id.slice(at + 1))]
}
