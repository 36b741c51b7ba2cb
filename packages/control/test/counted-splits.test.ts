import type { Sink, Source } from '@millrace/core/connector'
import { memory } from '@millrace/connector-memory'
import { sleep, type Clock } from '@millrace/world'
import { expect, test } from 'vitest'
import type { SplitRow } from '../src/contract/figures.ts'
import { splitPage } from '../src/job/split-page.ts'
import { measuring, type Measuring } from './measuring.ts'

interface Reading {
  readonly split: string
  readonly time: number
}

/** What the source of the test knows of a split. */
interface Known {
  isOpen: boolean
  /** Since when every poll has said that all is read; undefined: the last one had records, or others to come. */
  quietSince: number | undefined
  records: number
  newest: number
  /** When it had its newest record, in milliseconds since the epoch. */
  at: number
}

/** Splits with so many readings, one in each millisecond, and nothing after them; `known` is what was answered. */
function readings(
  sizes: Readonly<Record<string, number>>,
  known: Map<string, Known>,
  maxOpenReaders?: number,
): Source<Reading, number> {
  for (const split of Object.keys(sizes)) {
    known.set(split, { isOpen: false, quietSince: undefined, records: 0, newest: Number.NaN, at: 0 })
  }
  return {
    kind: 'readings',
    durability: 'replayable',
    ...(maxOpenReaders !== undefined && { maxOpenReaders }),
    discover: async () => ({ splits: Object.keys(sizes), isComplete: true }),
    open: async (split, from = 0, { clock, signal }) => {
      const own = known.get(split)!
      own.isOpen = true
      let next = from
      let isRested = true
      return {
        poll: () => {
          if (next >= sizes[split]!) {
            own.quietSince ??= clock.monotonic()
            return { kind: 'pending', isCaughtUp: true }
          }
          own.quietSince = undefined
          if (!isRested) return { kind: 'pending', isCaughtUp: false }
          isRested = false
          own.records++
          own.newest = 1_000 * Number(split) + next++
          own.at = clock.now()
          return { kind: 'records', values: [{ split, time: own.newest }] }
        },
        ready: async () => {
          await sleep(clock, next >= sizes[split]! ? 1e6 : 1, signal)
          isRested = true
        },
        position: () => next,
        close: async () => {
          own.isOpen = false
        },
      }
    },
  }
}

function rowsOf({ measured }: Measuring): readonly SplitRow[] {
  return splitPage(measured, { source: undefined, sort: 'name', limit: 100, from: 0 }).splits
}

const idleAfterMs = 40

test('the state of each split is what its reader has answered, and event time waits for the least that is not idle', async () => {
  const known = new Map<string, Known>()
  const states = new Set<string>()
  const stateOf = ({ quietSince }: Known, clock: Clock): SplitRow['state'] => {
    if (quietSince === undefined) return 'reading'
    return clock.monotonic() - quietSince >= idleAfterMs ? 'idle' : 'quiet'
  }
  await measuring(
    (p) => {
      p.from('readings', readings({ 1: 20, 2: 50, 3: 90, 4: Infinity }, known))
        .withTimestamps({ timestamp: ({ time }) => time, idleAfter: idleAfterMs })
        .to('out', memory.write())
    },
    (at) => {
      const { clock } = at.platform
      const rows = rowsOf(at)
      if (rows.length < 4 || [...known.values()].some(({ records }) => records === 0)) return false
      for (const row of rows) {
        const own = known.get(row.split)!
        expect([row.split, row.state]).toEqual([row.split, stateOf(own, clock)])
        expect([row.recordsOut, row.newest]).toEqual([own.records, own.newest])
        states.add(row.state)
      }
      const waiting = rows.filter(({ split }) => stateOf(known.get(split)!, clock) !== 'idle')
      const least = waiting.toSorted((a, b) => a.newest! - b.newest!)[0]!
      expect(rows.filter(({ holdsTime }) => holdsTime).map(({ split }) => split)).toEqual([least.split])
      return clock.monotonic() > 200
    },
    {},
    // Never at the moment of a change.
    1.3,
  )
  expect(states).toEqual(new Set(['reading', 'quiet', 'idle']))
})

test('what event time waits for: the split, since when, where it is and where others are', async () => {
  const known = new Map<string, Known>()
  let looks = 0
  await measuring(
    (p) => {
      p.from('readings', readings({ 1: 20, 2: 400 }, known))
        .withTimestamps({ timestamp: ({ time }) => time, idleAfter: '1h' })
        .to('out', memory.write())
    },
    ({ measured, platform }) => {
      const [slow, fast] = [known.get('1')!, known.get('2')!]
      if (slow.quietSince === undefined || platform.clock.now() - slow.at < 5) return false
      looks++
      const { holders } = measured.figures()
      expect(holders).toMatchObject([
        {
          source: 'readings',
          subtask: 0,
          split: '1',
          isQuiet: true,
          idleAfterMs: 3_600_000,
          watermark: slow.newest,
          ahead: fast.newest,
        },
      ])
      // It is noticed by the next measurement.
      const noticedMs = holders[0]!.since - slow.at
      expect([noticedMs, noticedMs >= 0 && noticedMs < 2 * 1.3]).toEqual([noticedMs, true])
      const { startedAt, checkpointEveryMs } = measured.overview()
      expect(startedAt).toBe(platform.clock.now() - platform.clock.monotonic())
      expect(checkpointEveryMs).toBe(20)
      return looks > 100
    },
    {},
    1.3,
  )
})

test('a split is closed while its reader is, and all are paused while their source is', async () => {
  const known = new Map<string, Known>()
  const closed = new Set<string>()
  let pausedAt: number | undefined
  await measuring(
    (p) => {
      p.from('readings', readings({ 1: 20, 2: 30, 3: 40, 4: 50, 5: 60 }, known, 2)).to('out', memory.write())
    },
    (at) => {
      const { measured, platform } = at
      const now = platform.clock.monotonic()
      if (pausedAt !== undefined) {
        expect(new Set(rowsOf(at).map(({ state }) => state))).toEqual(new Set(['paused']))
        expect(measured.overview().pausedSources).toEqual(['readings'])
        return true
      }
      const shut = rowsOf(at).filter(({ state }) => state === 'closed')
      for (const { split } of shut) closed.add(split)
      const open = [...known].filter(([, { isOpen }]) => isOpen).map(([split]) => split)
      expect(
        rowsOf(at)
          .filter(({ state }) => state !== 'closed')
          .map(({ split }) => split),
      ).toEqual(open)
      if (now > 400 && closed.size > 2) {
        measured.job.pause('readings')
        pausedAt = now
      }
      return now > 20_000
    },
    {},
    1.3,
  )
  expect(pausedAt).toBeDefined()
  expect([...known.values()].every(({ records }) => records > 0)).toBe(true)
})

test('the subtask of each split is the one whose sink gets its records', async () => {
  const known = new Map<string, Known>()
  const seen = new Map<string, Set<number>>()
  const noting: Sink<Reading> = {
    kind: 'noting',
    guarantee: 'at-least-once',
    open: async (subtask) => ({
      write: ({ values, length }) => {
        for (const { split } of values.slice(0, length)) {
          if (!seen.has(split)) seen.set(split, new Set())
          seen.get(split)!.add(subtask)
        }
      },
      prepare: async () => undefined,
      close: async () => {},
    }),
  }
  const sizes = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`${n + 1}`, 5]))
  await measuring(
    (p) => p.from('readings', readings(sizes, known)).to('out', noting),
    (at) => {
      if (at.operator('out').recordsIn < 100) return false
      // Without a key records stay in their subtask.
      expect(at.measured.graph.edges[0]).toMatchObject({ exchange: 'forward' })
      const rows = rowsOf(at)
      expect(rows).toHaveLength(20)
      for (const { split, subtask } of rows)
        expect([split, [...seen.get(split)!]]).toEqual([split, [subtask]])
      expect(new Set(rows.map(({ subtask }) => subtask)).size).toBe(3)
      for (const own of at.measured.detail('readings')!.subtasks) {
        const splits = rows.filter(({ subtask }) => subtask === own.subtask)
        expect(own.recordsOut).toBe(5 * splits.length)
      }
      return true
    },
    { parallelism: 3 },
  )
})
