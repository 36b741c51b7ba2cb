/**
 * Errors on their way between threads.
 *
 * A structured clone keeps the message and the stack of an Error and little else, and fails altogether when one of
 * its fields is a function. So an error travels as plain data and is built anew: of the same built-in class where it
 * was of one, with its name, its stack as it was, its cause, and those of its own fields that are primitive.
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
  /** Anything may be thrown. */
  | { readonly kind: 'value'; readonly value: unknown }

/** Deeper causes are cut off: a chain may be a circle. */
const CAUSES_MAX = 8

/** What was thrown, as data that can be posted. */
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

/** What was carried, ready to be thrown. The type says Error as everywhere: for what a promise is rejected with. */
export function unpack(carried: CarriedError): Error {
  if (carried.kind === 'value') return carried.value as Error
  const { name, message, stack, fields, cause } = carried
  const options = cause === undefined ? {} : { cause: unpack(cause) }
  const error = new (builtIn.get(name) ?? Error)(message, options)
  for (const [field, value] of Object.entries({ ...fields, name, stack })) {
    // Defined, not assigned: a field may be called __proto__. Hidden, as the fields of errors are.
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
