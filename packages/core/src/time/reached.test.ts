import { describe, expect, test } from 'vitest'
import { MIN_TIME } from '../record/time.ts'
import { WatermarkFloor, type Reached } from './reached.ts'

const run = (first: number, last: number, watermark: number): Reached => ({
  first,
  last,
  watermark,
  hasEnded: false,
  firedTo: MIN_TIME,
})
const groups = { first: 4, last: 7 }

describe('WatermarkFloor', () => {
  test('EN-235 each key group has the watermark of the subtask it comes from', () => {
    const floor = new WatermarkFloor(groups, [run(0, 5, 100), run(6, 9, 60)])
    expect([4, 5, 6, 7].map((group) => floor.of(group))).toEqual([100, 100, 60, 60])
    expect([floor.lowest, floor.highest]).toEqual([60, 100])
  })

  test('groups without saved progress have no floor', () => {
    const floor = new WatermarkFloor(groups, [run(4, 5, 100)])
    expect([floor.of(4), floor.of(7), floor.lowest]).toEqual([100, MIN_TIME, MIN_TIME])
    expect(WatermarkFloor.none.highest).toBe(MIN_TIME)
  })

  test('a checkpoint keeps floors that were not reached yet, and merges equal neighbours', () => {
    const floor = new WatermarkFloor(groups, [run(4, 4, 100), run(5, 5, 80), run(6, 7, 60)])
    expect(floor.raisedTo(80, groups)).toEqual([
      { first: 4, last: 4, watermark: 100 },
      { first: 5, last: 7, watermark: 80 },
    ])
    expect(floor.raisedTo(100, groups)).toEqual([{ first: 4, last: 7, watermark: 100 }])
    expect(WatermarkFloor.none.raisedTo(MIN_TIME, groups)).toEqual([
      { first: 4, last: 7, watermark: MIN_TIME },
    ])
  })
})
