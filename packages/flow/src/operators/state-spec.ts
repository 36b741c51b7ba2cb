import {
  durationMs,
  MillraceError,
  requireKnown,
  type Codec,
  type Duration,
  type EventTime,
  type Key,
} from '@millrace/core'
import {
  backupByReference,
  statePiece,
  type Fingerprint,
  type ListState,
  type MapState,
  type OrderedMapState,
  type StateContext,
  type StatePiece,
  type TimeToLive,
  type ValueState,
} from '@millrace/core/operator'
import { requireSynchronous } from '../synchronous.ts'
import type { TakenFields } from '../taken-names.ts'
import { accumulatorsOf } from '../window/accumulators.ts'
import type { Aggregates } from '../window/aggregate.ts'
import {
  Aggregating,
  Reducing,
  type AggregateResults,
  type AggregatingState,
  type Boxed,
  type ReducingState,
} from './folding-state.ts'
import { stateLife, type StateTtlOption } from './ttl.ts'
import { Versioned, type Version, type VersionedState } from './versioned-state.ts'

declare const holds: unique symbol

/** A declared piece of state: how its handle is opened, and what a checkpoint says about it. */
export interface StateSpec<Handle> {
  readonly kind: string
  readonly ttl: TimeToLive | undefined
  /** Phantom type of the handle; never present at run time. */
  readonly [holds]?: Handle
  /** The pieces of the fingerprint. */
  pieces(name: string): readonly StatePiece[]
  /** Requests the handle from the engine. */
  open(name: string, context: OpeningContext): unknown
}

/** What a piece of state is opened with: state of a key has a watermark, broadcast state has none. */
export type OpeningContext = StateContext & { watermark?(): EventTime }

/** The pieces of state of one operator, by name. The names are part of checkpoints. */
export type StateSpecs = Readonly<Record<string, StateSpec<unknown>>>

/** The handles of an operator for its pieces of state. */
export type StateHandles<S extends StateSpecs> = {
  readonly [Name in keyof S]: S[Name] extends StateSpec<infer Handle> ? Handle : never
}

/** Options of a piece of state. */
export interface StateOptions<T> extends StateTtlOption {
  /**
   * Encodes values in checkpoints. Default: the structured codec, which supports JSON-like values, `Date`,
   * `Map`, `Set`, `bigint` and bytes.
   */
  readonly codec?: Codec<T> | undefined
}

/**
 * Declares pieces of state by type.
 *
 * With a `ttl` each value, list element or map entry expires for itself. A write may say how long its value lives:
 * `seen.set(true, { ttl: '10m' })`.
 *
 * @example
 * keyed.process('velocity', {
 *   state: {
 *     last: state.value<Payment>(),
 *     seen: state.map<string, number>({ ttl: { after: '1h' } }),
 *   },
 *   onRecord(record, { state }) { state.last.set(record.value) },
 * })
 */
export const state = {
  /** One value per key. */
  value<T>(options: StateOptions<T> = {}): StateSpec<ValueState<T>> {
    return specOf('value', options, (descriptor, context) => context.value<T>(descriptor))
  },

  /** A list per key, saved as a whole when it changed; with a `ttl` element by element. */
  list<T>(options: StateTtlOption = {}): StateSpec<ListState<T>> {
    requireKnown('a list in state', options, ['ttl'])
    // Elements that expire are stored one by one.
    const kind = options.ttl === undefined ? 'list' : 'elements'
    return specOf<T, ListState<T>>(kind, options, ({ name, ttl }, context) => context.list({ name, ttl }))
  },

  /** A map per key, saved entry by entry. `codec` encodes the values. */
  map<K extends Key, V>(options: StateOptions<V> = {}): StateSpec<MapState<K, V>> {
    return specOf('map', options, (descriptor, context) => context.map<K, V>(descriptor))
  },

  /** A map per key with its entries in order of their keys, for ranges. Saved entry by entry. */
  orderedMap<K extends Key, V>(options: StateOptions<V> = {}): StateSpec<OrderedMapState<K, V>> {
    return specOf('ordered map', options, (descriptor, context) => context.orderedMap<K, V>(descriptor))
  },

  /**
   * One value per key, into which `add` combines others. `combine` returns a new value or one of its arguments.
   *
   * @example
   * state.reducing<number>((a, b) => Math.max(a, b))
   */
  reducing<T>(combine: (total: T, value: T) => T, options: StateTtlOption = {}): StateSpec<ReducingState<T>> {
    requireSynchronous(combine, 'state.reducing', undefined)
    requireKnown('reducing state', options, ['ttl'])
    return specOf<Boxed<T>, ReducingState<T>>('reducing', options, ({ name, ttl }, context) => {
      const total = context.value<Boxed<T>>({ name, ttl, backup: backupByReference })
      return new Reducing(total, combine)
    })
  },

  /**
   * Aggregates per key, such as those of windows, without a window.
   *
   * @example
   * state.aggregating<Payment>()({ n: count(), total: sum((payment) => payment.amount) })
   */
  aggregating<T>(): <A extends Aggregates<T>>(
    aggregates: A & TakenFields,
    options?: StateTtlOption,
  ) => StateSpec<AggregatingState<T, AggregateResults<A>>> {
    return <A extends Aggregates<T>>(
      aggregates: A & TakenFields,
      options: StateTtlOption = {},
    ): StateSpec<AggregatingState<T, AggregateResults<A>>> => {
      requireKnown('aggregating state', options, ['ttl'])
      const ttl = stateLife(options.ttl, 'aggregating state')
      const { codec, pieces, ...parts } = aggregatesOf(aggregates as Aggregates<unknown>)
      return {
        kind: 'aggregating',
        ttl,
        pieces: (name) => [
          statePiece('aggregating', { name, codec: { id: 'accumulators', version: 1 }, ttl }),
          ...pieces.map((piece) => ({ ...piece, name: `${name}.${piece.name}` })),
        ],
        open: (name, context) => parts.open(context.value({ name, ttl, codec, backup: parts.backup })),
      }
    }
  },

  /**
   * The versions of a value per key, by event time. A version goes, when another is set, if it was superseded
   * more than `retention` before the watermark.
   */
  versioned<T>(options: { readonly retention: Duration }): StateSpec<VersionedState<T>> {
    requireKnown('versioned state', options, ['retention'])
    const retentionMs = durationMs(options.retention, 'retention of versioned state')
    return specOf<Version<T>, VersionedState<T>>('versioned', {}, ({ name }, context) => {
      if (context.watermark === undefined) {
        throw new MillraceError(
          'OPTION_INVALID',
          `state '${name}' is versioned, which broadcast state cannot be; keep the versions in a map`,
        )
      }
      return new Versioned(context.orderedMap({ name }), retentionMs, () => context.watermark!())
    })
  },
} as const

/** How aggregates are kept as one value. */
function aggregatesOf(aggregates: Aggregates<unknown>) {
  const accumulators = accumulatorsOf(aggregates, 'process')
  const { codec, pieces } = accumulators
  return {
    codec,
    pieces,
    backup: (held: unknown) => accumulators.backup(held),
    open: (held: ValueState<unknown>) => new Aggregating(held, accumulators),
  }
}

/** What a handle is opened with. */
interface PieceDescriptor<T> {
  readonly name: string
  readonly codec?: Codec<T>
  readonly ttl: TimeToLive | undefined
}

function specOf<T, Handle>(
  kind: string,
  options: StateOptions<T>,
  open: (descriptor: PieceDescriptor<T>, context: OpeningContext) => Handle,
): StateSpec<Handle> {
  requireKnown(`a ${kind} in state`, options, ['codec', 'ttl'])
  const { codec } = options
  const ttl = stateLife(options.ttl, `a ${kind} in state`)
  return {
    kind,
    ttl,
    pieces: (name) => [statePiece(kind, { name, codec, ttl })],
    open: (name, context) => open(codec === undefined ? { name, ttl } : { name, codec, ttl }, context),
  }
}

/** The fingerprint of the declared pieces of state. */
export function stateFingerprint(specs: StateSpecs): Fingerprint {
  return { pieces: Object.entries(specs).flatMap(([name, spec]) => spec.pieces(name)), settings: [] }
}

/** Requests every declared piece of state from the engine. */
export function openState(specs: StateSpecs, context: OpeningContext): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, spec.open(name, context)] as const),
  )
}
