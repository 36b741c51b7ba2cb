import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sleep } from '@millrace/world'
import { memory, type MemorySink } from '@millrace/connector-memory'
import { count, output, sliding, state, sum, tumbling, type PipelineBuilder } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { pacedSource } from './paced-source.ts'
import { live, multiset, nextLife } from './simulated-job.ts'

interface Event {
  readonly id: number
  readonly key: string
  readonly at: number
}

function events(total: number, keys: number, seed: number): Event[] {
  // A fixed stride walks all ids; the disorder stays within 40 ms.
  return Array.from({ length: total }, (_, id) => ({
    id,
    key: `k${(id * 7 + seed) % keys}`,
    at: id * 10 + ((id * 13 + seed) % 4) * 10,
  }))
}

/** Every kind of state there is: windows, timers, values, work in flight. Fails once at each of `failAt`. */
function build(
  splits: Record<string, Event[]>,
  sinks: Sinks,
  failAt: Set<number>,
): (p: PipelineBuilder) => void {
  return (p) => {
    const timed = p
      .from('events', pacedSource(splits, 20))
      .withTimestamps({ timestamp: (event) => event.at, maxOutOfOrderness: 40 })
      .map((event) => {
        if (failAt.delete(event.id)) throw new Error(`planted failure at ${event.id}`)
        return event
      })
    timed
      .keyBy((event) => event.key)
      .window(sliding({ size: 300, slide: 100 }))
      .aggregate('sliding', { n: count(), ids: sum((event: Event) => event.id) })
      .to('windows-out', sinks.windows)
    timed
      .mapAsync('double', async (event) => ({ ...event, id: event.id * 2 }), {
        order: 'none',
        concurrency: 5,
      })
      .keyBy((event) => event.key)
      .process('bursts', {
        output: output<{ key: string; n: number; until: number }>(),
        state: { counts: state.map<number, number>() },
        onRecord({ time }, { state: { counts }, timers }) {
          const until = Math.floor(time / 250) * 250 + 250
          counts.set(until, (counts.get(until) ?? 0) + 1)
          timers.setEvent(until)
        },
        onTimer({ key, time }, { state: { counts }, emit }) {
          emit({ key, n: counts.get(time) ?? 0, until: time })
          counts.delete(time)
        },
      })
      .to('bursts-out', sinks.bursts)
  }
}

interface Sinks {
  readonly windows: MemorySink<unknown>
  readonly bursts: MemorySink<unknown>
}

function sinks(): Sinks {
  return { windows: memory.write(), bursts: memory.write() }
}

function splitUp(all: readonly Event[], count_: number): Record<string, Event[]> {
  const splits: Record<string, Event[]> = {}
  for (const [i, event] of all.entries()) (splits[`split-${i % count_}`] ??= []).push(event)
  return splits
}

describe('a job', () => {
  test('EN-202 EN-217 after a failure in a function, outputs equal those of a run without failures', async () => {
    const all = events(2_000, 9, 1)
    const calm = sinks()
    await live(build(splitUp(all, 3), calm, new Set()))
    const stormy = sinks()
    const { result, job } = await live(build(splitUp(all, 3), stormy, new Set([0, 700, 1_999])), {
      restart: { kind: 'fixed', delayMs: 10, attempts: 5 },
      checkpoints: { everyMs: 1 },
    })
    expect(result).toEqual({ outcome: 'finished' })
    expect(job.status().restarts).toBe(3)
    expect(multiset(stormy.windows)).toEqual(multiset(calm.windows))
    expect(multiset(stormy.bursts)).toEqual(multiset(calm.bursts))
    expect(calm.windows.values.length).toBeGreaterThan(100)
  })

  test('EN-252 EN-235 the same input gives the same output at any parallelism, batch size and edge capacity, killed or not', async () => {
    const all = events(400, 5, 3)
    const calm = sinks()
    await live(build(splitUp(all, 2), calm, new Set()))
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          parallelism: fc.constantFrom(1, 2, 3),
          batchRecords: fc.constantFrom(1, 7, 64, 1024),
          edgeBatches: fc.constantFrom(1, 2, 8),
          splits: fc.constantFrom(1, 2, 5),
          everyMs: fc.constantFrom(1, 5, 1_000),
          failAt: fc.uniqueArray(fc.nat(399), { maxLength: 3 }),
          seed: fc.nat(1_000),
        }),
        async ({ parallelism, batchRecords, edgeBatches, splits, everyMs, failAt, seed }) => {
          const out = sinks()
          const { result } = await live(build(splitUp(all, splits), out, new Set(failAt)), {
            parallelism,
            batchRecords,
            edgeBatches,
            seed,
            checkpoints: { everyMs },
            restart: { kind: 'fixed', delayMs: 5, attempts: 9 },
          })
          expect(result).toEqual({ outcome: 'finished' })
          expect(multiset(out.windows)).toEqual(multiset(calm.windows))
          expect(multiset(out.bursts)).toEqual(multiset(calm.bursts))
        },
      ),
      { numRuns: 60 },
    )
  })

  test('EN-235 EN-251 calls in flight that are merged into one subtask let no watermark pass a slower input', async () => {
    const all = events(300, 3, 7)
    const behind = all.filter((event) => event.id % 3 === 0).map((event) => ({ ...event, at: event.at / 2 }))
    const windows = memory.write<{ n: number }>()
    const late = memory.write<unknown>()
    let platform = simPlatform({ seed: 3 })
    for (const parallelism of [2, 1]) {
      const { clock } = platform
      const { result } = await live(
        (p) => {
          const timestamps = { timestamp: (event: Event) => event.at, maxOutOfOrderness: 40 }
          // Of two subtasks one has no split of the second source, and is ahead of the other.
          const ahead = p.from('ahead', pacedSource(splitUp(all, 8), 2)).withTimestamps(timestamps)
          const slow = p.from('behind', pacedSource({ only: behind }, 2)).withTimestamps(timestamps)
          const counted = ahead
            .union(slow)
            .mapAsync(
              'wait',
              async (event) => {
                await sleep(clock, event.id % 7)
                return event
              },
              { order: 'none', concurrency: 6 },
            )
            .keyBy((event) => event.key)
            .window(tumbling(50))
            .aggregate('count', { n: count() })
          counted.to('windows', windows)
          counted.late.to('late', late)
        },
        {
          platform,
          directory: 'rescaled',
          parallelism,
          checkpoints: { everyMs: 5 },
          onEvent: (event, job) => {
            const isDue = event.kind === 'checkpointCompleted' && event.figures.checkpoint === 3
            if (parallelism === 2 && isDue) void job.stop()
          },
        },
      )
      expect(result?.outcome).toBe(parallelism === 2 ? 'stopped' : 'finished')
      platform = nextLife(platform, 9)
    }
    expect(late.values).toEqual([])
    expect(windows.values.reduce((sum, { n }) => sum + n, 0)).toBe(all.length + behind.length)
  })

  test('EN-235 EN-236 EN-237 stopped and started at parallelism 1, 2, 3 and 1 again, it has the results of one run', async () => {
    const all = events(1_200, 11, 5)
    const calm = sinks()
    await live(build(splitUp(all, 4), calm, new Set()))
    const out = sinks()
    let platform = simPlatform({ seed: 1 })
    let life = 0
    for (const parallelism of [1, 2, 3, 1]) {
      const isLast = ++life === 4
      let completed = 0
      const { result, events: seen } = await live(build(splitUp(all, 4), out, new Set()), {
        platform,
        directory: 'rescaled',
        parallelism,
        batchRecords: 16,
        checkpoints: { everyMs: 1 },
        onEvent: (event, job) => {
          if (!isLast && event.kind === 'checkpointCompleted' && ++completed === life * 2) void job.stop()
        },
      })
      expect(result?.outcome).toBe(isLast ? 'finished' : 'stopped')
      if (life > 1)
        expect(seen).toContainEqual(
          expect.objectContaining({ kind: 'started', restoredFrom: expect.any(Number) }),
        )
      platform = nextLife(platform, life)
    }
    expect(multiset(out.windows)).toEqual(multiset(calm.windows))
    expect(multiset(out.bursts)).toEqual(multiset(calm.bursts))
  })
})
