import { ManualClock, Wakeup, seededRandom, systemScheduler } from '@millrace/world'
import type { Random } from '@millrace/world'
import type { ConnectorContext, Poll, Source, SplitReader } from '@millrace/core/connector'
import type { OpenStateStore, Pacing, StateTable } from '@millrace/core/store'
import { memoryStore } from '@millrace/store-memory'
import { SimFs } from '@millrace/testkit'
import { YieldBudget } from '../src/disk/yield-budget.ts'
import { FinishedSplits, finishedSplitsSpec } from '../src/task/finished-splits.ts'
import { SplitSet, type SplitSetOptions } from '../src/task/split-set.ts'
import { SplitWatermarks } from '../src/time/split-watermarks.ts'

/** What a scripted source does. */
export interface Script {
  /** The event times in each split. */
  readonly splits: Readonly<Record<string, readonly number[]>>
  /** Whether a split ends behind its last time. Otherwise it waits for `more`. */
  readonly ends: boolean
  /** Whether that is the end of a run only. */
  readonly isResumable?: boolean
  /** How many records a poll brings, and how often there are none at the moment. */
  readonly random?: Random
  /** Whether the source says which closed splits have more. */
  readonly saysChanges?: boolean
  /** Whether discovery may name other splits later. */
  readonly mayGrow?: boolean
  /** Splits whose readers must stay open. */
  readonly stayOpen?: readonly string[]
  /** Whether readers want to hear what is durable. */
  readonly acknowledges?: boolean
}

/** A source over times by split, which counts what is asked of it. */
export class ScriptedSource implements Source<number, number> {
  readonly kind = 'scripted'
  readonly durability = 'replayable'
  readonly times = new Map<string, number[]>()
  readonly opened = new Map<string, number>()
  readonly acknowledged = new Map<string, number>()
  declare readonly changed?: NonNullable<Source<number, number>['changed']>
  declare gone?: NonNullable<Source<number, number>['gone']>
  readonly #script: Script
  readonly #waiting = new Map<string, () => void>()
  open = (split: string, from = 0): Promise<SplitReader<number, number>> => {
    this.opened.set(split, (this.opened.get(split) ?? 0) + 1)
    this.openNow++
    this.openMost = Math.max(this.openMost, this.openNow)
    return Promise.resolve(this.#reader(split, from))
  }
  openNow = 0
  openMost = 0

  constructor(script: Script) {
    this.#script = script
    for (const [split, times] of Object.entries(script.splits)) this.times.set(split, [...times])
    if (script.saysChanges === true) {
      this.changed = async (splits) =>
        splits
          .filter(({ split, position = 0 }) => this.times.get(split)!.length > position)
          .map(({ split }) => split)
    }
  }

  async discover() {
    return { splits: [...this.times.keys()], isComplete: this.#script.mayGrow !== true }
  }

  /** Adds a time to a split. */
  more(split: string, time: number): void {
    this.times.get(split)!.push(time)
    this.#waiting.get(split)?.()
  }

  #reader(split: string, from: number): SplitReader<number, number> {
    const { random, ends, isResumable = false, acknowledges, stayOpen = [] } = this.#script
    const times = this.times.get(split)!
    let next = from
    let isClosed = false
    let isAway = random !== undefined
    const reader: SplitReader<number, number> = {
      mustStayOpen: stayOpen.includes(split),
      poll: (limit): Poll<number> => {
        if (isAway) return { kind: 'pending', isCaughtUp: false }
        if (next >= times.length)
          return ends ? { kind: 'end', isFinal: !isResumable } : { kind: 'pending', isCaughtUp: true }
        const first = next
        const count = random === undefined ? limit : 1 + random.int(limit)
        next = Math.min(times.length, first + count)
        isAway = random !== undefined && random.int(3) === 0
        return { kind: 'records', values: times.slice(first, next) }
      },
      ready: async () => {
        if (isClosed) return
        if (isAway) {
          for (let hop = random!.int(20); hop >= 0; hop--) await Promise.resolve()
          isAway = false
        } else if (next >= times.length) {
          await new Promise<void>((resolve) => this.#waiting.set(split, resolve))
        }
      },
      position: () => next,
      close: async () => {
        isClosed = true
        this.openNow--
        this.#waiting.get(split)?.()
        this.#waiting.delete(split)
      },
    }
    if (acknowledges === true) {
      reader.acknowledge = async (position) => void this.acknowledged.set(split, position)
    }
    return reader
  }
}

/** Does everything in one turn of the event loop. */
export const unhurried: Pacing = { spend: () => false, turn: async () => {} }

/** The table in which a source keeps what has ended, as a store restores it from what another has persisted. */
export async function finishedTable(
  fs: SimFs = new SimFs(),
  from?: Awaited<ReturnType<OpenStateStore['persist']>>,
): Promise<{ store: OpenStateStore; table: StateTable<Uint8Array> }> {
  const store = await memoryStore().open({
    fs,
    budget: unhurried,
    directory: 'state',
    from,
    retained: from === undefined ? [] : [from],
  })
  const groups = { first: 0, last: 15 }
  const table = store.table({ ...finishedSplitsSpec, owner: 'scripted', subtask: 0, groups })
  await store.load()
  return { store, table }
}

/** The splits of a table that have ended; none by default. */
export async function finishedSplits(table?: StateTable<Uint8Array>): Promise<FinishedSplits> {
  return FinishedSplits.load(table ?? (await finishedTable()).table, 16, unhurried)
}

/** What is chosen for a life; the rest is small. */
export type SplitLifeOptions = Partial<
  Pick<
    SplitSetOptions,
    | 'turnRecords'
    | 'maxOpenReaders'
    | 'idleAfterMs'
    | 'hasTimestamps'
    | 'restored'
    | 'finished'
    | 'watermarks'
  >
> & { readonly isBounded?: boolean; readonly limit?: number }

/** Does with a set of splits what a source task does, and keeps what it reads. */
export class SplitLife {
  readonly clock = new ManualClock(0)
  readonly watermarks: SplitWatermarks
  readonly set: SplitSet
  /** What was read, in order. */
  readonly read: { readonly split: string; readonly time: number }[] = []
  readonly #wakeup = new Wakeup()
  readonly #limit: number
  readonly #isTimed: boolean

  /** Begins a life: what there is at the start has been found, and opened as far as may be. */
  static async begin(source: Source<unknown>, options: SplitLifeOptions = {}): Promise<SplitLife> {
    const life = new SplitLife(source, { finished: await finishedSplits(), ...options })
    await life.set.open()
    return life
  }

  private constructor(
    source: Source<unknown>,
    options: SplitLifeOptions & { readonly finished: FinishedSplits },
  ) {
    const { hasTimestamps = true, isBounded = false, limit = 1_000_000, ...rest } = options
    this.watermarks = options.watermarks ?? new SplitWatermarks(0)
    this.#limit = limit
    this.#isTimed = hasTimestamps
    const parts: Partial<ConnectorContext> = {
      name: 'scripted',
      clock: this.clock,
      random: seededRandom(0),
      isBounded,
    }
    const context = parts as ConnectorContext
    this.set = new SplitSet({
      source,
      context,
      readerContext: () => ({ context, release: () => {} }),
      subtask: 0,
      parallelism: 1,
      keyGroups: 16,
      watermarks: this.watermarks,
      hasTimestamps,
      turnRecords: 10,
      maxOpenReaders: 1_000,
      idleAfterMs: undefined,
      restored: undefined,
      endedAt: Number.NEGATIVE_INFINITY,
      budget: new YieldBudget({ clock: this.clock, scheduler: systemScheduler }),
      wake: () => this.#wakeup.wake(),
      ...rest,
    })
  }

  /** How many records of each split were read. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { split } of this.read) counts.set(split, (counts.get(split) ?? 0) + 1)
    return counts
  }

  /** Reads until `isEnough`, until everything was read, or until nothing is left to do before time moves on. */
  async run(isEnough: () => boolean = () => false): Promise<void> {
    while (!this.set.isExhausted && !isEnough()) {
      this.set.raise()
      this.set.rediscover()
      if (await this.set.openNext()) continue
      if (await this.#readOnce()) continue
      this.set.noticeQuiet()
      if (!(await this.#woken())) return
    }
  }

  async #readOnce(): Promise<boolean> {
    const polled = this.set.poll(this.#limit)
    if (polled === undefined) return false
    const { feed, poll } = polled
    if (poll.kind === 'end') await this.set.end(feed, poll.isFinal === true)
    else if (poll.kind === 'records') {
      this.watermarks.read(feed.time)
      for (const value of poll.values) {
        const time = value as number
        if (this.#isTimed) this.watermarks.observe(time)
        this.read.push({ split: feed.split, time })
      }
    }
    return true
  }

  /** False if nothing happens in a few turns of the event loop. */
  async #woken(): Promise<boolean> {
    let isWoken = false
    void this.#wakeup.wait().then(() => (isWoken = true))
    for (let turn = 0; turn < 5 && !isWoken; turn++) await systemScheduler.turn()
    if (!isWoken) this.#wakeup.wake()
    return isWoken
  }
}
