import type { Source, SplitReader } from 'millrace'

/** A source of keys that gives as many as it is told to, and then waits: first each once, then at random. */
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

  /** Resolves once so many more have been handed out. */
  give(records: number): Promise<void> {
    this.#allowed += records
    return new Promise((resolve) => {
      this.#drained = resolve
      this.#wake()
    })
  }

  /** Nobody reads any more: whoever waits for records to be handed out waits in vain. */
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
