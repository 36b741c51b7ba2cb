/**
 * Whether two rows have the same content, so that replacing one by the other changes nothing. Compares plain
 * objects and arrays by content, and `Date`, `Map`, `Set` and bytes too; any other object equals only itself.
 *
 * @example
 * isSameRow({ a: [1] }, { a: [1] }) // => true
 */
export function isSameRow(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (isPlain(a)) return isPlain(b) && sameFields(a, b)
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false
  if (Array.isArray(a)) return sameList(a, b as unknown[])
  // oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime())
  if (a instanceof Uint8Array) return sameList(a, b as Uint8Array)
  if (a instanceof Map) return sameList([...a], [...(b as Map<unknown, unknown>)])
  if (a instanceof Set) return sameList([...a], [...(b as Set<unknown>)])
  return false
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function sameList(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (!isSameRow(a[i], b[i])) return false
  return true
}

function sameFields(a: object, b: object): boolean {
  const names = Object.keys(a)
  for (const name of names) {
    if (!Object.hasOwn(b, name)) return false
    if (!isSameRow((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name])) return false
  }
  return names.length === Object.keys(b).length
}
