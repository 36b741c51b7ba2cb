import { MillraceError, requireKnown, type EventTime, type Key } from '@millrace/core'
import type { Source } from '@millrace/core/connector'
import type { Seed } from '@millrace/core/graph'
import type { TimeToLive } from '@millrace/core/operator'
import type { Timing } from '../stream-options.ts'
import { requireFunction, requireSynchronous, type Synchronous } from '../synchronous.ts'

/**
 * Rows that the state of an operator begins with, and the key of each.
 *
 * They are applied once: before the first record, when the operator has no state in a checkpoint. The first checkpoint
 * contains them, and a restart does not apply them again. Each subtask reads all rows and takes those of its own keys.
 */
export type SeedRows<Row, K, Time extends Timing> = {
  /**
   * Names the rows. Another name means other rows: if there is state already, a start says that they are not applied, and
   * how to begin with them. At least one character.
   */
  readonly id: string
  /**
   * The rows: values, a function that returns them, or a source, which is read to its present end. They must be the same
   * whenever they are read: a job that fails before its first checkpoint reads them again.
   */
  readonly from: Source<Row> | Iterable<Row> | (() => Iterable<Row> | AsyncIterable<Row>)
  /** The key of a row, of the type that `keyBy` returns. */
  readonly key: (row: Row) => K
} & (Time extends 'timed'
  ? {
      /**
       * When the values of a row were written, in event time, in milliseconds since the epoch. Needed for state that expires by
       * event time.
       */
      readonly time?: (row: Row) => EventTime
    }
  : unknown)

/** The seed of `reduce` and `scan`. */
export type ValueSeed<Row, K, V, Time extends Timing> = SeedRows<Row, K, Time> & {
  /** Returns the value that the key of a row begins with. A later row of the same key replaces it. */
  readonly value: (row: Row) => Synchronous<V>
}

/** The same with erased types. */
export type AnyValueSeed = ValueSeed<unknown, Key, unknown, 'timed'>

/**
 * Converts the seed of the operator `name`, whose state expires by `ttls`. Throws `OPTION_INVALID`.
 *
 * `method` is the name of the function for each row.
 */
export function seedOf(
  name: string,
  seed: SeedRows<unknown, Key, 'timed'> | undefined,
  method: 'fill' | 'value',
  ttls: readonly (TimeToLive | undefined)[],
): Seed | undefined {
  if (seed === undefined) return undefined
  const what = `the seed of '${name}'`
  requireKnown(what, seed, ['id', 'from', 'key', 'time', method])
  const { id, from, key, time } = seed
  if (typeof id !== 'string' || id === '') {
    throw new MillraceError(
      'OPTION_INVALID',
      `${what} needs an id, such as 'prices-2026-11', by which a later start knows that it has been applied`,
    )
  }
  requireFunction(key, `key of ${what}`)
  requireSynchronous(key, 'key of the seed of', name)
  requireSynchronous((seed as unknown as Record<string, unknown>)[method], `${method} of the seed of`, name)
  if (time === undefined && ttls.some((ttl) => ttl?.clock === 'event')) {
    throw new MillraceError(
      'OPTION_INVALID',
      `${what} needs time, because the state expires by event time: return when the values of a row were written`,
    )
  }
  return { id, rows: rowsOf(from, what), keyOf: key, timeOf: time }
}

function rowsOf(from: AnyValueSeed['from'], what: string): Seed['rows'] {
  if (typeof from === 'function') return from
  if (typeof from === 'object' && from !== null) {
    if (Symbol.iterator in from) {
      if ((from[Symbol.iterator]() as unknown) !== from) return () => from
      throw new MillraceError(
        'OPTION_INVALID',
        `the rows of ${what} are an iterator, which can be read only once: each subtask reads them, and a restart does again. Pass a function that returns it`,
      )
    }
    if (typeof (from as Partial<Source<unknown>>).discover === 'function') return from
  }
  throw new MillraceError(
    'OPTION_INVALID',
    `${what} needs its rows in 'from': an array, a function that returns rows, or a source such as files.readNdjson(path)`,
  )
}
