import { ByteReader, ByteWriter } from '../kernel/bytes.ts'
import type { Codec } from '../kernel/codec.ts'
import { describeError, MillraceError } from '../kernel/errors.ts'

/**
 * Remembers a state value before a record may change it: returns a function that gives the value as it is now, to put
 * back if the record fails.
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

/** For arrays that are only pushed into or replaced. */
export function backupByLength<T>(values: T[]): () => T[] {
  const { length } = values
  return () => (values.length === length ? values : values.slice(0, length))
}

/**
 * For any value that `codec` can write: costs what writing it costs, except for primitive values. `what` names the
 * state for the error `STATE_MISUSED` when it cannot be written.
 */
export function backupByCodec<T>(codec: Codec<T>, what: string): Backup<T> {
  const writer = new ByteWriter()
  return (value) => {
    if (typeof value !== 'object' || value === null) return () => value
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
