import type { RecordHeaders } from '@millrace/core'
import {
  headerColumn,
  type ConnectorContext,
  type DecodeFailure,
  type Discovery,
  type Poll,
  type Source,
  type SplitReader,
} from '@millrace/core/connector'
import { sleep } from '@millrace/world'
import { boxed } from './box.ts'
import { freshCopy } from './fresh-copy.ts'
import type { Growth } from './growth.ts'
import type { InputItem, SourceInput } from './inputs.ts'
import type { LateSplits } from './late-splits.ts'
import type { Pace } from './pace.ts'
import type { Trouble } from './trouble.ts'

/** The progress of a volatile source: a delivered item cannot be read again. */
export class Spent {
  /** By source and split: the first item not handed out. */
  readonly #upTo = new Map<string, number>()
  /** By source and split: items that were delivered to a process and lost. */
  readonly #lost = new Map<string, Set<number>>()
  /** The epoch of the newest owner that has opened a split. */
  #epoch = 0

  /**
   * Returns where an owner that restored position `from` continues. The items it missed are lost, unless another owner
   * has replaced it: then its results do not count.
   */
  resume(split: string, from: number, epoch: number): number {
    const upTo = Math.max(this.#upTo.get(split) ?? 0, from)
    if (epoch < this.#epoch) return upTo
    this.#epoch = epoch
    const lost = this.#lost.get(split) ?? new Set()
    this.#lost.set(split, lost)
    for (let item = from; item < upTo; item++) lost.add(item)
    return upTo
  }

  taken(split: string, to: number): void {
    this.#upTo.set(split, Math.max(to, this.#upTo.get(split) ?? 0))
  }

  isLost(split: string, item: number): boolean {
    return this.#lost.get(split)?.has(item) ?? false
  }

  /** Whether anything was lost. */
  get isComplete(): boolean {
    return [...this.#lost.values()].every((lost) => lost.size === 0)
  }
}

/** The parts of a simulated source. */
export interface SimSourceParts {
  readonly kind: string
  readonly durability: Source<unknown>['durability']
  readonly name: string
  readonly input: SourceInput
  readonly pace: Omit<Pace, 'isBounded'>
  readonly late: LateSplits
  readonly growth: Growth
  readonly trouble: Trouble
  readonly spent: Spent
  /** Whether a waiting split reports that it has caught up, and so may become idle. */
  readonly mayBeIdle: boolean
}

/** Replaces a source by one with the same splits, copies of the recorded items, and positions that count items. */
export class SimSource implements Source<unknown, number> {
  readonly kind: string
  readonly durability: Source<unknown>['durability']
  readonly discoverEveryMs = 15
  readonly #parts: SimSourceParts

  constructor(parts: SimSourceParts) {
    this.#parts = parts
    this.kind = parts.kind
    this.durability = parts.durability
  }

  discover(): Promise<Discovery> {
    const { name, input, late, growth, trouble } = this.#parts
    const [there, missing]: [string[], string[]] = [[], []]
    for (const split of input.keys())
      if (growth.isThere(name, split)) (late.isMissing(name, split) ? missing : there).push(split)
    if (missing.length > 0) trouble.withheld(name, missing)
    return Promise.resolve({ splits: there, isComplete: missing.length === 0 })
  }

  open(
    split: string,
    from: number | undefined,
    context: ConnectorContext,
  ): Promise<SplitReader<unknown, number>> {
    const { name, input, durability, spent, late } = this.#parts
    late.opened(name, split)
    const start =
      durability === 'volatile'
        ? spent.resume(`${name}/${split}`, from ?? 0, context.owner.epoch)
        : (from ?? 0)
    return Promise.resolve(new SimReader(this.#parts, split, input.get(split) ?? [], start, context))
  }
}

class SimReader implements SplitReader<unknown, number> {
  readonly #parts: SimSourceParts
  readonly #split: string
  readonly #line: string
  readonly #items: readonly InputItem[]
  readonly #context: ConnectorContext
  #next: number

  constructor(
    parts: SimSourceParts,
    split: string,
    items: readonly InputItem[],
    start: number,
    context: ConnectorContext,
  ) {
    this.#parts = parts
    this.#split = split
    this.#line = `${parts.name}, split ${split}`
    this.#items = items
    this.#context = context
    this.#next = start
    parts.pace.opened(parts.name, split, start)
  }

  poll(limit: number): Poll<unknown> {
    const { name, pace, trouble, spent, mayBeIdle, growth } = this.#parts
    if (this.#next >= this.#items.length) {
      pace.ended(name, this.#split)
      return { kind: 'end', isFinal: true }
    }
    const there = growth.upTo(name, this.#split)
    if (this.#next >= there) return { kind: 'end' }
    trouble.atSource(this.#line)
    const count = Math.min(limit, pace.available(name, this.#split, this.#next), there - this.#next)
    if (count <= 0) return { kind: 'pending', isCaughtUp: mayBeIdle }
    const first = this.#next
    this.#next += count
    pace.taken(name, this.#split, this.#next)
    spent.taken(`${name}/${this.#split}`, this.#next)
    return this.#records(first)
  }

  async ready(): Promise<void> {
    const { pace, trouble } = this.#parts
    const stallMs = trouble.stallAt(this.#line)
    if (stallMs > 0) await sleep(this.#context.clock, stallMs)
    await pace.wait(this.#context)
  }

  position(): number {
    return this.#next
  }

  async close(): Promise<void> {}

  #records(first: number): Poll<unknown> {
    const values: unknown[] = []
    const numbers: number[] = []
    const failures: DecodeFailure[] = []
    for (let at = first; at < this.#next; at++) {
      const item = this.#items[at]!
      if (item.kind === 'record') {
        values.push(boxed(this.#line, freshCopy(item.value)))
        numbers.push(at)
      } else {
        failures.push({ index: values.length, error: item.error, raw: item.raw, place: item.place })
      }
    }
    const origin = {
      source: this.#parts.name,
      split: this.#split,
      place: (index: number) => `record ${numbers[index]}`,
      raw: () => undefined,
    }
    const headers = headerColumn(numbers, (at) => headersOf(this.#items[at]!))
    return { kind: 'records', values, headers, origin, failures }
  }
}

function headersOf(item: InputItem): RecordHeaders | undefined {
  return item.kind === 'record' ? item.headers : undefined
}
