import { describe, expect, test } from 'vitest'
import {
  is,
  letters,
  matchesOf,
  matchHarness,
  matchNode,
  matchText,
  type Letter,
} from '../../test/pattern-trial.ts'
import { pattern } from './pattern.ts'

const a = pattern('a', is('a'))
const all: (letter: Letter) => boolean = () => true

describe('contiguity', () => {
  test('EN-149 next takes only the event that follows at once', () => {
    expect(matchesOf(a.next('b', is('b')), 'a1 c1 b1')).toEqual([])
    expect(matchesOf(a.next('b', is('b')), 'a1 b1')).toEqual(['a1 b1'])
  })

  test('EN-150 followedBy without conditions takes the next event of each', () => {
    const any = pattern('first', all).followedBy('second', all)
    expect(matchesOf(any, 'a b c d e')).toEqual(['a b', 'b c', 'c d', 'd e'])
  })

  test('EN-150 followedBy ignores events that do not meet the condition', () => {
    expect(matchesOf(a.followedBy('b', is('b')), 'a1 c1 b1 b2')).toEqual(['a1 b1'])
  })

  test('EN-151 followedByAny takes every later event', () => {
    const any = pattern('first', all).followedByAny('second', all)
    expect(matchesOf(any, 'a b c d e')).toEqual([
      'a b',
      'a c',
      'b c',
      'a d',
      'b d',
      'c d',
      'a e',
      'b e',
      'c e',
      'd e',
    ])
  })
})

describe('within', () => {
  const line = 'start1@1 start2@2 middle@3 foobar@4 end1@11 end2@13'
  const slow = pattern('start', is('start'))
    .followedByAny('middle', is('middle'))
    .followedByAny('end', is('end'))
    .within(10)

  test('EN-152 a match lasts less than the given time from its first to its last event', () => {
    expect(matchesOf(slow, line)).toEqual(['start2 middle end1'])
  })

  test('EN-153 partial matches whose time is over come out with that time and leave state', () => {
    const harness = matchHarness(matchNode(slow))
    for (const letter of letters(line)) harness.record(letter, letter.at)
    harness.watermark(11)
    const timedOut = (): readonly unknown[] =>
      harness
        .side('timedOut')
        .map(({ value, time }) => [matchText(value), (value as { timedOutAt: number }).timedOutAt, time])
    expect(timedOut()).toEqual([
      ['start1 middle', 11, 11],
      ['start1', 11, 11],
    ])
    // The time of the first event decides, and not the event or watermark that shows it, which depends on batches.
    harness.watermark(13)
    expect(timedOut().slice(2)).toEqual([
      ['start2 middle', 12, 12],
      ['start2', 12, 12],
    ])
    expect(harness.cells()).toEqual({ '#timers': 0, events: 1, partials: 0 })
    harness.end()
    expect(harness.side('timedOut').length).toBe(4)
  })

  test('EN-153 of a stage that is missing a timed-out match has nothing', () => {
    const harness = matchHarness(matchNode(a.oneOrMore().followedBy('b', is('b')).within(5)))
    harness.record({ key: 'k', name: 'a1', at: 1 }, 1)
    harness.end()
    expect(harness.side('timedOut')).toEqual([
      {
        value: { key: 'k', timedOutAt: 6, a: [{ key: 'k', name: 'a1', at: 1 }], b: undefined },
        time: 6,
      },
    ])
  })
})

describe('after a match', () => {
  const six = 'a1 a2 a3 a4 a5 a6'
  const three = a.times(3)

  test('EN-154 noSkip finds a match from every event', () => {
    expect(matchesOf(three, six)).toEqual(['a1 a2 a3', 'a2 a3 a4', 'a3 a4 a5', 'a4 a5 a6'])
  })

  test('EN-155 pastLast finds matches that do not overlap', () => {
    expect(matchesOf(three, six, { afterMatch: 'pastLast' })).toEqual(['a1 a2 a3', 'a4 a5 a6'])
  })

  test('EN-156 toNext finds one match for each first event', () => {
    const anyB = a.followedByAny('b', is('b'))
    expect(matchesOf(anyB, 'a1 b1 a2 b2', { afterMatch: 'toNext' })).toEqual(['a1 b1', 'a2 b2'])
    expect(matchesOf(anyB, 'a1 b1 a2 b2')).toEqual(['a1 b1', 'a1 b2', 'a2 b2'])
  })

  test('EN-157 a loop at the end gives a match for each of its events, and toNext only the first', () => {
    const loop = a.followedBy('b', is('b')).oneOrMore()
    expect(matchesOf(loop, 'a1 b1 b2 b3')).toEqual(['a1 b1', 'a1 b1 b2', 'a1 b1 b2 b3'])
    expect(matchesOf(loop, 'a1 b1 b2 b3', { afterMatch: 'toNext' })).toEqual(['a1 b1'])
  })

  test('EN-158 toFirst and toLast continue from an event of the stage', () => {
    const line = (count: number): string => Array.from({ length: count }, (_, i) => `ab${i + 1}`).join(' ')
    const both = pattern('start', (letter: Letter) => letter.name.includes('a'))
      .times(2)
      .next('end', (letter) => letter.name.includes('b'))
      .times(2)
    expect(matchesOf(both, line(6), { afterMatch: { toFirst: 'end' } })).toEqual([
      'ab1 ab2 ab3 ab4',
      'ab3 ab4 ab5 ab6',
    ])
    expect(matchesOf(both, line(7), { afterMatch: { toLast: 'end' } })).toEqual([
      'ab1 ab2 ab3 ab4',
      'ab4 ab5 ab6 ab7',
    ])
  })

  test('EN-159 each strategy leaves what it says of the matches of a greedy loop', () => {
    const greedy = a.oneOrMore().consecutive().greedy().next('b', is('b'))
    const line = 'a1 a2 a3 b1'
    expect(matchesOf(greedy, line, { afterMatch: 'pastLast' })).toEqual(['a1 a2 a3 b1'])
    expect(matchesOf(greedy, line, { afterMatch: { toLast: 'a' } })).toEqual(['a1 a2 a3 b1', 'a3 b1'])
    const each = ['a1 a2 a3 b1', 'a2 a3 b1', 'a3 b1']
    expect(matchesOf(greedy, line, { afterMatch: { toFirst: 'a' } })).toEqual(each)
    expect(matchesOf(greedy, line)).toEqual(each)
  })

  test('EN-160 a match without the stage skips nothing, or stops the job if it must not', () => {
    const maybe = a.followedBy('b', is('b')).optional().followedBy('c', is('c'))
    const line = 'a1 a2 c1'
    expect(matchesOf(maybe, line, { afterMatch: { toFirst: 'b' } })).toEqual(['a1 c1', 'a2 c1'])
    expect(() => matchesOf(maybe, line, { afterMatch: { toFirst: 'b', ifMissing: 'fail' } })).toThrow(
      /a match has no event of stage 'b'/,
    )
  })

  test('EN-161 a skip to the first event of the match ends, or stops the job if it must not', () => {
    expect(matchesOf(a.next('b', is('b')), 'a1 b1', { afterMatch: { toFirst: 'a' } })).toEqual(['a1 b1'])
    expect(() =>
      matchesOf(a.next('b', is('b')), 'a1 b1', { afterMatch: { toLast: 'a', ifMissing: 'fail' } }),
    ).toThrow(/is the first one of a match/)
  })

  test('a match waits for partial matches that began earlier', () => {
    const crossed = a.followedBy('b', (b, { a: first }) => b.name === `b${first.name.slice(1)}`)
    expect(matchesOf(crossed, 'a1 a2 b2 b1', { afterMatch: 'pastLast' })).toEqual(['a1 b1'])
    expect(matchesOf(crossed.within(3), 'a1 a2 b2 b1', { afterMatch: 'pastLast' })).toEqual(['a2 b2'])
    // At the end of the input the earlier one cannot match any more.
    expect(matchesOf(crossed, 'a1 a2 b2', { afterMatch: 'pastLast' })).toEqual(['a2 b2'])
  })
})

describe('loops', () => {
  const c = pattern('c', is('c'))

  test('EN-162 a greedy loop takes all it can, also with noise between, and may be empty', () => {
    const greedy = c.followedBy('a', is('a')).oneOrMore().greedy().optional().followedBy('d', is('d'))
    expect(matchesOf(greedy, 'c1 a1 a2 a3 d1')).toEqual(['c1 a1 a2 a3 d1'])
    expect(matchesOf(greedy, 'c1 x1 a1 x2 a2 x3 a3 x4 d1')).toEqual(['c1 a1 a2 a3 d1'])
    expect(matchesOf(greedy, 'c1 d1')).toEqual(['c1 d1'])
  })

  test('EN-162 a greedy loop that is full or broken lets the next stage take events', () => {
    const full = c.followedBy('a', is('a')).times(1, 2).greedy().followedBy('d', is('d'))
    expect(matchesOf(full, 'c1 a1 a2 a3 d1')).toEqual(['c1 a1 a2 d1'])
    const broken = c.next('a', is('a')).oneOrMore().consecutive().greedy().followedBy('d', is('d'))
    expect(matchesOf(broken, 'c1 a1 x1 a2 d1')).toEqual(['c1 a1 d1'])
  })

  test('EN-162 a greedy loop at the end needs a time, and gives the longest match', () => {
    const last = c.followedBy('a', is('a')).oneOrMore().greedy()
    expect(() => matchNode(last)).toThrow(/call within/)
    expect(matchesOf(last.within(10), 'c1 a1 x1 a2 x2')).toEqual(['c1 a1 a2'])
    expect(matchesOf(last.until(is('u')).within(10), 'c1 a1 a2 u1 a3')).toEqual(['c1 a1 a2'])
  })

  test('EN-163 an optional stage may follow a greedy loop', () => {
    const greedy = c
      .followedBy('a', is('a'))
      .times(2, 5)
      .greedy()
      .followedBy('d', is('d'))
      .optional()
      .followedBy('e', is('e'))
    expect(matchesOf(greedy, 'c1 a1 a2 e1')).toEqual(['c1 a1 a2 e1'])
    expect(matchesOf(greedy, 'c1 a1 a2 d1 e1')).toEqual(['c1 a1 a2 d1 e1', 'c1 a1 a2 e1'])
  })

  test('EN-164 until ends a loop and is not part of it', () => {
    const loop = c.followedBy('a', is('a')).oneOrMore().until(is('au')).followedBy('d', is('d'))
    expect(matchesOf(loop, 'c1 a1 au1 a2 d1')).toEqual(['c1 a1 d1'])
    const last = c.followedBy('a', is('a')).oneOrMore().until(is('u'))
    expect(matchesOf(last, 'c1 a1 a2 u1 a3')).toEqual(['c1 a1', 'c1 a1 a2'])
  })

  test('consecutive, relaxed and combined loops differ in what may lie between', () => {
    const loop = c.followedBy('a', is('a')).times(2)
    expect(matchesOf(loop.consecutive(), 'c1 a1 x1 a2 a3')).toEqual([])
    expect(matchesOf(loop, 'c1 a1 x1 a2 a3')).toEqual(['c1 a1 a2'])
    expect(matchesOf(loop.allowCombinations(), 'c1 a1 x1 a2 a3')).toEqual(['c1 a1 a2', 'c1 a1 a3'])
  })

  test('times from nought, atLeast and a loop in a loop find each combination once', () => {
    expect(matchesOf(c.next('a', is('a')).times(0, 2), 'c1 a1 a2 a3')).toEqual(['c1', 'c1 a1', 'c1 a1 a2'])
    expect(matchesOf(a.atLeast(2), 'a1 a2 a3')).toEqual(['a1 a2', 'a1 a2 a3', 'a2 a3'])
    expect(matchesOf(pattern(a.oneOrMore()).oneOrMore(), 'a1 a2')).toEqual(['a1', 'a1 a2', 'a2'])
  })
})

describe('what must not come', () => {
  test('EN-165 notNext looks at the next event only', () => {
    const not = a.notNext(is('n')).followedBy('b', is('b'))
    expect(matchesOf(not, 'a1 n1 b1')).toEqual([])
    expect(matchesOf(not, 'a1 x1 n1 b1')).toEqual(['a1 b1'])
    expect(matchesOf(a.notNext(is('n')), 'a1 a2 n1')).toEqual(['a1'])
  })

  test('EN-165 notFollowedBy looks at all events up to the next stage', () => {
    const not = a.notFollowedBy(is('n')).followedBy('b', is('b'))
    expect(matchesOf(not, 'a1 x1 n1 b1')).toEqual([])
    expect(matchesOf(not, 'a1 x1 b1 n1')).toEqual(['a1 b1'])
    const maybe = a.notFollowedBy(is('n')).followedBy('o', is('o')).optional().followedBy('b', is('b'))
    expect(matchesOf(maybe, 'a1 o1 n1 b1')).toEqual(['a1 o1 b1'])
  })

  test('EN-166 notFollowedBy at the end needs a time and matches when it is over', () => {
    const absent = a.notFollowedBy(is('n'))
    expect(() => matchNode(absent)).toThrow(/nothing says when a match is complete; call within/)
    const harness = matchHarness(matchNode(absent.within(10)))
    for (const letter of letters('a1@1 a2@5 n1@12 a3@20')) harness.record(letter, letter.at)
    harness.watermark(11)
    expect(harness.outputs.map(({ value, time }) => [matchText(value), time])).toEqual([['a1', 11]])
    harness.end()
    expect(harness.outputs.map(({ value, time }) => [matchText(value), time])).toEqual([
      ['a1', 11],
      ['a3', 30],
    ])
    expect(harness.side('timedOut')).toEqual([])
  })
})

describe('conditions and groups', () => {
  test('EN-167 a condition sees the events of earlier stages and of its own', () => {
    const figure = ({ name }: Letter): number => Number(name.slice(1))
    const rising = pattern('first', is('a'))
      .followedBy(
        'rising',
        (letter: Letter, { first, rising }) => figure(letter) > figure(rising.at(-1) ?? first),
      )
      .oneOrMore()
      .consecutive()
      .next('drop', (letter, { rising }) => rising.length >= 2 && figure(letter) < figure(rising[0]!))
    expect(matchesOf(rising, 'a1 a3 a5 a2')).toEqual(['a1 a3 a5 a2'])
    expect(matchesOf(rising, 'a1 a3 a2')).toEqual([])
  })

  test('a condition that does not look at earlier events is called once for an event', () => {
    let calls = 0
    const counted = a.followedByAny('b', (letter) => {
      calls++
      return letter.name.startsWith('b')
    })
    expect(matchesOf(counted, 'a1 a2 a3 b1')).toHaveLength(3)
    expect(calls).toBe(3)
  })

  test('EN-168 a pattern may begin with stages that are missing', () => {
    const start = a.optional().followedBy('b', is('b'))
    expect(matchesOf(start, 'b1')).toEqual(['b1'])
    expect(matchesOf(start, 'a1 b1')).toEqual(['a1 b1', 'b1'])
  })

  test('EN-168 a group repeats as a whole, and groups may be nested', () => {
    const pair = a.next('b', is('b'))
    expect(matchesOf(pattern(pair).times(2), 'a1 b1 x1 a2 b2')).toEqual([
      'a1 b1 a2 b2'.split(' ').toSorted().join(' '),
    ])
    expect(matchesOf(pattern(pair).times(2).consecutive(), 'a1 b1 x1 a2 b2')).toEqual([])
    const nested = pattern('s', is('s'))
      .next(pattern(pattern(pair).oneOrMore()).followedBy('c', is('c')))
      .times(2)
      .followedBy('e', is('e'))
    // The relaxed stage c may ignore the third pair.
    expect(matchesOf(nested, 's1 a1 b1 c1 a2 b2 a3 b3 c2 e1')).toEqual([
      's1 a1 a2 a3 b1 b2 b3 c1 c2 e1',
      's1 a1 a2 b1 b2 c1 c2 e1',
    ])
  })

  test('EN-168 an optional group may be left out', () => {
    const maybe = pattern('s', is('s'))
      .followedBy(a.next('b', is('b')))
      .optional()
      .followedBy('e', is('e'))
    expect(matchesOf(maybe, 's1 a1 b1 e1')).toEqual(['s1 a1 b1 e1', 's1 e1'])
  })
})
