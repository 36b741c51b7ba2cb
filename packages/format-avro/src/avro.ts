/** Records as Avro. */
import { describeError, describeValue, isMillraceError, MillraceError, requireKnown } from '@millrace/core'
import type { Format, FormatContext } from '@millrace/core/connector'
import { parseWire, wireRecord, type SchemaRegistry } from '@millrace/schema-registry'
import avsc, { type Type } from 'avsc'
import { checkBytes } from './check-bytes.ts'

/** An Avro schema as JSON. */
export type AvroSchema = string | { readonly type: unknown; readonly [name: string]: unknown }

/** How records are Avro. */
export interface AvroOptions {
  /**
   * The schema of the records of the program, which is the reader's: a record that was written with another one is resolved
   * to it, with its defaults and aliases, as Avro's rules say.
   */
  readonly schema: AvroSchema
  /**
   * Records begin with the id of the schema by which they were written. Without a registry they are only Avro, all written
   * with `schema`.
   */
  readonly registry?: SchemaRegistry
  /** The subject under which the schema is registered for writing. Default: the topic, followed by `-value`. */
  readonly subject?: string
}

/** How bytes of one writer's schema are read: an error if they cannot be. */
type Resolution = { readonly writer: Type; readonly resolver: unknown } | MillraceError

/**
 * Makes the format of records in Avro. The type of the records is yours to say: the schema is checked when they are decoded.
 *
 * Integers of the type `long` that a number cannot represent exactly are refused, never rounded. Throws `OPTION_INVALID`.
 *
 * @example
 * const orders = avro.format<Order>({ schema: orderSchema, registry: schemaRegistry({ url: 'http://localhost:8081' }) })
 * p.from('orders', kafka.read({ brokers, topic: 'orders', format: orders }))
 */
export function format<T>(options: AvroOptions): Format<T> {
  requireKnown('avro.format', options, ['schema', 'registry', 'subject'])
  const { schema, registry, subject } = options
  const reader = typeOf(schema, 'avro.format: schema')
  return registry === undefined
    ? new PlainAvro(reader)
    : new RegisteredAvro(reader, schemaText(schema), registry, subject)
}

class PlainAvro<T> implements Format<T> {
  readonly name = 'avro'
  readonly contentType = 'avro/binary'
  readonly #type: Type

  constructor(type: Type) {
    this.#type = type
  }

  decode(bytes: Uint8Array): T {
    return decoded(this.#type, undefined, bytes) as T
  }

  encode(value: T): Uint8Array {
    return encoded(this.#type, value)
  }
}

class RegisteredAvro<T> implements Format<T> {
  readonly name = 'avro'
  readonly contentType = 'application/vnd.confluent.avro'
  readonly #reader: Type
  readonly #text: string
  readonly #registry: SchemaRegistry
  readonly #subject: string | undefined
  /** By the id of the writer's schema. */
  readonly #resolutions = new Map<number, Resolution>()
  #id: number | undefined

  constructor(reader: Type, text: string, registry: SchemaRegistry, subject: string | undefined) {
    this.#reader = reader
    this.#text = text
    this.#registry = registry
    this.#subject = subject
  }

  load(bytes: Uint8Array, context: FormatContext): Promise<void> | undefined {
    const { id } = parseWire(bytes)
    return this.#resolutions.has(id) ? undefined : this.#registry.load(id, context)
  }

  decode(bytes: Uint8Array): T {
    const { id, payload } = parseWire(bytes)
    let resolution = this.#resolutions.get(id)
    if (resolution === undefined) this.#resolutions.set(id, (resolution = this.#resolve(id)))
    if (resolution instanceof MillraceError) throw resolution
    return decoded(resolution.writer, resolution.resolver, payload, this.#reader) as T
  }

  async beginWriting(context: FormatContext): Promise<void> {
    const subject = this.#subject ?? `${context.topic}-value`
    const schema = { schema: this.#text, type: 'AVRO', references: [] } as const
    this.#id = await this.#registry.register(subject, schema, context)
  }

  encode(value: T): Uint8Array {
    if (this.#id === undefined)
      throw new MillraceError('INTERNAL', 'the schema was not registered; please report this')
    return wireRecord(this.#id, encoded(this.#reader, value))
  }

  #resolve(id: number): Resolution {
    try {
      const { schema, type, references } = this.#registry.schema(id)
      if (type !== 'AVRO') throw unfit(`schema ${id} is ${type}, not Avro`)
      if (references.length > 0)
        throw unfit(`schema ${id} has references to other schemas, which are not supported`)
      const writer = typeOf(schema, `schema ${id}`)
      return { writer, resolver: this.#reader.createResolver(writer) }
    } catch (error) {
      if (isMillraceError(error)) return error
      return unfit(
        `records of schema ${id} cannot be read with the schema of the program: ${describeError(error)}`,
      )
    }
  }
}

function decoded(writer: Type, resolver: unknown, bytes: Uint8Array, reader: Type = writer): unknown {
  checkBytes(writer, bytes)
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return reader.fromBuffer(buffer, resolver as never) as unknown
  } catch (error) {
    throw unfit(`the bytes are not Avro of the schema: ${describeError(error)}`)
  }
}

function encoded(type: Type, value: unknown): Uint8Array {
  try {
    return type.toBuffer(value)
  } catch (error) {
    const text = describeValue(value, 200) ?? typeof value
    throw new MillraceError(
      'CODEC_FAILED',
      `the record does not fit the Avro schema: ${describeError(error)} (${text})`,
    )
  }
}

function typeOf(schema: AvroSchema, what: string): Type {
  try {
    return avsc.Type.forSchema(
      typeof schema === 'string' && /^\s*[[{"]/.test(schema)
        ? (JSON.parse(schema) as never)
        : (schema as never),
    )
  } catch (error) {
    throw new MillraceError('OPTION_INVALID', `${what} is no Avro schema: ${describeError(error)}`, {
      isFinal: true,
    })
  }
}

function schemaText(schema: AvroSchema): string {
  return typeof schema === 'string' && /^\s*[[{"]/.test(schema) ? schema : JSON.stringify(schema)
}

function unfit(problem: string): MillraceError {
  return new MillraceError('DECODE_FAILED', problem)
}
