import { MillraceError, type EventTime } from '@millrace/core'
import type { ConnectorContext, Origin, Poll, SplitReader } from '@millrace/core/connector'
import { sleep } from '@millrace/world'
import type { Random } from '@millrace/world'
import { BlockShuffle } from './block-shuffle.ts'
import type { GeneratorPlan, RecordSeed } from './generator-plan.ts'
import { RecordRandom, seedWords, type SeedWords } from './record-random.ts'

/** Position in a split: the place of the next record, from 0. */
export type GeneratorPosition = { readonly index: number }

/**
 * Generates the records of one split.
 *
 * Place `i` of split `s` holds record `shuffled(i) * splits + s`, which determines its time and randomness.
 * With a rate, place `i` is due `(i - start) * splits / rate` seconds after the split was opened; after a
 * stall, overdue records are emitted at once to keep the average.
 */
export class GeneratorReader<T> implements SplitReader<T, GeneratorPosition> {
  readonly #plan: GeneratorPlan<T>
  readonly #split: number
  readonly #splitName: string
  readonly #context: ConnectorContext
  readonly #words: SeedWords
  readonly #shuffle: BlockShuffle
  /** Number of records of this split. */
  readonly #count: number
  readonly #start: number
  readonly #openedAt: number
  /** Milliseconds of the clock between two records; 0 without a rate. */
  readonly #stepMs: number
  readonly #closing = new AbortController()
  readonly #stopped: AbortSignal
  #index: number
  #waiting: Promise<void> | undefined

  constructor(
    plan: GeneratorPlan<T>,
    split: number,
    splitName: string,
    start: number,
    context: ConnectorContext,
  ) {
    this.#plan = plan
    this.#split = split
    this.#splitName = splitName
    this.#context = context
    this.#count = Math.max(0, Math.ceil((plan.count - split) / plan.splits))
    this.#words = seedWords(plan.seed, 'records')
    this.#shuffle = new BlockShuffle(
      seedWords(plan.seed, `disorder of ${splitName}`),
      plan.blockRecords,
      this.#count,
    )
    this.#start = start
    this.#index = start
    this.#openedAt = context.clock.monotonic()
    this.#stepMs = (1_000 * plan.splits) / plan.rate
    this.#stopped = AbortSignal.any([context.signal, this.#closing.signal])
  }

  poll(limit: number): Poll<T> {
    if (this.#index >= this.#count) return { kind: 'end' }
    const start = this.#index
    const end = Math.min(start + limit, this.#count, this.#dueEnd())
    if (end <= start) return { kind: 'pending', isCaughtUp: true }
    const values: T[] = []
    for (let place = start; place < end; place++) values.push(this.#make(place))
    this.#index = end
    return {
      kind: 'records',
      values,
      origin: new GeneratedOrigin(this.#context.name, this.#splitName, start),
    }
  }

  ready(): Promise<void> {
    this.#waiting ??= this.#waitUntilDue().finally(() => {
      this.#waiting = undefined
    })
    return this.#waiting
  }

  position(): GeneratorPosition {
    return { index: this.#index }
  }

  close(): Promise<void> {
    this.#closing.abort()
    return Promise.resolve()
  }

  async #waitUntilDue(): Promise<void> {
    const { clock } = this.#context
    while (!this.#stopped.aborted && this.#isEarly()) {
      const delayMs = this.#openedAt + (this.#index - this.#start) * this.#stepMs - clock.monotonic()
      // At least 1 ms, rounded up: rounding down to 0 would busy-loop.
      // A stop ends the wait too.
      await sleep(clock, Math.max(1, Math.ceil(delayMs)), this.#stopped).catch(() => undefined)
    }
  }

  #isEarly(): boolean {
    return this.#index < this.#count && this.#dueEnd() <= this.#index
  }

  /** The first place that is not due yet. */
  #dueEnd(): number {
    if (this.#stepMs === 0) return Infinity
    const elapsedMs = this.#context.clock.monotonic() - this.#openedAt
    return this.#start + Math.floor(elapsedMs / this.#stepMs) + 1
  }

  #make(place: number): T {
    const plan = this.#plan
    const index = this.#shuffle.recordAt(place) * plan.splits + this.#split
    const time = plan.startAt + Math.floor(index * plan.everyMs)
    try {
      return plan.make(new LazyRecordSeed(index, time, this.#words))
    } catch (cause) {
      throw new MillraceError('SOURCE_FAILED', `make threw for record ${index}. Fix it and start again`, {
        cause,
        place: `split ${this.#splitName}, record ${place}`,
      })
    }
  }
}

/** Creates the randomness of a record only when `make` uses it. */
class LazyRecordSeed implements RecordSeed {
  readonly index: number
  readonly time: EventTime
  readonly #words: SeedWords
  #random: Random | undefined

  constructor(index: number, time: EventTime, words: SeedWords) {
    this.index = index
    this.time = time
    this.#words = words
  }

  get random(): Random {
    return (this.#random ??= new RecordRandom(this.#words, this.index))
  }
}

class GeneratedOrigin implements Origin {
  readonly source: string
  readonly split: string
  readonly #start: number

  constructor(source: string, split: string, start: number) {
    this.source = source
    this.split = split
    this.#start = start
  }

  place(index: number): string {
    return `record ${this.#start + index}`
  }

  raw(): undefined {
    return undefined
  }
}
