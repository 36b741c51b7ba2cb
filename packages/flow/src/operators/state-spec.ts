import { requireKnown, type Codec, type Key } from '@millrace/core'
import {
  statePiece,
  type Fingerprint,
  type ListState,
  type MapState,
  type StateContext,
  type StatePiece,
  type TimeToLive,
  type ValueState,
} from '@millrace/core/operator'
import { timeToLive, type TtlOption } from './ttl.ts'

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
  open(name: string, context: StateContext): unknown
}

/** The pieces of state of one operator, by name. The names are part of checkpoints. */
export type StateSpecs = Readonly<Record<string, StateSpec<unknown>>>

/** The handles of an operator for its pieces of state. */
export type StateHandles<S extends StateSpecs> = {
  readonly [Name in keyof S]: S[Name] extends StateSpec<infer Handle> ? Handle : never
}

/** Options of a piece of state. */
export interface StateOptions<T> extends TtlOption {
  /**
   * Encodes values in checkpoints. Default: the structured codec, which supports JSON-like values, `Date`,
   * `Map`, `Set`, `bigint` and bytes.
   */
  readonly codec?: Codec<T> | undefined
}

/**
 * Declares pieces of state by type.
 *
 * With a `ttl` each value, list element or map entry expires for itself.
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
  list<T>(options: TtlOption = {}): StateSpec<ListState<T>> {
    requireKnown('a list in state', options, ['ttl'])
    // Elements that expire are stored one by one.
    const kind = options.ttl === undefined ? 'list' : 'elements'
    return specOf<T, ListState<T>>(kind, options, ({ name, ttl }, context) => context.list({ name, ttl }))
  },

  /** A map per key, saved entry by entry. `codec` encodes the values. */
  map<K extends Key, V>(options: StateOptions<V> = {}): StateSpec<MapState<K, V>> {
    return specOf('map', options, (descriptor, context) => context.map<K, V>(descriptor))
  },
} as const

/** What a handle is opened with. */
interface PieceDescriptor<T> {
  readonly name: string
  readonly codec?: Codec<T>
  readonly ttl: TimeToLive | undefined
}

function specOf<T, Handle>(
  kind: string,
  options: StateOptions<T>,
  open: (descriptor: PieceDescriptor<T>, context: StateContext) => Handle,
): StateSpec<Handle> {
  requireKnown(`a ${kind} in state`, options, ['codec', 'ttl'])
  const { codec } = options
  const ttl = timeToLive(options.ttl, `a ${kind} in state`)
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
export function openState(specs: StateSpecs, context: StateContext): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, spec.open(name, context)] as const),
  )
}
