import { simulateTasks } from '@millrace/simulator'
import { expect, test } from 'vitest'
import { schedules } from './every-schedule.ts'
import { choiceLaw, everyGraph, everyMix, orderLaws } from './laws.ts'
import type { Law } from './laws.ts'

async function holds(law: Law, seeds: number): Promise<void> {
  const done = await simulateTasks(async (world) => expect(await law(world)).toEqual([]), { seeds })
  expect(done.seeds).toBe(seeds)
}

test('no mix of sends, receives, selects, timeouts, cancels and closes loses, duplicates or reorders a value', () =>
  holds(everyMix, 5 * schedules))

test('no graph of patterns loses, duplicates or reorders a value, nor leaves a task running', () =>
  holds(everyGraph, 5 * schedules))

test.each(Object.entries(orderLaws))('%s', (_, law) => holds(law, schedules))

test('GO-039 among four ready cases each is chosen equally often in 100,000 rounds', () =>
  holds(choiceLaw, 1))
