import { ByteWriter, structuredCodec, type Codec, type Key } from '@millrace/core'
import type { MapState, StateDescriptor, ValueState } from '@millrace/core/operator'
import { keyToken } from '@millrace/core/store'
import { sameBytes } from '@millrace/testkit'

/** A state value as it was when the operator received it. */
interface HandedOut {
  readonly state: string
  readonly codec: Codec<unknown>
  readonly value: object
  readonly bytes: Uint8Array
}

/**
 * Detects state that an operator changes in place without `set`.
 *
 * Invariant: between two calls of user code the operator holds no value. Lists are not checked.
 */
export class UnsetState {
  readonly #writer = new ByteWriter()
  /** Values that this call has received and not set since, by the name of the state and its inner key. */
  readonly #handedOut = new Map<string, HandedOut>()

  /** Runs `code`, and passes the state that it changed in place without `set` to `found`. */
  during<T>(code: () => T, found: (state: string) => void): T {
    try {
      const result = code()
      for (const { state, codec, value, bytes } of this.#handedOut.values()) {
        if (!sameBytes(bytes, this.#encode(codec, value))) found(state)
      }
      return result
    } finally {
      this.#handedOut.clear()
    }
  }

  value<T>(inner: ValueState<T>, descriptor: StateDescriptor<T>): ValueState<T> {
    const { name } = descriptor
    return {
      get: () => this.#handOut(name, inner.get(), descriptor),
      set: (value, options) => {
        this.#handedOut.delete(name)
        inner.set(value, options)
      },
      clear: () => {
        this.#handedOut.delete(name)
        inner.clear()
      },
    }
  }

  map<K extends Key, V>(inner: MapState<K, V>, descriptor: StateDescriptor<V>): MapState<K, V> {
    const placeOf = (name: K): string => `${descriptor.name} ${String(keyToken(name))}`
    return {
      get: (name) => this.#handOut(placeOf(name), inner.get(name), descriptor),
      has: (name) => inner.has(name),
      set: (name, value, options) => {
        this.#handedOut.delete(placeOf(name))
        inner.set(name, value, options)
      },
      delete: (name) => {
        this.#handedOut.delete(placeOf(name))
        inner.delete(name)
      },
      entries: () => inner.entries(),
      get size() {
        return inner.size
      },
      clear: () => {
        this.#handedOut.clear()
        inner.clear()
      },
    }
  }

  #handOut<T>(place: string, value: T | undefined, { name, codec }: StateDescriptor<T>): T | undefined {
    if (typeof value !== 'object' || value === null || this.#handedOut.has(place)) return value
    const written: Codec<unknown> = codec ?? structuredCodec()
    this.#handedOut.set(place, { state: name, codec: written, value, bytes: this.#encode(written, value) })
    return value
  }

  #encode(codec: Codec<unknown>, value: unknown): Uint8Array {
    this.#writer.reset()
    codec.encode(value, this.#writer)
    return this.#writer.written().slice()
  }
}
