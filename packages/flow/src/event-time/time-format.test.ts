import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isoTime, timeFormat } from './time-format.ts'
import { zoneOf } from './zone.ts'

describe('a time format', () => {
  test.each([
    ['dd/MMM/yyyy:HH:mm:ss X', undefined, '10/Oct/2000:13:55:36 -0700', '2000-10-10T20:55:36Z'],
    ['yyyy-MM-dd HH:mm:ss', 'Asia/Kolkata', '2014-07-01 00:00:00', '2014-06-30T18:30:00Z'],
    ['yyyy-MM-dd HH:mm:ss', '+05:30', '2014-07-01 00:00:00', '2014-06-30T18:30:00Z'],
    ["d.MM.yyyy 'um' HH:mm", 'Europe/Berlin', '3.12.2025 um 08:05', '2025-12-03T07:05:00Z'],
    ['yyyyMMdd', 'UTC', '20240229', '2024-02-29T00:00:00Z'],
    ['yyyy-MM-dd HH:mm:ss,SSS', 'UTC', '2026-01-01 00:00:00,250', '2026-01-01T00:00:00.250Z'],
  ])('%s in %s reads %s', (format, zone, text, expected) => {
    expect(timeFormat(format, { zone })(text)).toBe(Date.parse(expected))
  })

  test.each(['2014-7-01', '2014-07-01 ', '2014-02-30', '2014-13-01', 'x2014-07-01', ''])(
    'refuses %j',
    (text) => {
      expect(() => timeFormat('yyyy-MM-dd', { zone: 'UTC' })(text)).toThrow(/^the event time /)
    },
  )

  test.each([
    ['yyyy-MM-dd', undefined, 'no offset'],
    ['HH:mm X', undefined, 'no year'],
    ['yyyy QQ X', undefined, 'the letters QQ'],
    ['yyyy', 'Mars/Phobos', "'Mars/Phobos' is not a time zone"],
    ['yyyy', '+25:00', "'+25:00' is not a time zone"],
  ])('%s in %s is invalid', (format, zone, message) => {
    expect(() => timeFormat(format, { zone })).toThrow(message)
  })
})

describe('an ISO 8601 time', () => {
  test('any instant can be read, with any offset', () => {
    const instants = fc.date({
      min: new Date('0001-01-02'),
      max: new Date('9999-12-30'),
      noInvalidDate: true,
    })
    const offsets = fc.integer({ min: -18 * 60, max: 18 * 60 })
    const read = isoTime(undefined)
    fc.assert(
      fc.property(instants, offsets, (instant, minutes) => {
        const wall = new Date(instant.getTime() + minutes * 60_000).toISOString().slice(0, -1)
        const ahead = Math.abs(minutes)
        const two = (n: number): string => String(n).padStart(2, '0')
        const offset = `${minutes < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`
        expect(read(`${wall}${offset}`)).toBe(instant.getTime())
      }),
    )
  })

  test.each([
    ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00Z'],
    ['2026-01-31 12:00:00.5Z', '2026-01-31T12:00:00.500Z'],
    ['2026-01-31T12:00+0100', '2026-01-31T11:00:00Z'],
  ])('%s', (text, expected) => {
    expect(isoTime(undefined)(text)).toBe(Date.parse(expected))
  })

  test("without an offset is rejected, because the result would depend on the machine's zone", () => {
    expect(() => isoTime(undefined)('2014-07-01 00:00:00')).toThrow(/has no offset; set zone/)
    expect(isoTime('UTC')('2014-07-01 00:00:00')).toBe(Date.UTC(2014, 6, 1))
  })
})

describe('a time zone', () => {
  test('a time that occurs twice is the first of the two', () => {
    expect(zoneOf('Europe/Berlin')(Date.UTC(2025, 9, 26, 2, 30))).toBe(Date.parse('2025-10-26T00:30:00Z'))
  })

  test('a time that does not exist is moved forward by the gap', () => {
    expect(zoneOf('Europe/Berlin')(Date.UTC(2025, 2, 30, 2, 30))).toBe(Date.parse('2025-03-30T01:30:00Z'))
  })

  test('any other local time is what a clock there shows', () => {
    const zones = fc.constantFrom('America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia')
    const minutes = fc.integer({ min: 0, max: 60 * 365 * 24 * 60 })
    fc.assert(
      fc.property(zones, minutes, (name, minute) => {
        const wallMs = minute * 60_000
        const utcMs = zoneOf(name)(wallMs)
        const shown = new Date(utcMs).toLocaleString('sv-SE', { timeZone: name })
        const shownMs = Date.parse(`${shown.replace(' ', 'T')}Z`)
        const isSkipped = shownMs !== wallMs
        if (isSkipped) expect(shownMs - wallMs).toBeGreaterThan(0)
        else expect(shownMs).toBe(wallMs)
      }),
      { numRuns: 200 },
    )
  })
})
