import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import { CheckpointStorage } from '@millrace/core/job'
import { count, tumbling, type PipelineBuilder } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { openSource } from './open-source.ts'
import { live, nextLife, untilCheckpoint } from './simulated-job.ts'

interface Event {
  readonly key: string
  readonly time: number
}

interface Counted {
  readonly key: string
  readonly window: { readonly start: number }
  readonly n: number
}

const at = (key: string, ...times: readonly number[]): readonly Event[] =>
  times.map((time) => ({ key, time }))

/** A job in several lives on one disk: its windows, and what came too late for them. */
class Lives {
  readonly windows = memory.write<Counted>()
  readonly late = memory.write<Event>()
  #platform: SimPlatform = simPlatform({ seed: 1 })

  /** One life, until its first checkpoint. */
  async live(build: (p: PipelineBuilder, lives: Lives) => void, parallelism = 1): Promise<void> {
    const { result } = await live((p) => build(p, this), {
      platform: this.#platform,
      parallelism,
      isBounded: false,
      ...untilCheckpoint,
    })
    expect(result).toEqual({ outcome: 'stopped' })
    this.#platform = nextLife(this.#platform)
  }

  /** The windows that have fired, as `key@start=count`. */
  fired(): readonly string[] {
    return this.windows.values.map(({ key, window, n }) => `${key}@${window.start}=${n}`).toSorted()
  }

  async manifest() {
    const [newest] = await new CheckpointStorage(this.#platform.fs, 'data/checkpoints').readable(() => {})
    return newest!
  }
}

type Splits = Readonly<Record<string, readonly Event[]>>

/** Counts events by windows of 100; a late one counts for another 1000. */
function counting(splits: Splits, hasFilter = false) {
  return (p: PipelineBuilder, { windows, late }: Lives): void => {
    const timed = p.from('in', openSource(splits)).withTimestamps({ timestamp: ({ time }: Event) => time })
    const counted = (hasFilter ? timed.filter(() => true) : timed)
      .keyBy(({ key }) => key)
      .window(tumbling(100))
      .aggregate('counted', { n: count() }, { allowedLateness: 1000 })
    counted.to('windows', windows)
    counted.late.to('late', late)
  }
}

describe('an operator is restored by its own name', () => {
  test('a window that has fired does not fire again when a step is inserted, renamed or removed before it', async () => {
    for (const [before, after] of [
      [false, true],
      [true, false],
    ] as const) {
      const lives = new Lives()
      await lives.live(counting({ s: at('a', 10, 20, 250) }, before))
      await lives.live(counting({ s: at('a', 10, 20, 250, 260) }, after))
      expect(lives.fired()).toEqual(['a@0=2'])
    }
  })

  test('a new operator whose automatic name belonged to a step of another stream starts without a watermark', async () => {
    const lives = new Lives()
    const other = memory.write<Counted>()
    const stream = (p: PipelineBuilder, name: string, events: readonly Event[]) =>
      p
        .from(name, openSource({ s: events }))
        .withTimestamps({ timestamp: ({ time }) => time })
        .map((event) => event)
        .keyBy(({ key }) => key)
        .window(tumbling(100))
        .aggregate(`${name}-counted`, { n: count() })
    const fast = at('a', 10, 1_000_000)
    await lives.live((p, { windows }) => stream(p, 'fast', fast).to('windows', windows))
    await lives.live((p, { windows, late }) => {
      const slow = stream(p, 'slow', at('x', 1, 2, 500))
      slow.to('other', other)
      slow.late.to('late', late)
      stream(p, 'fast', fast).to('windows', windows)
    })
    expect(other.values).toMatchObject([{ key: 'x', window: { start: 0 }, n: 2 }])
    expect(lives.late.values).toEqual([])
    expect(lives.fired()).toEqual(['a@0=1'])
  })

  /** The stream of an old source, with that of a new one, which begins long before, beside it. */
  const withNewSource = (p: PipelineBuilder) => {
    const timed = (name: string, events: readonly Event[]) =>
      p.from(name, openSource({ s: events })).withTimestamps({ timestamp: ({ time }) => time })
    return timed('in', at('a', 10, 20, 2_000)).union(timed('new', at('b', 5, 15, 3_000)))
  }

  test('a new operator beside an old one starts without a watermark, and the old one keeps its own', async () => {
    const lives = new Lives()
    const fresh = memory.write<Counted>()
    await lives.live(counting({ s: at('a', 10, 20, 2_000) }))
    await lives.live((p, { windows, late }) => {
      const keyed = withNewSource(p).keyBy(({ key }) => key)
      const old = keyed.window(tumbling(100)).aggregate('counted', { n: count() }, { allowedLateness: 1000 })
      old.to('windows', windows)
      old.late.to('late', late)
      keyed.window(tumbling(50)).aggregate('fresh', { n: count() }).to('fresh-windows', fresh)
    })
    expect(lives.late.values.map(({ time }) => time)).toEqual([5, 15])
    expect(lives.fired()).toEqual(['a@0=2'])
    expect(fresh.values).toMatchObject([{ key: 'b', window: { start: 0 }, n: 2 }])
  })

  test('a name that belonged to another type of operator restores no watermark', async () => {
    const lives = new Lives()
    await lives.live((p, { late }) => {
      const { none } = p
        .from('in', openSource({ s: at('a', 10, 20, 2_000) }))
        .withTimestamps({ timestamp: ({ time }) => time })
        .split('counted', { none: () => false })
      none.to('late', late)
    })
    expect((await lives.manifest()).watermarks).toContainEqual({
      operator: 'counted',
      type: 'split',
      groups: [0, 127],
      watermark: 2_000,
      hasEnded: false,
      firedTo: null,
    })
    await lives.live((p, { windows, late }) => {
      const counted = withNewSource(p)
        .keyBy(({ key }) => key)
        .window(tumbling(100))
        .aggregate('counted', { n: count() })
      counted.to('windows', windows)
      counted.late.to('late', late)
    })
    expect(lives.late.values).toEqual([])
    expect(lives.fired()).toEqual(['b@0=2'])
  })
})

describe('after a change of parallelism', () => {
  const changes = [
    [1, 2],
    [2, 1],
    [3, 2],
    [2, 3],
    [4, 1],
  ] as const
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g']
  const each = (...times: readonly number[]): readonly Event[] =>
    times.flatMap((time) => keys.map((key) => ({ key, time })))

  test.each(changes)(
    'EN-235 from %i to %i no window fires again and no record becomes late',
    async (before, after) => {
      const lives = new Lives()
      const first = each(10, 20, 250)
      await lives.live(counting({ s: first }), before)
      expect(lives.fired()).toEqual(keys.map((key) => `${key}@0=2`))
      // 240 is in time: the watermark is 250, and its window ends at 300. 300 ends that window.
      await lives.live(counting({ s: [...first, ...each(240, 300)] }), after)
      expect(lives.late.values).toEqual([])
      expect(lives.fired()).toEqual(
        [...keys.map((key) => `${key}@0=2`), ...keys.map((key) => `${key}@200=2`)].toSorted(),
      )
    },
  )

  test.each(changes)('EN-235 from %i to %i late records stay late', async (before, after) => {
    const lives = new Lives()
    const first = each(10, 5_000)
    await lives.live(counting({ s: first }), before)
    await lives.live(counting({ s: [...first, ...each(90)] }), after)
    expect(lives.late.values.map(({ key }) => key).toSorted()).toEqual(keys)
    expect(lives.fired()).toEqual(keys.map((key) => `${key}@0=1`))
  })
})
