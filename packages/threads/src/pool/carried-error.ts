/**
 * Transfers errors between threads.
 *
 * A structured clone keeps little of an Error but message and stack, and fails if a field is a function. So
 * an error is sent as plain data and rebuilt: with its built-in class, name, stack, cause, and its own
 * primitive fields.
 */
export type CarriedError =
  | {
      readonly kind: 'error'
      readonly name: string
      readonly message: string
      readonly stack: string | undefined
      readonly fields: Readonly<Record<string, unknown>>
      readonly cause: CarriedError | undefined
    }
  /** Any value may be thrown. */
  | { readonly kind: 'value'; readonly value: unknown }

/** Deeper causes are cut off: the chain may be circular. */
const CAUSES_MAX = 8

/** Converts a thrown value to data that can be posted. */
export function carry(thrown: unknown, causesMax: number = CAUSES_MAX): CarriedError {
  if (!(thrown instanceof Error))
    return { kind: 'value', value: isPrimitive(thrown) ? thrown : describe(thrown) }
  const { name, message, stack, cause } = thrown
  const fields = Object.fromEntries(Object.entries(thrown).filter(([, value]) => isPrimitive(value)))
  const hasCause = cause !== undefined && causesMax > 0
  return {
    kind: 'error',
    name,
    message,
    stack,
    fields,
    cause: hasCause ? carry(cause, causesMax - 1) : undefined,
  }
}

/** Rebuilds a thrown value. Typed as Error for promise rejections, though any value may be thrown. */
export function unpack(carried: CarriedError): Error {
  if (carried.kind === 'value') return carried.value as Error
  const { name, message, stack, fields, cause } = carried
  const options = cause === undefined ? {} : { cause: unpack(cause) }
  const error = new (builtIn.get(name) ?? Error)(message, options)
  for (const [field, value] of Object.entries({ ...fields, name, stack })) {
    // Defined, not assigned, since a field may be named __proto__; and not enumerable, like other error
    // fields.
    if (field === 'name' && error.name === value) continue
    Object.defineProperty(error, field, { value, enumerable: false, configurable: true, writable: true })
  }
  for (const field of Object.keys(fields)) Object.defineProperty(error, field, { enumerable: true })
  return error
}

const builtIn: ReadonlyMap<string, ErrorConstructor> = new Map(
  [EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError].map((each) => [each.name, each]),
)

function isPrimitive(value: unknown): boolean {
  return value === null || !['object', 'function', 'symbol'].includes(typeof value)
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    // A cycle, a bigint, or a toJSON that throws.
    return Object.prototype.toString.call(value)
  }
}
