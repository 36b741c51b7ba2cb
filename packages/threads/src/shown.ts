/** Describes a value of the wrong type for a message: `undefined`, `5`, `a string`, `an object`. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
