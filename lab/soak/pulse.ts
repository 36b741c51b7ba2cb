import type { Source, SplitReader } from 'millrace'

/**
 * A source of keys that delivers as many as requested, and then waits: first each key once, then random keys.
 */
export class Pulse implements Source<number, number> {
  readonly kind = 'pulse'
  readonly durability = 'replayable'
  readonly #keys: number
  #allowed = 0
  #given = 0
  #wake: () => void = () => {}
  #drained: () => void = () => {}

  constructor(keys: number) {
    this.#keys = keys
  }

  /** Resolves once this many more have been delivered. */
  give(records: number): Promise<void> {
    this.#allowed += records
    return new Promise((resolve) => {
      this.#drained = resolve
      this.#wake()
    })
  }

  /** The reader is closed: requests for records fail. */
  letGo(): void {
    this.#drained()
  }

  async discover(): ReturnType<Source<number, number>['discover']> {
    return { splits: ['all'], isComplete: true }
  }

  async open(_split: string, from = 0): Promise<SplitReader<number, number>> {
    this.#given = from
    return {
      poll: (limit) => {
        const until = Math.min(this.#allowed, this.#given + limit)
        if (until === this.#given) {
          this.#drained()
          return { kind: 'pending', isCaughtUp: true }
        }
        const values: number[] = []
        while (this.#given < until) values.push(this.#key(this.#given++))
        return { kind: 'records', values }
      },
      ready: () =>
        new Promise((resolve) => {
          this.#wake = resolve
          if (this.#given < this.#allowed) resolve()
        }),
      position: () => this.#given,
      close: async () => this.#wake(),
    }
  }

  #key(index: number): number {
    if (index < this.#keys) return index
    const mixed = Math.imul(index ^ (index >>> 15), 0x2c1b3c6d)
    return ((mixed ^ (mixed >>> 13)) >>> 0) % this.#keys
  }
}
