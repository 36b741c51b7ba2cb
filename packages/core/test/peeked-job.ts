import { memory } from '@millrace/connector-memory'
import { headerColumn, type Source } from '@millrace/core/connector'
import type { Job, Peek, Peeked, PeekedRecord, PeekOptions } from '@millrace/core/job'
import { output, type PipelineBuilder } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import { expect } from 'vitest'
import { live, type LifeOptions } from './simulated-job.ts'

interface Order {
  readonly id: number
  readonly card: string
}

const orders: readonly Order[] = Array.from({ length: 40 }, (_, id) => ({ id, card: `card-${id % 7}` }))

/** Orders with headers in two splits, `size` at once and then a pause; it does not end. */
export function slow(everyMs: number, size = 1): Source<Order, number> {
  return {
    kind: 'slow',
    durability: 'replayable',
    discover: async () => ({ splits: ['0', '1'], isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      const own = orders.filter(({ id }) => id % 2 === Number(split))
      let next = from
      let isRested = true
      return {
        poll: () => {
          if (!isRested || next >= own.length) return { kind: 'pending', isCaughtUp: true }
          isRested = false
          const values = own.slice(next, next + size)
          next += values.length
          return { kind: 'records', values, headers: headerColumn(values, ({ id }) => ({ id: String(id) })) }
        },
        ready: async () => {
          await sleep(clock, everyMs, signal)
          isRested = true
        },
        position: () => next,
        close: async () => {},
      }
    },
  }
}

/** What has left each part, by the test's own account, and by which functions it came. */
export class Flowed {
  readonly #of = new Map<string, unknown[]>()
  readonly #ways = new Map<string, Set<string>>()

  of(part: string): unknown[] {
    const list = this.#of.get(part) ?? []
    this.#of.set(part, list)
    return list
  }

  /** A step that notes what `part` has emitted. */
  tap(part: string): (value: unknown) => undefined {
    return (value) => {
      this.of(part).push(structuredClone(value))
      this.#note(part)
      return undefined
    }
  }

  /** A key selector, which is called at the end of a task that `part` is the last of. */
  key(part: string): (value: { readonly card?: string; readonly called?: number }) => string {
    return ({ card, called }) => {
      this.#note(part)
      return card ?? String(called)
    }
  }

  ways(part: string): readonly string[] {
    return [...(this.#ways.get(part) ?? [])]
  }

  forgetWays(): void {
    this.#ways.clear()
  }

  #note(part: string): void {
    const ways = this.#ways.get(part) ?? new Set()
    // The nearest callers, with their lines: steps are compiled anew when one of them is tapped.
    const way = new Error('way').stack!.split('\n').slice(3, 8)
    this.#ways.set(part, ways.add(way.join('\n')))
  }
}

const isEven = ({ id }: Order): boolean => id % 2 === 0

/** Every kind of part, each followed by a step that notes what has left it. */
export function everyPart(flowed: Flowed, source = slow(100)): (p: PipelineBuilder) => void {
  return (p) => {
    const timed = p
      .from('orders', source)
      .tap(flowed.tap('orders'), { name: 'before times' })
      .withTimestamps({ timestamp: ({ id }) => id * 1_000, name: 'times' })
    const sums = timed
      .tap(flowed.tap('times'))
      .map(({ id, card }) => ({ id: id + 100, card }), { name: 'map' })
      .tap(flowed.tap('map'))
      .filter(isEven, { name: 'even' })
      .tap(flowed.tap('even'))
      .flatMap((order) => [order, { ...order, id: order.id + 1 }], { name: 'twice' })
      .tap(flowed.tap('twice'))
      .keyBy(({ card }) => card)
      .process('rich', {
        output: output<Order>(),
        outputs: { large: output<number>() },
        onRecord({ value }, { emit, outputs }) {
          emit(value)
          if (value.id % 3 > 0) outputs.large.emit(value.id)
        },
      })
    sums.outputs.large.tap(flowed.tap('rich.large')).to('large', memory.write())
    const calls = sums
      .tap(flowed.tap('rich'))
      .keyBy(({ card }) => card)
      .mapAsync('call', async (order) => ({ called: order.id }))
    calls.tap(flowed.tap('call')).to('out', memory.write())
    calls
      .keyBy(flowed.key('call end'))
      .process('last', { onRecord: () => {} })
      .to('none', memory.write())
    timed
      .keyBy(flowed.key('times end'))
      .process('side', { onRecord: () => {} })
      .to('nothing', memory.write())
  }
}

const everyMs = 200

/** Peeks from the start on, some times a second, until `enough` is true; what it saw, and the job, which still runs. */
export async function peeked(
  build: (p: PipelineBuilder) => void,
  options: PeekOptions,
  life: LifeOptions & { readonly enough?: (all: Peeked, ms: number) => boolean } = {},
): Promise<Peeked & { readonly job: Job; readonly peek: Peek }> {
  const { enough = (_, ms) => ms > 3_000, ...rest } = life
  const platform = life.platform ?? simPlatform({ seed: 1 })
  const begunAt = platform.clock.monotonic()
  const records: PeekedRecord[] = []
  let [seen, matched] = [0, 0]
  let peek: Peek | undefined
  let failure: Error | undefined
  const keep = async (): Promise<void> => {
    const taken = await peek!.take()
    records.push(...taken.records)
    seen += taken.seen
    matched += taken.matched
  }
  const take = async (job: Job): Promise<void> => {
    peek ??= job.peek(options)
    await keep()
    platform.clock.schedule(everyMs, () => void take(job).catch(failed))
  }
  const failed = (error: unknown): void => {
    failure ??= error as Error
  }
  const { job, result } = await live(build, {
    isBounded: false,
    checkpoints: { everyMs: 1_000 },
    ...rest,
    platform,
    until: () =>
      failure !== undefined || enough({ records, seen, matched }, platform.clock.monotonic() - begunAt),
    onEvent: (event, started) => {
      if (event.kind === 'started') void take(started).catch(failed)
    },
  })
  expect(result).toBeUndefined()
  if (failure !== undefined) throw failure
  await keep()
  return { records, seen, matched, job, peek: peek! }
}
