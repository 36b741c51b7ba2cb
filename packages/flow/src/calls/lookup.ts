import { MillraceError, positiveDurationMs, requireKnown, type Duration } from '@millrace/core'
import type { AsyncFunction, AsyncNode, CallScope, Input } from '@millrace/core/graph'
import type { AsyncOptions } from '../stream-options.ts'
import { requireMethod, requireSynchronous, type Synchronous } from '../synchronous.ts'
import { Loader, type LookupKey } from './loader.ts'
import { wholeNumber } from '../retry-rules.ts'
import { callOptions, callsNode } from './map-async.ts'

/** What `lookup` finds, and how. */
export interface LookupSpec<T, K extends LookupKey, V, U> extends Omit<
  AsyncOptions<T, U>,
  'rate' | 'bulkhead' | 'hedgeAfter'
> {
  /** The key of the row for a record. A record without one (`undefined` or `null`) has no row, and nothing is loaded for it. */
  readonly key: (value: T) => K | undefined | null
  /** Loads the rows of these keys, which are all different. A key that is not in the map has no row. */
  readonly load: (keys: readonly K[], signal: AbortSignal) => Promise<ReadonlyMap<K, V>>
  /** The result for a record and its row, which is `undefined` if there is none. */
  readonly combine: (value: T, row: V | undefined) => Synchronous<U>
  /** Keeps rows in memory, and also that a key has none. Default: nothing is kept once its records have it. */
  readonly cache?: LookupCacheOptions
  /** The most keys in one call of `load`. Default 100. */
  readonly batchSize?: number
  /** The most records in each subtask that wait for their rows. Default 256. */
  readonly concurrency?: number
}

/** Which rows `lookup` keeps in memory, in each subtask. */
export interface LookupCacheOptions {
  /** How long a row is used after it was loaded. A change in the outside system is seen after that time at the latest. */
  readonly ttl: Duration
  /** The most rows. The one that was not used for the longest time makes room for another. Default 10,000. */
  readonly maxEntries?: number
}

/** The node of `lookup`. Throws `OPTION_INVALID`. */
export function lookupNode(
  name: string,
  input: Input,
  spec: LookupSpec<unknown, LookupKey, unknown, unknown>,
): Omit<AsyncNode, 'id' | 'name' | 'onError'> {
  const where = `lookup '${name}'`
  requireKnown(where, spec, [...callOptions, 'key', 'load', 'combine', 'cache', 'batchSize'])
  requireSynchronous(spec.key, 'lookup', name)
  requireSynchronous(spec.combine, 'lookup', name)
  requireMethod(spec, 'load', where)
  const { cache, batchSize = 100, concurrency = 256, retry } = spec
  requireKnown(`cache of ${where}`, cache, ['ttl', 'maxEntries'])
  wholeNumber(batchSize, `batchSize of '${name}'`)
  const maxEntries = cache === undefined ? 0 : (cache.maxEntries ?? 10_000)
  if (cache !== undefined) wholeNumber(maxEntries, `cache.maxEntries of '${name}'`)
  const ttlMs = cache === undefined ? 0 : positiveDurationMs(cache.ttl, `cache.ttl of '${name}'`)
  const loaders = new WeakMap<CallScope, Loader>()
  const loaderOf = (scope: CallScope): Loader => {
    const made =
      loaders.get(scope) ?? new Loader({ name, load: spec.load, batchSize, maxEntries, ttlMs }, scope.clock)
    loaders.set(scope, made)
    return made
  }
  // What the program's own functions throw does not depend on the outside system, so a retry cannot help.
  const own = new WeakSet<object>()
  const noteOwn = <R>(act: () => R): R => {
    try {
      return act()
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new MillraceError('OPERATOR_FAILED', String(thrown))
      own.add(error)
      throw error
    }
  }
  const apply: AsyncFunction = async (value, signal, scope) => {
    const key = noteOwn(() => spec.key(value))
    const row = key === undefined || key === null ? undefined : await loaderOf(scope).row(key, signal)
    return noteOwn(() => spec.combine(value, row))
  }
  const retryIf = (error: unknown): boolean =>
    !(error instanceof Error && own.has(error)) && (retry?.retryIf?.(error) ?? true)
  const options = retry === undefined ? spec : { ...spec, retry: { ...retry, retryIf } }
  return callsNode(name, input, apply, { ...options, concurrency })
}
