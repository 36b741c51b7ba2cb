import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import type { Codec } from '../codec/codec.ts'
import { describeError, MillraceError } from '../errors/errors.ts'
import { isPlainObject } from '../codec/plain-object.ts'

/**
 * Saves a state value before a record may change it: returns a function that restores the current value if
 * the record fails.
 *
 * @example
 * const byLength: Backup<number[]> = (list) => {
 *   const { length } = list
 *   return () => list.slice(0, length)
 * }
 */
export type Backup<T> = (value: T) => () => T

/** For values that are replaced and never changed in place: costs nothing. */
export function backupByReference<T>(value: T): () => T {
  return () => value
}

/** For arrays that are only pushed to or replaced. */
export function backupByLength<T>(values: T[]): () => T[] {
  const { length } = values
  return () => (values.length === length ? values : values.slice(0, length))
}

/**
 * For any value that `codec` supports. A primitive value costs nothing, an array or plain object of such
 * values a copy, and any other an encoding. `what` names the state for the error `STATE_MISUSED` when it
 * cannot be encoded.
 */
export function backupByCodec<T>(codec: Codec<T>, what: string): Backup<T> {
  const writer = new ByteWriter()
  return (value) => {
    if (typeof value !== 'object' || value === null) return () => value
    const copy = flatCopy(value)
    if (copy !== undefined) return () => copy
    writer.reset()
    try {
      codec.encode(value, writer)
    } catch (cause) {
      throw new MillraceError(
        'STATE_MISUSED',
        `${what} holds a value that cannot be saved: ${describeError(cause)}`,
        {
          cause,
        },
      )
    }
    const bytes = writer.written().slice()
    return () => codec.decode(new ByteReader(bytes), codec.version)
  }
}

/** A copy of an array or a plain object of primitive values; undefined for any other value. */
function flatCopy<T extends object>(value: T): T | undefined {
  if (Array.isArray(value)) return value.every(isPrimitive) ? (value.slice() as T) : undefined
  if (!isPlainObject(value)) return undefined
  for (const name in value) if (!isPrimitive(value[name])) return undefined
  return { ...value }
}

function isPrimitive(value: unknown): boolean {
  return value === null || (typeof value !== 'object' && typeof value !== 'function')
}
