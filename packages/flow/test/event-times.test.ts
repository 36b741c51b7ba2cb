import { memory } from '@millrace/connector-memory'
import { startJob, type JobEvent } from '@millrace/core/job'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { output, pipeline, type TimestampOptions } from '../src/index.ts'

/** Assigns event times to values; returns those times, the warnings, and the error of the job. */
async function timesOf<T>(values: readonly T[], options: TimestampOptions<T>) {
  const sink = memory.write<number>()
  const warnings: string[] = []
  const { graph } = pipeline('times', (p) => {
    p.from('in', memory.read({ all: values }))
      .withTimestamps({ maxOutOfOrderness: '365d', ...options })
      .keyBy(() => 'all')
      .process('look', { output: output<number>(), onRecord: ({ time }, { emit }) => emit(time) })
      .to('out', sink)
  }).describe()
  const platform = simPlatform({ seed: 1 })
  const job = startJob({
    graph,
    platform,
    store: memoryStore(),
    directory: 'data',
    isBounded: true,
    restart: { kind: 'none' },
    observer: (event: JobEvent) => {
      if (event.kind === 'warning') warnings.push(event.message)
    },
  })
  const result = await driveJob(job, platform.clock)
  const error = result?.outcome === 'failed' ? String(result.error) : undefined
  return { times: sink.values, warnings, error }
}

describe('event times', () => {
  test.each([
    ['s', 1_700_000_000],
    ['ms', 1_700_000_000_000],
    ['us', 1_700_000_000_000_000],
    ['ns', 1_700_000_000_000_000_000n],
  ] as const)('may be counted in %s', async (unit, at) => {
    expect((await timesOf([at], { timestamp: (value) => value, unit })).times).toEqual([1_700_000_000_000])
  })

  test('may be ISO 8601 strings, strings in a format and zone, or dates', async () => {
    const iso = await timesOf(['2014-07-01T00:00:00+05:30'], { timestamp: (text) => text })
    expect(iso.times).toEqual([Date.parse('2014-06-30T18:30:00Z')])
    const local = await timesOf(['01.07.2014'], {
      timestamp: (text) => text,
      format: 'dd.MM.yyyy',
      zone: 'Asia/Kolkata',
    })
    expect(local.times).toEqual(iso.times)
    const date = await timesOf([0], { timestamp: () => new Date(12) })
    expect(date.times).toEqual([12])
  })

  test('a string without an offset or zone fails with advice', async () => {
    const { error } = await timesOf(['2014-07-01 00:00:00'], { timestamp: (text) => text })
    expect(error).toMatch(/index 0.*TIMESTAMP_INVALID.*has no offset; set zone/)
  })

  test('microseconds and nanoseconds read as milliseconds fail and name the unit', async () => {
    const micro = await timesOf([1_700_000_000_000_000], { timestamp: (value) => value })
    expect(micro.error).toMatch(/TIMESTAMP_INVALID.*after the year 9999.*unit to 'us'/)
    const nano = await timesOf([1_700_000_000_000_000_000], { timestamp: (value) => value })
    expect(nano.error).toMatch(/unit to 'ns'/)
  })

  test('a time after the year 9999 is accepted if the unit is set', async () => {
    expect((await timesOf([8.64e15], { timestamp: (value) => value, unit: 'ms' })).times).toEqual([8.64e15])
  })

  test('seconds read as milliseconds give one warning, and none if the unit is set', async () => {
    const values = [1_700_000_000, 1_700_000_001]
    const { warnings } = await timesOf(values, { timestamp: (value) => value })
    expect(warnings.filter((message) => message.includes("set unit to 's'"))).toHaveLength(1)
    expect((await timesOf(values, { timestamp: (value) => value, unit: 'ms' })).warnings).toEqual([])
  })

  test('an unknown unit is rejected when the pipeline is built', () => {
    const options = { timestamp: (value: number) => value, unit: 'min' as 's' }
    const build = () =>
      pipeline('x', (p) => void p.from('in', memory.read({ a: [1] })).withTimestamps(options)).describe()
    expect(build).toThrow(/^unit is min/)
  })
})
