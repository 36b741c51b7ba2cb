import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkLog } from '../../src/log-checker/check-log.ts'
import { drawnHistory } from './drawn-history.ts'
import { allowedByKafka, type AnomalyKind, type LogOperation } from '../../src/log-checker/history.ts'
import { plants } from './planted-anomalies.ts'

const runs = process.env['MILLRACE_TEST_LEVEL'] === 'full' ? 3_000 : 100

const anyStep = fc.record({
  client: fc.nat(5),
  does: fc.constantFrom('send', 'send', 'send', 'commit', 'abort', 'lose the answer', 'poll', 'poll', 'seek'),
  pick: fc.nat(20),
})
const anyHistory = fc.array(anyStep, { minLength: 20, maxLength: 120 }).map(drawnHistory)

const kindsIn = (history: readonly LogOperation[]): AnomalyKind[] => checkLog(history).map(({ kind }) => kind)

describe('the checker of logs', () => {
  test('finds nothing in what a log that keeps its promises shows to its clients', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        expect(checkLog(history).filter(({ kind }) => !allowedByKafka.has(kind))).toEqual([])
      }),
      { numRuns: runs },
    )
  })

  test.each(Object.entries(plants))('finds %s', (kind, plant) => {
    let planted = 0
    fc.assert(
      fc.property(anyHistory, (history) => {
        const changed = plant(history)
        if (changed === undefined) return
        planted++
        expect(kindsIn(changed)).toContain(kind)
      }),
      // The same histories each time, so that enough of them have what can be changed.
      { numRuns: Math.ceil(runs / 4), seed: 1 },
    )
    expect(planted).toBeGreaterThan(5)
  })

  test('takes an unknown outcome as evidence for nothing, until a part of it was read', () => {
    const lost: LogOperation = {
      process: 'w',
      outcome: 'unknown',
      steps: [
        { kind: 'send', log: 'a', value: 'one' },
        { kind: 'send', log: 'b', value: 'two' },
      ],
    }
    expect(checkLog([lost])).toEqual([])
    const half: LogOperation = {
      process: 'r',
      outcome: 'ok',
      steps: [{ kind: 'poll', log: 'a', records: [[0, 'one']] }],
    }
    expect(checkLog([lost, half])).toEqual([
      { kind: 'unseen', message: 'two was acknowledged in b, and never read' },
    ])
  })

  test('says where it has seen what', () => {
    const send: LogOperation = {
      process: 'w',
      outcome: 'ok',
      steps: [
        { kind: 'send', log: 'a', value: 'one', offset: 0 },
        { kind: 'send', log: 'a', value: 'two', offset: 1 },
      ],
    }
    const read: LogOperation = {
      process: 'r',
      outcome: 'ok',
      steps: [{ kind: 'poll', log: 'a', records: [[1, 'two']] }],
    }
    expect(checkLog([send, read])).toEqual([
      { kind: 'lost-write', message: 'a@0 held one, and was read up to 1 without it' },
    ])
  })
})
