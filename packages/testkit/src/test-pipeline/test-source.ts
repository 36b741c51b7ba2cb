import type { ConnectorContext, Discovery, Poll, Source, SplitReader } from '@millrace/core/connector'

/** The records that a test has sent to one split, and whether more may follow. */
export class TestSplit {
  readonly #values: unknown[] = []
  #hasEnded = false
  /** Wakes the reader that waits. */
  #wake: () => void = () => {}

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  send(values: readonly unknown[]): void {
    this.#values.push(...values)
    this.#wake()
  }

  end(): void {
    this.#hasEnded = true
    this.#wake()
  }

  open(
    from: number,
    origin: { readonly source: string; readonly split: string },
  ): SplitReader<unknown, number> {
    let next = from
    let isClosed = false
    return {
      poll: (limit): Poll<unknown> => {
        const first = next
        const values = this.#values.slice(first, first + limit)
        if (values.length === 0) {
          return this.#hasEnded ? { kind: 'end', isFinal: true } : { kind: 'pending', isCaughtUp: true }
        }
        next += values.length
        const place = (index: number): string => `record ${first + index + 1} that the test has sent`
        return { kind: 'records', values, origin: { ...origin, place, raw: () => undefined } }
      },
      ready: async () => {
        if (isClosed || this.#hasEnded || next < this.#values.length) return
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      },
      position: () => next,
      close: async () => {
        isClosed = true
        this.#wake()
      },
    }
  }
}

/** Replaces a source with one that delivers what the test sends to its splits. */
export class TestSource implements Source<unknown, number> {
  readonly kind: string
  readonly durability = 'replayable'
  readonly splits: ReadonlyMap<string, TestSplit>
  readonly #name: string

  constructor(name: string, kind: string, splits: readonly string[]) {
    this.#name = name
    this.kind = kind
    this.splits = new Map(splits.map((split) => [split, new TestSplit()]))
  }

  async discover(): Promise<Discovery> {
    return { splits: [...this.splits.keys()], isComplete: true }
  }

  async open(
    split: string,
    from: number | undefined,
    _context: ConnectorContext,
  ): Promise<SplitReader<unknown, number>> {
    return this.splits.get(split)!.open(from ?? 0, { source: this.#name, split })
  }
}
