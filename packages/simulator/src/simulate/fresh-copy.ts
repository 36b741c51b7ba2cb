/**
 * Copies a record, as a source that reads it again would: changes that a pipeline made to the first object do not show.
 *
 * Plain objects, arrays, maps and sets are copied, at every depth. Other objects are returned as they are, because only
 * their class knows how to copy them.
 */
export function freshCopy(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? copyOf(value, new Map()) : value
}

function copyOf(value: unknown, copies: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  const inner = (each: unknown): unknown => copyOf(each, copies)
  // A copy is known before its parts are made, because a part may lead back to the whole.
  if (Array.isArray(value)) {
    const copy: unknown[] = []
    copies.set(value, copy)
    for (const each of value) copy.push(inner(each))
    return copy
  }
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === Map.prototype) {
    const copy = new Map<unknown, unknown>()
    copies.set(value, copy)
    for (const [key, of] of value as Map<unknown, unknown>) copy.set(inner(key), inner(of))
    return copy
  }
  if (prototype === Set.prototype) {
    const copy = new Set<unknown>()
    copies.set(value, copy)
    for (const each of value as Set<unknown>) copy.add(inner(each))
    return copy
  }
  if (prototype !== Object.prototype && prototype !== null) return value
  const copy: object = Object.create(prototype)
  copies.set(value, copy)
  for (const [name, of] of Object.entries(value)) {
    Object.defineProperty(copy, name, {
      value: inner(of),
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
  return copy
}
