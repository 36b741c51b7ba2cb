import { memory } from '@millrace/connector-memory'
import type { WatermarkGenerator } from '@millrace/core'
import { collect, output, punctuatedWatermark, tumbling, type PipelineBuilder } from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { growingSource } from './growing-source.ts'
import { pacedSource } from './paced-source.ts'
import { live, untilCheckpoint } from './simulated-job.ts'

/** The time of each number is the number itself, and numbers ending in 9 carry a watermark. */
const marked = [1, 12, 5, 19, 3, 22, 29, 41]

interface Counted {
  readonly n: number
  readonly watermark: number
}

/** A generator with state: every `everyNth` record is a watermark. */
const everyNth = (everyNth: number): WatermarkGenerator<number> => ({
  name: 'every nth',
  create: (saved) => {
    let seen = (saved as number | undefined) ?? 0
    return {
      onRecord: (_, time) => (++seen % everyNth === 0 ? time : undefined),
      state: () => seen,
    }
  },
})

describe('watermark generators', () => {
  test('a punctuated watermark ends windows when a record carries it, and late records are late', async () => {
    const sink = memory.write<string>()
    const late = memory.write<number>()
    await live((p) => {
      const counts = p
        .from('numbers', pacedSource({ all: marked }, 2))
        .withTimestamps({
          timestamp: (n) => n,
          watermark: punctuatedWatermark((n) => (n % 10 === 9 ? n : undefined)),
        })
        .keyBy(() => 'all')
        .window(tumbling(10))
        .aggregate('lists', { all: collect() })
      counts.map(({ window, all }) => `${window.start}: ${all.join(' ')}`).to('out', sink)
      counts.late.to('late', late)
    })
    expect(sink.values).toEqual(['0: 1 5', '10: 12 19', '20: 22 29', '40: 41'])
    expect(late.values).toEqual([3])
  })

  test('the state of a generator is in checkpoints: a restart changes no watermark', async () => {
    const numbers = Array.from({ length: 400 }, (_, i) => i)
    const build =
      (sink: ReturnType<typeof memory.write<Counted>>) =>
      (p: PipelineBuilder): void =>
        p
          .from('numbers', pacedSource({ all: numbers }, 2))
          .withTimestamps({ timestamp: (n) => n, watermark: everyNth(7) })
          .keyBy(() => 'all')
          .process('watermarks', {
            output: output<Counted>(),
            onRecord: ({ value }, { emit, watermark }) => emit({ n: value, watermark: watermark() }),
          })
          .to('out', sink)
    const whole = memory.write<Counted>()
    await live(build(whole))
    expect(whole.values[20]).toEqual({ n: 20, watermark: 13 })

    const parts = memory.write<Counted>()
    const platform = simPlatform({ seed: 1 })
    const first = await live(build(parts), { ...untilCheckpoint, platform, checkpoints: { everyMs: 30 } })
    expect(first.result?.outcome).toBe('stopped')
    expect(parts.values.length).toBeLessThan(numbers.length)
    await live(build(parts), { platform })
    expect(parts.values).toEqual(whole.values)
  })

  test('the state of a generator is kept when the input ends for a run, and the next run continues with it', async () => {
    const sink = memory.write<Counted>()
    const platform = simPlatform({ seed: 1 })
    const input: number[] = []
    const build = (p: PipelineBuilder): void =>
      p
        .from('numbers', growingSource(input))
        .withTimestamps({ timestamp: (n) => n, watermark: everyNth(7) })
        .keyBy(() => 'all')
        .process('watermarks', {
          output: output<Counted>(),
          onRecord: ({ value }, { emit, watermark }) => emit({ n: value, watermark: watermark() }),
        })
        .to('out', sink)
    input.push(...Array.from({ length: 10 }, (_, n) => n))
    await live(build, { platform, isBounded: true })
    input.push(...Array.from({ length: 20 }, (_, n) => n + 10))
    await live(build, { platform, isBounded: true })
    // The 14th record of both runs is a watermark, and the 21st.
    expect(sink.values.find(({ n }) => n === 14)).toEqual({ n: 14, watermark: 13 })
    expect(sink.values.find(({ n }) => n === 21)).toEqual({ n: 21, watermark: 20 })
  })

  test('what a generator returns must be a time', async () => {
    const { result } = await live((p) =>
      p
        .from('numbers', memory.read({ all: [1] }))
        .withTimestamps({
          timestamp: (n) => n,
          watermark: { name: 'bad', create: () => ({ onRecord: () => Number.NaN }) },
        })
        .to('out', memory.write()),
    )
    expect(result).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining("the watermark generator 'bad' returned NaN") as string },
    })
  })

  test('EN-099 ingestion times are those of reading, and never go back', async () => {
    const sink = memory.write<number>()
    const platform = simPlatform({ seed: 1 })
    const from = platform.clock.now()
    await live(
      (p) =>
        p
          .from('numbers', pacedSource({ all: [7, 8, 9, 10] }, 2))
          .withTimestamps({ timestamp: 'ingestion' })
          .keyBy(() => 'all')
          .process('times', { output: output<number>(), onRecord: ({ time }, { emit }) => emit(time) })
          .to('out', sink),
      { platform },
    )
    expect(sink.values).toEqual(sink.values.toSorted((a, b) => a - b))
    expect(sink.values[0]).toBeGreaterThanOrEqual(from)
    expect(sink.values.at(-1)).toBeGreaterThan(sink.values[0]!)
  })
})
