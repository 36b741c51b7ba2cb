import { sleep } from '@millrace/world'
import type { Clock, Random } from '@millrace/world'
import type { ConnectorContext } from '@millrace/core/connector'
import type { Inputs } from './inputs.ts'
import type { LateSplits } from './late-splits.ts'

/** Decides when records of a simulated source become available. Each life of the process has its own. */
export interface Pace {
  /** Whether the job counts as bounded: it then chooses by itself which split to read next. */
  readonly isBounded: boolean
  /** Called when a split was opened at this item. */
  opened(source: string, split: string, at: number): void
  /** Returns how many items may be delivered now, beginning with this one. */
  available(source: string, split: string, at: number): number
  /** Called with the number of delivered items. */
  taken(source: string, split: string, to: number): void
  /** Called when the end of a split was read. */
  ended(source: string, split: string): void
  /** Resolves when items may be available. */
  wait(context: ConnectorContext): Promise<void>
}

/** Delivers the records of each split in pieces of random size, after random waits. */
export class FreePace implements Pace {
  readonly isBounded = true
  readonly #random: Random
  readonly #itemsMax: number
  readonly #waitMs: number
  /** By source and split: the index of the first item not yet available. */
  readonly #there = new Map<string, number>()

  constructor(random: Random, itemsMax: number, waitMs: number) {
    this.#random = random
    this.#itemsMax = itemsMax
    this.#waitMs = waitMs
  }

  opened(source: string, split: string, at: number): void {
    this.#there.set(`${source}/${split}`, at)
  }

  available(source: string, split: string, at: number): number {
    return (this.#there.get(`${source}/${split}`) ?? at) - at
  }

  taken(source: string, split: string, to: number): void {
    // Half of the time the next piece is there already.
    if (this.#waitMs === 0 || this.#random.int(2) === 0) this.#bring(`${source}/${split}`, to)
    else this.#there.set(`${source}/${split}`, to)
  }

  ended(): void {}

  async wait(context: ConnectorContext): Promise<void> {
    await sleep(context.clock, this.#random.int(this.#waitMs + 1))
    for (const [split, there] of this.#there) this.#bring(split, there)
  }

  #bring(split: string, from: number): void {
    this.#there.set(split, from + 1 + this.#random.int(this.#itemsMax))
  }
}

/** Delivers everything at once. */
export const everythingAtOnce: Omit<Pace, 'isBounded'> = {
  opened() {},
  available: () => Number.POSITIVE_INFINITY,
  taken() {},
  ended() {},
  wait: () => Promise.resolve(),
}

/** One piece of one split. */
interface Piece {
  readonly source: string
  readonly split: string
  readonly from: number
  readonly to: number
}

/** All pieces of all splits, in the order in which a `TurnstilePace` admits them. */
export type PieceOrder = readonly Piece[]

/** The schedule of one split where splits take turns. */
interface Rhythm {
  /** The place of the last records in the order, from 0 to 1. */
  readonly end: number
  /** The number of bursts of the other records; undefined spreads them evenly. */
  readonly bursts?: number
}

/**
 * Schedules for the splits in rotation. Some splits end early, the first one of a source before the others. Splits with
 * bursts are ahead of the rest in event time, and quiet until the rest has caught up.
 */
const rhythms: readonly Rhythm[] = [
  { end: 0.3 },
  { end: 1, bursts: 4 },
  { end: 0.7 },
  { end: 0.45, bursts: 2 },
  { end: 0.55 },
]

/**
 * Divides inputs into pieces and puts the pieces of all splits into one order. Splits end at different moments, because
 * many faults show only after one has ended while others continue.
 *
 * The order depends only on the number of items in each split, so all runs of an input share it.
 */
export function staggeredOrder(inputs: Inputs, itemsMax: number): PieceOrder {
  const pieces: (Piece & { readonly at: number })[] = []
  let splits = 0
  for (const [source, input] of inputs) {
    for (const [split, items] of input) {
      const rhythm = rhythms[splits++ % rhythms.length]!
      for (let from = 0; from < items.length; from += itemsMax) {
        const to = Math.min(items.length, from + itemsMax)
        pieces.push({ source, split, from, to, at: placeOf(from, to, items.length, rhythm) })
      }
    }
  }
  // Sorting is stable: equals stay in order of sources and splits.
  return pieces.sort((a, b) => a.at - b.at)
}

/** The place of a piece in the order, from 0 to 1. */
function placeOf(from: number, to: number, length: number, { end, bursts }: Rhythm): number {
  if (bursts === undefined || to === length) return (end * to) / length
  return (end * Math.floor((bursts * from) / length)) / bursts
}

/** How long the job must be quiet before the next piece is admitted, in milliseconds. */
const gapMs = 4
/** The longest wait of a reader before it checks again whether it is its turn, in milliseconds. */
const longestWaitMs = 1_000

/**
 * Admits the pieces of all splits one by one, always in the same order, each when the previous one has been processed.
 *
 * Results may depend on the order of records of different splits. This fixed order makes them equal at any parallelism:
 * time advances only when no task has work left, and a piece is admitted only when time has advanced and no call to the
 * outside is in progress.
 */
export class TurnstilePace implements Pace {
  readonly isBounded = false
  readonly #order: PieceOrder
  readonly #clock: Clock
  readonly #isQuiet: () => boolean
  readonly #ended: Set<string>
  readonly #late: LateSplits
  readonly #timed: ReadonlySet<string>
  /** By source and split: the number of delivered items. */
  readonly #handedOut = new Map<string, number>()
  /** The index of the next piece. */
  #next = 0
  /** The time since which it may be admitted. */
  #opensAtMs = 0

  /**
   * `isQuiet` says whether no call to the outside is in progress; `ended` are the splits that were read to their end in
   * an earlier life: a job that remembers it does not open them again. While a split of one of the `timed` sources has
   * not appeared, nothing is admitted: the watermark does not wait for an unknown split, so its records would be late.
   */
  constructor(parts: {
    readonly order: PieceOrder
    readonly clock: Clock
    readonly isQuiet: () => boolean
    readonly ended: Set<string>
    readonly late: LateSplits
    readonly timed: ReadonlySet<string>
  }) {
    this.#order = parts.order
    this.#clock = parts.clock
    this.#isQuiet = parts.isQuiet
    this.#ended = parts.ended
    this.#late = parts.late
    this.#timed = parts.timed
  }

  opened(source: string, split: string, at: number): void {
    this.#handedOut.set(`${source}/${split}`, at)
    this.#next = 0
    this.#skip()
    // All others may have waited for it: its arrival has to be processed first.
    this.#opensAtMs = this.#clock.monotonic() + gapMs
  }

  available(source: string, split: string, at: number): number {
    const piece = this.#order[this.#next]
    if (piece === undefined || piece.source !== source || piece.split !== split) return 0
    if (this.#isHeldBack(piece)) return 0
    return this.#clock.monotonic() >= this.#opensAtMs && this.#isQuiet() ? piece.to - at : 0
  }

  taken(source: string, split: string, to: number): void {
    this.#handedOut.set(`${source}/${split}`, to)
    this.#skip()
  }

  ended(source: string, split: string): void {
    this.#ended.add(`${source}/${split}`)
  }

  async wait(): Promise<void> {
    const piece = this.#order[this.#next]
    const lateMs = piece !== undefined && this.#isHeldBack(piece) ? this.#late.missingMs : 0
    const untilMs = this.#opensAtMs - this.#clock.monotonic()
    // The longer nothing has happened, the less often the pace checks: a job that is stuck waits for minutes.
    const patienceMs = Math.min(longestWaitMs, Math.floor(-untilMs / 16))
    await sleep(this.#clock, Math.max(1, untilMs, lateMs, patienceMs))
  }

  #isHeldBack({ source, split }: Piece): boolean {
    return this.#late.isAwaited(source, split) || this.#late.isAnyAwaited(this.#timed)
  }

  #skip(): void {
    const before = this.#next
    for (; this.#next < this.#order.length; this.#next++) {
      const { source, split, to } = this.#order[this.#next]!
      if (this.#late.isAwaited(source, split)) break
      const name = `${source}/${split}`
      if ((this.#handedOut.get(name) ?? (this.#ended.has(name) ? to : 0)) < to) break
    }
    if (this.#next !== before) this.#opensAtMs = this.#clock.monotonic() + gapMs
  }
}
