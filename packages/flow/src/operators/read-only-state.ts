import { MillraceError, type Key } from '@millrace/core'
import type { KeyRange, ListState, MapState, OrderedMapState, ValueState } from '@millrace/core/operator'
import type { StateSpec, StateSpecs } from './state-spec.ts'

/** The reading half of a handle. */
export type Reading<Handle> =
  Handle extends OrderedMapState<infer K, infer V>
    ? Pick<OrderedMapState<K, V>, 'get' | 'has' | 'entries' | 'size' | 'range' | 'rangeBackward'>
    : Handle extends MapState<infer K, infer V>
      ? Pick<MapState<K, V>, 'get' | 'has' | 'entries' | 'size'>
      : Handle extends ListState<infer T>
        ? Pick<ListState<T>, 'get'>
        : Handle extends ValueState<infer T>
          ? Pick<ValueState<T>, 'get'>
          : never

/** Handles that can be read and not changed. */
export type ReadOnlyHandles<S extends StateSpecs> = {
  readonly [Name in keyof S]: S[Name] extends StateSpec<infer Handle> ? Reading<Handle> : never
}

/** The reading half of any handle. For untyped callers its other methods throw `STATE_MISUSED`. */
export class ReadOnlyState {
  readonly #handle: OrderedMapState<Key, unknown>
  readonly #name: string

  constructor(handle: unknown, name: string) {
    this.#handle = handle as OrderedMapState<Key, unknown>
    this.#name = name
  }

  get(name: Key): unknown {
    return this.#handle.get(name)
  }

  has(name: Key): boolean {
    return this.#handle.has(name)
  }

  entries(): IterableIterator<[Key, unknown]> {
    return this.#handle.entries()
  }

  range(range: KeyRange<Key>): IterableIterator<[Key, unknown]> {
    return this.#handle.range(range)
  }

  rangeBackward(range: KeyRange<Key>): IterableIterator<[Key, unknown]> {
    return this.#handle.rangeBackward(range)
  }

  get size(): number {
    return this.#handle.size
  }

  set(): never {
    throw this.#misused()
  }

  add(): never {
    throw this.#misused()
  }

  delete(): never {
    throw this.#misused()
  }

  deleteRange(): never {
    throw this.#misused()
  }

  clear(): never {
    throw this.#misused()
  }

  #misused(): MillraceError {
    return new MillraceError(
      'STATE_MISUSED',
      `broadcast state '${this.#name}' was changed outside of onBroadcast, so subtasks would no longer agree on it; change it there`,
    )
  }
}
