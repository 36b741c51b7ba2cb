import type { Codec, Key } from '@millrace/core'
import {
  statePiece,
  type Fingerprint,
  type ListState,
  type MapState,
  type OperatorContext,
  type ValueState,
} from '@millrace/core/operator'

declare const holds: unique symbol

/** Declares a value per key, for `process`. Created by `state.value`. */
export interface ValueSpec<T> {
  readonly kind: 'value'
  readonly codec: Codec<T> | undefined
  readonly [holds]?: T
}

/** Declares a list per key, for `process`. Created by `state.list`. */
export interface ListSpec<T> {
  readonly kind: 'list'
  readonly [holds]?: T
}

/** Declares a map per key, for `process`. Created by `state.map`. */
export interface MapSpec<K extends Key, V> {
  readonly kind: 'map'
  readonly codec: Codec<V> | undefined
  readonly [holds]?: [K, V]
}

/** The pieces of state of one operator, by name. The names are part of checkpoints. */
export type StateSpecs = Readonly<
  Record<string, ValueSpec<unknown> | ListSpec<unknown> | MapSpec<Key, unknown>>
>

/** The handles of an operator for its pieces of state. */
export type StateHandles<S extends StateSpecs> = {
  readonly [Name in keyof S]: S[Name] extends ValueSpec<infer T>
    ? ValueState<T>
    : S[Name] extends ListSpec<infer T>
      ? ListState<T>
      : S[Name] extends MapSpec<infer K, infer V>
        ? MapState<K, V>
        : never
}

/**
 * Declares pieces of state by type. Without a codec they are encoded by the structured codec, which supports
 * JSON-like values, `Date`, `Map`, `Set`, `bigint` and bytes.
 *
 * @example
 * keyed.process('velocity', {
 *   state: { last: state.value<Payment>(), seen: state.map<string, number>() },
 *   onRecord(record, { state }) { state.last.set(record.value) },
 * })
 */
export const state: {
  /** One value per key. */
  value<T>(codec?: Codec<T>): ValueSpec<T>
  /** A list per key, saved as a whole when it changed. */
  list<T>(): ListSpec<T>
  /** A map per key, saved entry by entry. `codec` encodes the values. */
  map<K extends Key, V>(codec?: Codec<V>): MapSpec<K, V>
} = {
  value: (codec) => ({ kind: 'value', codec }),
  list: () => ({ kind: 'list' }),
  map: (codec) => ({ kind: 'map', codec }),
}

/** The fingerprint of the declared pieces of state. */
export function stateFingerprint(specs: StateSpecs): Fingerprint {
  const pieces = Object.entries(specs).map(([name, spec]) =>
    statePiece(spec.kind, { name, codec: spec.kind === 'list' ? undefined : spec.codec }),
  )
  return { pieces, settings: [] }
}

/** Requests every declared piece of state from the engine. */
export function openState(specs: StateSpecs, context: OperatorContext): Record<string, unknown> {
  const handles = Object.entries(specs).map(([name, spec]) => [name, openOne(name, spec, context)] as const)
  return Object.fromEntries(handles)
}

function openOne(name: string, spec: StateSpecs[string], context: OperatorContext): unknown {
  if (spec.kind === 'list') return context.list({ name })
  const descriptor = spec.codec === undefined ? { name } : { name, codec: spec.codec }
  return spec.kind === 'value' ? context.value(descriptor) : context.map(descriptor)
}
