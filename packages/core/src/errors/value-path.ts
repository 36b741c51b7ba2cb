const stepsShown = 12

/**
 * Formats the path to a place inside a value for messages: `.items[3]["due date"]`; empty for the value
 * itself.
 */
export function pathText(path: readonly (string | number)[]): string {
  const steps = path.slice(0, stepsShown).map((step) => {
    if (typeof step === 'number') return `[${step}]`
    return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
  })
  return steps.join('') + (path.length > stepsShown ? '…' : '')
}

/** Describes a value at such a place: `undefined`, `a function`, `an instance of Order`. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return 'an object'
  const { constructor } = prototype as { constructor?: unknown }
  const name = typeof constructor === 'function' ? constructor.name : ''
  return name === '' ? 'an instance of a class' : `an instance of ${name}`
}
