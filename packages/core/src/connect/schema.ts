import { describeError, MillraceError } from '../errors/errors.ts'
import { pathText } from '../errors/value-path.ts'

/**
 * What a record must look like: a schema of zod, valibot, arktype or any other library with the Standard Schema
 * interface, or a function that returns the record and throws if the value is none.
 *
 * The interface is that of https://standardschema.dev, version 1.
 */
export type Schema<T> = StandardSchema<T> | ((value: unknown) => T)

/** The part of the Standard Schema interface that a source uses. */
export interface StandardSchema<T> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>
  }
}

/** What a schema says of a value. */
export type SchemaResult<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

/** Why a value does not fit, and where. */
export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** How many issues a message has at most. */
const issuesMax = 3

/**
 * Returns the function that makes records of parsed values. It throws `DECODE_FAILED` with the path and the reason for a
 * value that does not fit, and `ASYNC_FUNCTION` for a schema that has to wait. Without a schema a value is trusted to be a
 * record.
 *
 * Throws `OPTION_INVALID` for something that is no schema.
 *
 * @example
 * const parse = parserOf(z.object({ amount: z.number() }))
 * parse({ amount: 'a lot' }) // throws: the record does not fit its schema: at .amount: expected number
 */
export function parserOf<T>(schema: Schema<T> | undefined): (value: unknown) => T {
  if (schema === undefined) return (value) => value as T
  // A schema may be a function as well: its interface comes first.
  if (isStandard(schema)) return (value) => valid(schema['~standard'], value)
  if (typeof schema === 'function') return schema
  throw new MillraceError(
    'OPTION_INVALID',
    'schema: give a schema with the Standard Schema interface, such as one of zod, valibot or arktype, or a function that returns the record',
  )
}

function isStandard<T>(schema: Schema<T>): schema is StandardSchema<T> {
  const standard = (schema as Partial<StandardSchema<T>> | null)?.['~standard']
  return typeof standard?.validate === 'function'
}

function valid<T>({ vendor, validate }: StandardSchema<T>['~standard'], value: unknown): T {
  let result: SchemaResult<T> | Promise<SchemaResult<T>>
  try {
    result = validate(value)
  } catch (cause) {
    throw new MillraceError('DECODE_FAILED', `the schema (${vendor}) threw: ${describeError(cause)}`, {
      cause,
    })
  }
  if (result instanceof Promise) {
    result.catch(() => {})
    throw new MillraceError(
      'ASYNC_FUNCTION',
      `the schema (${vendor}) validates asynchronously, and a source does not wait for it; use a synchronous schema, and check the rest in mapAsync`,
    )
  }
  if (result.issues === undefined) return result.value
  throw new MillraceError('DECODE_FAILED', `the record does not fit its schema: ${issuesText(result.issues)}`)
}

function issuesText(issues: readonly SchemaIssue[]): string {
  const texts = issues.slice(0, issuesMax).map(({ message, path = [] }) => {
    const keys = path.map((part) => (typeof part === 'object' ? part.key : part))
    const names = keys.map((key) => (typeof key === 'symbol' ? key.toString() : key))
    return names.length === 0 ? message : `at ${pathText(names)}: ${message}`
  })
  const more = issues.length - texts.length
  return more > 0 ? `${texts.join('; ')}; and ${more} more` : texts.join('; ')
}
