/** A value of the wrong kind, as a message shows it: `undefined`, `5`, `a string`, `an object`. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
