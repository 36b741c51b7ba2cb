import { describeError, MillraceError } from '@millrace/core'
import { parseJson } from '@millrace/core/connector'
import type { Connection } from './connection.ts'
import { firstId, isId } from './entry-id.ts'

/** An entry of a stream, with values as text or as bytes. */
export interface StreamEntry<V extends string | Uint8Array> {
  /** "1700000000000-0": the milliseconds at which the server has added it, and a number. */
  readonly id: string
  readonly fields: Readonly<Record<string, V>>
}

/** An entry of a stream. */
export interface RedisEntry extends StreamEntry<string> {}

/** What a server says about a stream. */
export interface StreamState {
  readonly lastId: string
  /** The oldest and the newest entry that are there; undefined if there is none. */
  readonly oldestId: string | undefined
  readonly newestId: string | undefined
  readonly length: number
  /** How many entries were ever added; undefined if the server does not say (before Redis 7). */
  readonly added: number | undefined
}

/** How far a stream was read. */
export interface StreamPosition {
  readonly [name: string]: string | number | null
  /** The last entry that was read. */
  readonly id: string
  /** How many entries had been added up to that one; null if that is not known. So trimmed entries are missed. */
  readonly added: number | null
}

/** How the entries of a stream are read. */
export interface EntryReading<T, V extends string | Uint8Array> {
  /** The value of a field, of its bytes. */
  readonly valueOf: (bytes: Buffer) => V
  /** Makes a record of an entry. Throws if it cannot. */
  readonly decode: (entry: StreamEntry<V>) => T
}

/** Values are text in UTF-8, which the client may have decoded already. */
export const textValue = (value: Buffer | string): string => value.toString()

/** Whether the client may decode all that it reads. */
export function isText({ valueOf }: { readonly valueOf: unknown }): boolean {
  return valueOf === textValue
}

/** The value of a field. Throws `DECODE_FAILED` if the entry has none of that name. */
export function fieldOf<V extends string | Uint8Array>(
  { fields }: Pick<StreamEntry<V>, 'fields'>,
  field: string,
): V {
  if (Object.hasOwn(fields, field)) return fields[field]!
  const there = Object.keys(fields).join(', ')
  throw new MillraceError('DECODE_FAILED', `the entry has no field ${field}; it has ${there}`)
}

/** What is known of a stream. One that does not exist yet is empty. */
export async function stateOf({ client, server }: Connection, stream: string): Promise<StreamState> {
  try {
    return stateFrom(await client.xinfo('STREAM', stream))
  } catch (error) {
    if (describeError(error).includes('no such key')) return noStream
    const message = `stream ${stream} on ${server} cannot be read: ${describeError(error)}`
    throw new MillraceError('SOURCE_FAILED', message, { cause: error })
  }
}

/** How many entries no consumer of a group was sent; undefined if the server does not say (before Redis 7). */
export async function notDelivered(
  { client }: Connection,
  stream: string,
  group: string,
): Promise<number | undefined> {
  const groups = (await client.xinfo('GROUPS', stream)) as readonly (readonly unknown[])[]
  for (const fields of groups) {
    const after = (name: string): unknown => fields[fields.indexOf(name) + 1]
    const lag = fields.includes('lag') && after('name') === group ? after('lag') : undefined
    // Null where it cannot be computed, as after entries were deleted.
    if (typeof lag === 'number') return lag
  }
  return undefined
}

/** The answer of XINFO: names and values, one after another. */
function stateFrom(answer: unknown): StreamState {
  const list = answer as readonly unknown[]
  const after = (name: string): string | undefined => {
    const at = list.indexOf(name)
    return at < 0 ? undefined : String(list[at + 1])
  }
  const idOf = (name: string): string | undefined =>
    (list[list.indexOf(name) + 1] as readonly [string] | null)?.[0]
  const added = after('entries-added')
  return {
    lastId: after('last-generated-id') ?? firstId,
    oldestId: idOf('first-entry'),
    newestId: idOf('last-entry'),
    length: Number(after('length')),
    added: added === undefined ? undefined : Number(added),
  }
}

/** A stream that does not exist: nothing was ever added to it. */
const noStream: StreamState = {
  lastId: firstId,
  oldestId: undefined,
  newestId: undefined,
  length: 0,
  added: 0,
}

/** Null for an entry that was deleted after it was delivered. */
type Fields = readonly Buffer[] | null

/** The entries in the answer of XREAD or XREADGROUP for one stream: `[[name, [[id, [field, value, …]], …]]]`, or null. */
export function entriesIn<V extends string | Uint8Array>(
  answer: unknown,
  reading: Pick<EntryReading<unknown, V>, 'valueOf'>,
): readonly StreamEntry<V>[] {
  const streams = answer as readonly [Buffer, readonly [Buffer, Fields][]][] | null
  return (streams?.[0]?.[1] ?? []).map(([id, list]) => {
    const fields: Record<string, V> = {}
    for (let at = 0; list !== null && at + 1 < list.length; at += 2) {
      setField(fields, textValue(list[at]!), reading.valueOf(list[at + 1]!))
    }
    return { id: idFrom(id), fields }
  })
}

/** Throws for what is no id: an answer that was garbled on its way must not become a position. */
function idFrom(bytes: Buffer): string {
  const id = textValue(bytes)
  if (isId(id)) return id
  throw new Error(
    `the server has sent ${JSON.stringify(textValue(bytes).slice(0, 40))} as the id of an entry`,
  )
}

/** A name that data chooses, such as __proto__, is an ordinary field. */
function setField<V>(fields: Record<string, V>, name: string, value: V): void {
  if (name !== '__proto__') fields[name] = value
  else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true })
}

/** The bytes of an entry for a dead letter: its fields as JSON. */
export function rawOf({ fields }: StreamEntry<string | Uint8Array>): Uint8Array {
  const texts = Object.entries(fields).map(([name, value]) => [name, String(value)])
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(texts)))
}

/** The fields of an entry, from the bytes of a dead letter. Throws `DECODE_FAILED`. */
export function fieldsFrom(raw: Uint8Array): Pick<StreamEntry<string>, 'fields'> {
  const fields: unknown = parseJson(new TextDecoder().decode(raw))
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw new MillraceError(
      'DECODE_FAILED',
      'the bytes are no entry of a stream: no fields with their values',
    )
  }
  return { fields: fields as Readonly<Record<string, string>> }
}
