import { MemorySink, memorySource } from '@millrace/core'
import { count, pipeline, sum, tumbling } from '@millrace/flow'
import { expect, test } from 'vitest'
import { simulate, simulateSeeds } from './simulate.ts'

interface Reading {
  readonly at: number
  readonly sensor: string
  readonly value: number
}

function readings(records: number): readonly Reading[] {
  return Array.from({ length: records }, (_, index) => ({
    at: index * 100 + ((index * 37) % 7) * 90,
    sensor: `s${(index * 13) % 11}`,
    value: (index * 7) % 100,
  }))
}

const windows = pipeline('windows', (p) => {
  const perSensor = p
    .from('readings', memorySource({ all: readings(1_000) }))
    .map((reading) => ({ ...reading, value: reading.value + 1 }))
    .withTimestamps({ at: (reading) => reading.at, disorder: '300ms' })
    .keyBy((reading) => reading.sensor)
  const counted = perSensor
    .window(tumbling('2s'))
    .aggregate('sums', { n: count(), total: sum((reading) => reading.value) })
  counted.to('sums-out', new MemorySink())
  counted.late.to('late', new MemorySink())
})

test('a windowed job keeps its promises whatever breaks', async () => {
  const report = await simulateSeeds(windows, { seeds: 50 })
  expect(report.seeds).toBe(50)
  expect(report.lives).toBeGreaterThan(80)
})

test('the same seed gives the same run', async () => {
  const [first, second] = [await simulate(windows, { seed: 3 }), await simulate(windows, { seed: 3 })]
  expect(second).toEqual(first)
  expect(first.outputs['sums-out']!.length).toBeGreaterThan(100)
  expect(first.outputs['late']!.length).toBeGreaterThan(3)
})
