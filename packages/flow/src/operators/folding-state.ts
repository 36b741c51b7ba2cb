import { isThenable, refusePromise, type ValueState, type WriteOptions } from '@millrace/core/operator'
import type { Accumulators } from '../window/accumulators.ts'
import type { Aggregate, Aggregates } from '../window/aggregate.ts'

/** One value for each key, into which others are combined. */
export interface ReducingState<T> {
  /** All values so far in one, or undefined if there are none. */
  get(): T | undefined
  /** Combines a value into it. */
  add(value: T, options?: WriteOptions): void
  clear(): void
}

/** The results of aggregates, by name. */
export type AggregateResults<A extends Aggregates<never>> = {
  readonly [Name in keyof A]: A[Name] extends Aggregate<never, infer _, infer Result> ? Result : never
}

/** Aggregates for each key, such as those of windows. */
export interface AggregatingState<T, Results> {
  /** The results of all values so far, or undefined if there are none. */
  get(): Results | undefined
  add(value: T, options?: WriteOptions): void
  clear(): void
}

/** Boxed, so that an undefined total is a value. */
export interface Boxed<T> {
  readonly value: T
}

export class Reducing<T> implements ReducingState<T> {
  readonly #total: ValueState<Boxed<T>>
  readonly #combine: (total: T, value: T) => T

  constructor(total: ValueState<Boxed<T>>, combine: (total: T, value: T) => T) {
    this.#total = total
    this.#combine = combine
  }

  get(): T | undefined {
    return this.#total.get()?.value
  }

  add(value: T, options?: WriteOptions): void {
    const before = this.#total.get()
    const total = before === undefined ? value : this.#combine(before.value, value)
    if (isThenable(total)) refusePromise(total)
    this.#total.set({ value: total }, options)
  }

  clear(): void {
    this.#total.clear()
  }
}

export class Aggregating<T, Results> implements AggregatingState<T, Results> {
  readonly #state: ValueState<unknown>
  readonly #accumulators: Accumulators

  constructor(state: ValueState<unknown>, accumulators: Accumulators) {
    this.#state = state
    this.#accumulators = accumulators
  }

  get(): Results | undefined {
    const held = this.#state.get()
    if (held === undefined) return undefined
    const results = {}
    this.#accumulators.results(held, results)
    return results as Results
  }

  add(value: T, options?: WriteOptions): void {
    const held = this.#state.get()
    this.#state.set(
      held === undefined ? this.#accumulators.first(value) : this.#accumulators.add(held, value),
      options,
    )
  }

  clear(): void {
    this.#state.clear()
  }
}
