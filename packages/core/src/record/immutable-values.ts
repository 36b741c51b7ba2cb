import { isPlainObject } from '../codec/plain-object.ts'
import { kindOf } from '../errors/value-path.ts'

/** A part of a value that cannot be frozen, as it was when first seen. */
interface Opaque {
  readonly value: object
  isSame(): boolean
}

const noParts: readonly Opaque[] = []

/**
 * Values that must not change any more. Plain objects and arrays are frozen, at every depth. Values that
 * freezing does not protect are recorded for comparison: dates, maps, sets, bytes, and the fields of class
 * instances.
 *
 * A field of a class instance that was null or undefined may be filled, as caches do.
 */
export class ImmutableValues {
  /** By value, the parts of it that could not be frozen. */
  readonly #parts = new WeakMap<object, readonly Opaque[]>()

  /** Freezes `value`. Returns whether all of it could be frozen. */
  keep(value: unknown): boolean {
    return this.#partsOf(value).length === 0
  }

  /** Describes what has changed in `value` since it was kept; undefined if nothing has. */
  changeIn(value: unknown): string | undefined {
    const changed = this.#partsOf(value).find((part) => !part.isSame())
    return changed && kindOf(changed.value)
  }

  #partsOf(value: unknown): readonly Opaque[] {
    if (typeof value !== 'object' || value === null) return noParts
    const known = this.#parts.get(value)
    if (known !== undefined) return known
    // Recorded before its parts are visited, because a part may refer back to the whole.
    this.#parts.set(value, noParts)
    const isData = Array.isArray(value) || isPlainObject(value)
    const found = isData ? [] : [opaque(value)]
    for (const part of isData ? Object.values(value) : elementsOf(value)) found.push(...this.#partsOf(part))
    if (isData) Object.freeze(value)
    if (found.length > 0) this.#parts.set(value, found)
    return found
  }
}

/** The elements accessible through the interface of a collection. */
function elementsOf(value: object): readonly unknown[] {
  if (value instanceof Map) return [...value.keys(), ...value.values()]
  return value instanceof Set ? [...value] : []
}

function opaque(value: object): Opaque {
  const before = contentOf(value)
  return {
    value,
    isSame: () => {
      const now = contentOf(value)
      if (Array.isArray(before) && Array.isArray(now)) return sameElements(before, now)
      return (
        before instanceof Map &&
        now instanceof Map &&
        [...before].every(([name, field]) => Object.is(field, now.get(name)))
      )
    },
  }
}

/** The parts of a value: its elements in order, or its fields by name. */
function contentOf(value: object): readonly unknown[] | ReadonlyMap<string, unknown> {
  if (value instanceof Map) return [...value].flat()
  if (value instanceof Set) return [...value]
  // oxlint-disable-next-line no-restricted-globals -- looked at, not asked for the time
  if (value instanceof Date) return [value.getTime()]
  if (ArrayBuffer.isView(value)) {
    return [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)]
  }
  return new Map(Object.entries(value).filter(([, field]) => field !== undefined && field !== null))
}

function sameElements(before: readonly unknown[], now: readonly unknown[]): boolean {
  return before.length === now.length && before.every((element, i) => Object.is(element, now[i]))
}
