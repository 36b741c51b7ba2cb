import { keysOf } from '@millrace/core/graph'
import { at, operatorLives, watermark } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { is, letters, matchesOf, matchHarness, matchNode, type Letter } from '../../test/pattern-trial.ts'
import { pattern } from './pattern.ts'

const a = pattern('a', is('a'))

describe('order, state and lateness', () => {
  test('EN-169 events are handled in the order of their times, and late ones come out', () => {
    const harness = matchHarness(matchNode(a.next('b', is('b')).next('c', is('c'))))
    for (const letter of letters('c1@7 b1@5 a1@5 x1@5 a2@3 b2@4 c2@5')) harness.record(letter, letter.at)
    harness.watermark(5)
    harness.record({ key: 'k', name: 'late', at: 4 }, 4)
    harness.record({ key: 'k', name: 'z', at: 5 }, 5)
    harness.end()
    expect(harness.outputs).toEqual([])
    expect(harness.side('late').map(({ value, time }) => [(value as Letter).name, time])).toEqual([
      ['late', 4],
    ])
    expect(harness.counted('late')).toBe(1)
  })

  test('EN-169 events of one time keep the order of arrival', () => {
    expect(matchesOf(a.next('b', is('b')), 'a1@5 b1@5 b2@5 a2@5')).toEqual(['a1 b1'])
    expect(matchesOf(a.next('b', is('b')), 'b1@5 a1@5')).toEqual([])
  })

  test('EN-170 the buffer is empty when no partial match lives', () => {
    const harness = matchHarness(matchNode(a.oneOrMore().consecutive().next('b', is('b')).next('c', is('c'))))
    const sizes = letters('a1 x1 a2 a3 b1 c1 a4 b2 x2').map((letter) => {
      harness.record(letter, letter.at)
      harness.watermark(letter.at + 0.5)
      const { events, partials } = harness.cells()
      return [events, partials]
    })
    expect(sizes).toEqual([
      [1, 1],
      [0, 0],
      [1, 1],
      [2, 1],
      [3, 1],
      [0, 0],
      [1, 1],
      [2, 1],
      [0, 0],
    ])
  })

  test('EN-170 an event that two partial matches share goes with the last of them', () => {
    const harness = matchHarness(matchNode(a.followedByAny('b', is('b')).followedBy('c', is('c')).within(10)))
    for (const letter of letters('a1@1 a2@4 b1@5')) harness.record(letter, letter.at)
    harness.watermark(11)
    expect(harness.cells()).toMatchObject({ events: 2, partials: 1 })
    harness.watermark(14)
    expect(harness.cells()).toEqual({ '#timers': 0, events: 0, partials: 0 })
  })

  test('EN-171 partial matches survive restarts and other parallelism', () => {
    const node = matchNode(a.oneOrMore().followedByAny('b', is('b')).notFollowedBy(is('n')).within(6), {
      afterMatch: { toLast: 'a' },
    })
    const input = ['k', 'l', 'm'].flatMap((key) => letters('a1 a2 b1 b2 a3@9 b3@10 n1@11 a4@20 b4@21', key))
    const { outputs } = operatorLives<Letter>({
      create: () => node.create(),
      keyBy: keysOf(node)[0]!,
      outputs: node.outputs,
      input: input
        .toSorted((x, y) => x.at - y.at)
        .flatMap((letter, index) => [
          at(letter.at, letter),
          ...(index % 3 === 2 ? [watermark(letter.at)] : []),
        ]),
    })
    expect(outputs.length).toBeGreaterThan(6)
  })

  test('EN-172 matches of one event come out in the order of their events', () => {
    const combined = a.oneOrMore().allowCombinations().followedBy('b', is('b'))
    expect(matchesOf(combined, 'a1 a2 a3 b1')).toEqual([
      'a1 a2 a3 b1',
      'a1 a2 b1',
      'a1 a3 b1',
      'a1 b1',
      'a2 a3 b1',
      'a2 b1',
      'a3 b1',
    ])
  })

  test('many events of one time are handled in turns, also before full outputs', () => {
    const node = matchNode(a.next('b', is('b')))
    const { outputs } = operatorLives<Letter>({
      create: () => node.create(),
      keyBy: keysOf(node)[0]!,
      outputs: node.outputs,
      input: Array.from({ length: 300 }, (_, i) =>
        at(5, { key: 'k', name: `${i % 2 === 0 ? 'a' : 'b'}${i}`, at: 5 }),
      ),
    })
    expect(outputs.length).toBe(150)
    expect(outputs.at(-1)).toMatchObject({ value: { a: { name: 'a298' }, b: { name: 'b299' } }, time: 5 })
  })

  test('what a condition throws, and a promise that it returns, stops the job', () => {
    const fails = a.next('b', () => {
      throw new TypeError('no such field')
    })
    expect(() => matchesOf(fails, 'a1 b1')).toThrow(/failed at event timer .*no such field/)
    const waits = a.next('b', (() => Promise.resolve(true)) as unknown as () => boolean)
    expect(() => matchesOf(waits, 'a1 b1')).toThrow(/promise/)
  })

  test('a checkpoint knows the pattern and its time', () => {
    const settings = matchNode(a.times(2).followedBy('b', is('b')).optional().within('1m')).fingerprint!
      .settings
    expect(settings).toEqual([
      { name: 'pattern', value: 'a {2}, followedBy b optional' },
      { name: 'within', value: 60_000, unit: 'ms' },
    ])
  })
})
