import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetings } from '../../test/meeting-trial.ts'
import { expectedIds, expectIds, scaled, windowNode, type Span } from '../../test/window-trial.ts'
import type { WindowAssigner } from '../window/assigner.ts'
import { calendar } from '../window/calendar.ts'
import { collect } from '../window/collect.ts'

/** A time for each item on either side of a change of clocks, two hours apart. */
const hour = 3_600_000
const changes = {
  'Europe/Berlin': [Date.UTC(2025, 2, 30), Date.UTC(2025, 9, 26)],
  'America/Sao_Paulo': [Date.UTC(2018, 10, 4), Date.UTC(2018, 1, 18)],
  'America/St_Johns': [Date.UTC(2010, 10, 7, 2, 45), Date.UTC(2010, 2, 14)],
  'Pacific/Apia': [Date.UTC(2011, 11, 30)],
  'America/Havana': [Date.UTC(2024, 10, 3)],
}

/** The first moment at which the local date is that of `time`, and the first at which it is a later one. */
function localDay(zone: string, time: number): Span {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short' })
  const step = 60_000
  const isAfter = (a: number, b: number): boolean => format.format(a) > format.format(b)
  let latest = Math.floor(time / step) * step
  for (let t = latest - 3 * hour; t <= time; t += step) if (isAfter(t, latest)) latest = t
  let start = latest
  while (start > time - 30 * hour && !isAfter(latest, start - step)) start -= step
  // Where clocks go back over midnight a date may come again: it began the first time.
  for (let t = start - step; t > start - 3 * hour; t -= step) if (!isAfter(latest, t)) start = t
  let end = Math.max(start, Math.floor(time / step) * step) + step
  while (!isAfter(end, latest)) end += step
  return { start, end }
}

describe('windows of the calendar', () => {
  test.each(Object.entries(changes))(
    'days of %s begin at midnight, also where clocks change',
    (zone, origins) => {
      const node = windowNode((items) =>
        items.window(calendar('day', { zone })).aggregate('days', { ids: collect(({ id }) => id) }),
      )
      const known = new Map<number, Span>()
      const dayOf = (time: number): Span => {
        const day = known.get(time) ?? localDay(zone, time)
        known.set(time, day)
        return day
      }
      fc.assert(
        fc.property(meetings, fc.constantFrom(...origins), (trial, origin) => {
          const moved = scaled(trial, 2 * hour, origin)
          expectIds(
            node,
            moved,
            expectedIds(
              moved,
              (time) => [dayOf(time)],
              () => 'all',
            ),
          )
        }),
        { numRuns: 8 },
      )
    },
  )

  const utc = (text: string): number => Date.parse(`${text}Z`)
  const bounds = (windows: WindowAssigner, time: string): readonly string[] => {
    const { start, end } = windows.slice(utc(time))
    expect(windows.startOf(end)).toBe(start)
    return [start, end].map((each) => new Date(each).toISOString().slice(0, 16))
  }

  test('have 23 and 25 hours where clocks change for daylight saving', () => {
    const days = calendar('day', { zone: 'Europe/Berlin' })
    expect(bounds(days, '2025-03-30T12:00')).toEqual(['2025-03-29T23:00', '2025-03-30T22:00'])
    expect(bounds(days, '2025-10-26T12:00')).toEqual(['2025-10-25T22:00', '2025-10-26T23:00'])
  })

  test('do not return to a day that is over where clocks are set back over midnight', () => {
    const day = ['2010-11-07T02:30', '2010-11-08T03:30']
    for (const time of ['02:30', '02:45', '03:29', '03:30']) {
      expect(bounds(calendar('day', { zone: 'America/St_Johns' }), `2010-11-07T${time}`)).toEqual(day)
    }
  })

  test('are weeks from a chosen day, months, quarters and years of a zone', () => {
    const zone = 'America/New_York'
    expect(bounds(calendar('week', { zone }), '2025-11-03T04:59')).toEqual([
      '2025-10-27T04:00',
      '2025-11-03T05:00',
    ])
    expect(bounds(calendar('week', { zone, weekStart: 'sunday' }), '2025-11-03T04:59')).toEqual([
      '2025-11-02T04:00',
      '2025-11-09T05:00',
    ])
    expect(bounds(calendar('month', { zone }), '1969-03-01T05:00')).toEqual([
      '1969-03-01T05:00',
      '1969-04-01T05:00',
    ])
    expect(bounds(calendar('quarter', { zone }), '2025-06-15T00:00')).toEqual([
      '2025-04-01T04:00',
      '2025-07-01T04:00',
    ])
    expect(bounds(calendar('year', { zone: 'UTC' }), '2024-02-29T00:00')).toEqual([
      '2024-01-01T00:00',
      '2025-01-01T00:00',
    ])
  })

  test('a business day may begin at another hour of the local clock', () => {
    const days = calendar('day', { zone: 'Europe/Berlin', offset: '6h' })
    expect(bounds(calendar('day', { zone: '+05:30' }), '2025-01-01T18:30')[0]).toBe('2025-01-01T18:30')
    expect(bounds(days, '2025-03-30T03:59')).toEqual(['2025-03-29T05:00', '2025-03-30T04:00'])
    expect(bounds(calendar('day', { zone: 'UTC', offset: '-7h' }), '2025-01-01T17:00')).toEqual([
      '2025-01-01T17:00',
      '2025-01-02T17:00',
    ])
  })

  test.each([
    [() => calendar('day', { zone: 'Berlin' }), /'Berlin' is not a time zone/],
    [() => calendar('day', {} as { zone: string }), /need a zone, such as 'UTC'/],
    [() => calendar('hour' as 'day', { zone: 'UTC' }), /unit is "hour"; it must be one of 'day', 'week'/],
    [() => calendar('week', { zone: 'UTC', weekStart: 'friday' as 'monday' }), /weekStart is "friday"/],
    [() => calendar('day', { zone: 'UTC', offset: '24h' }), /must be shorter than a day/],
  ])('refuse options that they do not know', (make, message) => {
    expect(make).toThrow(message)
  })
})
