import { describe, expect, test } from 'vitest'
import { Segment } from './segment.ts'
import { SegmentSet } from './segment-set.ts'

const limits = { deadRatioMax: 0.5, segmentBytes: 64_000 }

/** Segments from oldest to newest, given as bytes and live bytes; a cross marks one with tombstones. */
function setOf(
  ...segments: readonly (readonly [bytes: number, liveBytes: number, graves?: 'x'])[]
): SegmentSet {
  const made = segments.map(([bytes, liveBytes, graves], index) => {
    const segment = new Segment({ number: index + 1, epoch: 1 }, bytes)
    segment.liveBytes = liveBytes
    segment.hasGraves = graves === 'x'
    return segment
  })
  return new SegmentSet(limits, made, [], { number: made.length, epoch: 1 })
}

function numbers(set: SegmentSet): number[] {
  return set.segments.map((segment) => segment.number)
}

function victims(set: SegmentSet): number[] {
  return set.segments.filter((segment) => segment.isVictim).map((segment) => segment.number)
}

describe('segments without live records are removed', () => {
  test('at the old end, with or without tombstones', () => {
    const set = setOf([100, 0, 'x'], [100, 0], [100, 50], [100, 100])
    set.leaveOut(1)
    expect(numbers(set)).toEqual([3, 4])
  })

  test('in the middle only without tombstones, which may apply to an older record', () => {
    const set = setOf([100, 10], [100, 0, 'x'], [100, 0], [100, 100])
    set.leaveOut(1)
    expect(numbers(set)).toEqual([1, 2, 4])
  })

  test('only if they are sealed', () => {
    const set = setOf([100, 0])
    const active = set.activate()
    set.leaveOut(1)
    expect(set.segments).toEqual([active])
    set.seal()
    set.leaveOut(2)
    expect(set.segments).toEqual([])
  })
})

describe('victims', () => {
  test('are chosen when too many bytes are dead, from the oldest on and no more than needed', () => {
    const set = setOf([10_000, 2000], [10_000, 4000], [10_000, 2000], [10_000, 9000])
    expect(set.chooseVictims()).toBe(true)
    expect(victims(set)).toEqual([1, 2])
    expect(set.chooseVictims()).toBe(false)
  })

  test('are not chosen for a few dead bytes', () => {
    expect(setOf([900, 0, 'x'], [100, 100]).chooseVictims()).toBe(false)
    expect(setOf([10_000, 5100], [10_000, 5100]).chooseVictims()).toBe(false)
  })

  test('are chosen when there are too many segments, even if all records are live', () => {
    const set = setOf(...Array.from({ length: 100 }, (): [number, number] => [100, 100]))
    expect(set.chooseVictims()).toBe(true)
    expect(victims(set).length).toBeGreaterThan(50)
    expect(victims(set).length).toBeLessThan(100)
  })
})

test('the active segment is full at a sixteenth of all bytes, so that the oldest one is small', () => {
  const set = setOf([60_000, 60_000], [60_000, 60_000])
  const active = set.activate()
  active.bytes = 7000
  expect(set.isActiveFull()).toBe(false)
  active.bytes = 8500
  expect(set.isActiveFull()).toBe(true)
})

test('a retired file is deleted when a published snapshot does not need it and no kept one names it', () => {
  const set = setOf([100, 0], [100, 50])
  set.leaveOut(7)
  const [first] = set.unneeded(new Set(), 7)
  expect(first?.file).toBe('segment-000001.1.seg')
  expect(set.unneeded(new Set(), 6)).toEqual([])
  expect(set.unneeded(new Set(['segment-000001.1.seg']), 7)).toEqual([])
  expect(set.diskBytes).toBe(200)
  set.removed(first!)
  expect(set.unneeded(new Set(), 7)).toEqual([])
  expect(set.diskBytes).toBe(100)
})
