import { expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import { count, pipeline, tumbling } from '@millrace/flow'
import { simPlatform, type SimPlatform } from '@millrace/testkit'
import { scheduledSource } from './scheduled-source.ts'
import { live, nextLife } from './simulated-job.ts'

type Turns = Parameters<typeof scheduledSource>[0]

/** Windows of a second over times that come by the clock, which is in step with them: what closed, when, and what was late. */
class QuietStream {
  readonly closed: string[] = []
  readonly late = memory.write<number>()
  readonly #sink = memory.write<number>()
  #platform: SimPlatform = simPlatform({ seed: 1 })

  /** Runs until `untilMs` of the clock of this life. */
  async live(turns: Turns, untilMs: number, { advanceWhenIdle = true, parallelism = 1 } = {}): Promise<void> {
    const platform = this.#platform
    await live(
      (p) => {
        const counted = p
          .from('n', scheduledSource(turns))
          .withTimestamps({ timestamp: (n) => n, idleAfter: 2_000, advanceWhenIdle })
          .keyBy(() => 'all')
          .window(tumbling(1_000))
          .aggregate('count', { n: count() })
        counted
          .map(({ n, window }) =>
            this.closed.push(`${n} in ${window.start} at ${platform.clock.monotonic()}`),
          )
          .to('windows', this.#sink)
        counted.late.to('late', this.late)
      },
      {
        platform,
        parallelism,
        isBounded: false,
        checkpoints: { everyMs: 500 },
        onEvent: (event, job) => {
          if (event.kind === 'checkpointCompleted' && platform.clock.monotonic() >= untilMs) void job.stop()
        },
      },
    )
    this.#platform = nextLife(platform)
  }
}

const once: Turns = [['a', 300, 300]]

test('the last window of a quiet stream closes by the clock once every split is idle', async () => {
  for (const parallelism of [1, 2]) {
    const stream = new QuietStream()
    await stream.live(once, 10_000, { parallelism })
    // Idle at 2,300 with a watermark of 300: the end of the window is 700 ms further on, in steps of 200.
    expect(stream.closed).toEqual(['1 in 0 at 3100'])
  }
})

test('without the option it stays open', async () => {
  const stream = new QuietStream()
  await stream.live(once, 10_000, { advanceWhenIdle: false })
  expect(stream.closed).toEqual([])
})

test('records older than the event time are late, newer ones are not', async () => {
  const stream = new QuietStream()
  await stream.live([...once, ['a', 900, 6_000], ['a', 6_100, 6_100], ['a', 7_200, 7_200]], 7_500)
  expect(stream.closed[0]).toBe('1 in 0 at 3100')
  expect(stream.late.values).toEqual([900])
  expect(stream.closed[1]).toMatch(/^1 in 6000 at 72\d\d$/)
})

test('event time waits for the records as long as any split is active', async () => {
  for (const parallelism of [1, 2]) {
    const stream = new QuietStream()
    const busy: Turns = Array.from({ length: 8 }, (_, n) => ['b', 300 + n, 300 + n * 1_000])
    await stream.live([...once, ...busy], 7_000, { parallelism })
    expect(stream.closed).toEqual([])
  }
})

test('after a restart event time continues from where it was: a window closes once', async () => {
  const stream = new QuietStream()
  await stream.live(once, 2_700)
  expect(stream.closed).toEqual([])
  // Stopped at 3,000 with a watermark of 900 and idle again at 2,000, it closes one step later.
  await stream.live(once, 4_000)
  expect(stream.closed).toEqual(['1 in 0 at 2200'])
  await stream.live([...once, ['a', 500, 100]], 6_000)
  expect([stream.closed.length, stream.late.values]).toEqual([1, [500]])
})

test('the option without idleAfter is rejected', () => {
  const build = (): unknown =>
    pipeline('p', (p) => {
      p.from('n', scheduledSource(once)).withTimestamps({ timestamp: (n) => n, advanceWhenIdle: true })
    }).describe()
  expect(build).toThrow(/advanceWhenIdle needs idleAfter/)
})
