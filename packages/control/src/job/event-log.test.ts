import { expect, test } from 'vitest'
import type { EventRow } from '../contract/happenings.ts'
import { EventLog } from './event-log.ts'

const add = (log: EventLog, level: EventRow['level'], text: string): void =>
  void log.add((id) => ({ id, level, text }) as EventRow)

test('event log: a failure is kept however many checkpoints follow, and numbers have no order of their own', () => {
  const log = new EventLog()
  add(log, 'info', 'started')
  add(log, 'error', 'failed')
  for (let n = 0; n < 50_000; n++) add(log, 'debug', `checkpoint ${n}`)
  add(log, 'info', 'stopped')
  const { entries, isCut } = log.after(0, 10_000)
  expect(entries.filter(({ level }) => level !== 'debug').map(({ id, text }) => [id, text])).toEqual([
    [1, 'started'],
    [2, 'failed'],
    [50_003, 'stopped'],
  ])
  expect(entries.map(({ id }) => id)).toEqual(entries.map(({ id }) => id).toSorted((a, b) => a - b))
  expect(entries.length).toBeLessThan(4_010)
  expect(isCut).toBe(true)
  expect(log.last).toBe(50_003)
  expect(log.after(50_000, 10)).toMatchObject({ entries: [{ id: 50_001 }, {}, {}], isCut: false })
  expect(log.after(0, 1, ({ level }) => level === 'error').entries).toMatchObject([{ text: 'failed' }])
})

test('event log: an event that was added cannot be changed', () => {
  const log = new EventLog()
  add(log, 'info', 'started')
  const [row] = log.entries as readonly { text: string }[]
  expect(() => (row!.text = 'never started')).toThrow(TypeError)
  expect(log.entries[0]!.text).toBe('started')
})

test('event log: of failures without end the newest are kept', () => {
  const log = new EventLog()
  for (let n = 0; n < 10_000; n++) add(log, 'error', `failure ${n}`)
  expect(log.entries.at(-1)!.text).toBe('failure 9999')
  expect(log.entries.length).toBeGreaterThanOrEqual(2_000)
  expect(log.entries.length).toBeLessThan(4_000)
})
