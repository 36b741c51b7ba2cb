import type { EventTime } from '../kernel/time.ts'
import type { KeyToken } from '../kernel/key-token.ts'
import type { Cell } from '../state/state-store.ts'

/** One call of the user's function and the record it is for. */
export interface AsyncCall {
  readonly value: unknown
  readonly time: EventTime
  /** The watermark the record arrived under; its result leaves under no later one. */
  readonly watermark: EventTime
  /** Undefined unless results keep their order within each key. */
  readonly key: KeyToken | undefined
  readonly originIndex: number
  readonly place: () => string
  readonly raw: () => Uint8Array | undefined
  /** Where the record is kept until its result has left. */
  readonly cell: Cell<unknown>
  outcome: { readonly result: unknown } | { readonly thrown: unknown } | undefined
}

/**
 * Calls in flight, in the order of their inputs, and which of them may leave now.
 *
 * True between any two calls: `watermark` is that of the oldest call in flight, so no result leaves behind a
 * watermark that its input preceded.
 */
export class AsyncCalls {
  readonly #order: 'none' | 'input' | 'key'
  readonly #inFlight = new Set<AsyncCall>()
  /** Per key, its calls in order. Only used when results keep their order within each key. */
  readonly #byKey = new Map<KeyToken, AsyncCall[]>()
  readonly #settled: AsyncCall[] = []

  constructor(order: 'none' | 'input' | 'key') {
    this.#order = order
  }

  get size(): number {
    return this.#inFlight.size
  }

  /** The watermark of the oldest call, or undefined if there is none. */
  get watermark(): EventTime | undefined {
    for (const call of this.#inFlight) return call.watermark
    return undefined
  }

  begin(call: AsyncCall): void {
    this.#inFlight.add(call)
    if (this.#order !== 'key') return
    const queue = this.#byKey.get(call.key!)
    if (queue === undefined) this.#byKey.set(call.key!, [call])
    else queue.push(call)
  }

  /** `call` has its outcome. */
  settle(call: AsyncCall): void {
    this.#settled.push(call)
  }

  /** The next call whose result may leave, or undefined. The caller removes it once the result has left. */
  next(): AsyncCall | undefined {
    if (this.#order === 'input') {
      for (const call of this.#inFlight) return call.outcome === undefined ? undefined : call
      return undefined
    }
    if (this.#order === 'none') return this.#settled[0]
    return this.#settled.find((call) => this.#byKey.get(call.key!)![0] === call)
  }

  remove(call: AsyncCall): void {
    this.#inFlight.delete(call)
    this.#settled.splice(this.#settled.indexOf(call), 1)
    if (this.#order !== 'key') return
    const queue = this.#byKey.get(call.key!)!
    queue.shift()
    if (queue.length === 0) this.#byKey.delete(call.key!)
  }
}
