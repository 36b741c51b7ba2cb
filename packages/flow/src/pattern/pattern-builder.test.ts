import { describe, expect, test } from 'vitest'
import { is, matchNode } from '../../test/pattern-trial.ts'
import { pattern } from './pattern.ts'

const a = pattern('a', is('a'))

describe('untyped mistakes', () => {
  const untyped = a as never as Record<string, (...args: unknown[]) => typeof untyped>

  test.each([
    [(): unknown => untyped['times']!(2)['times']!(3), /already says how often/],
    [(): unknown => untyped['times']!(0, 0), /give whole numbers/],
    [(): unknown => untyped['atLeast']!(-1), /give a whole number/],
    [(): unknown => untyped['greedy']!(), /only a stage that may occur several times/],
    [(): unknown => untyped['notNext']!(is('n'))['optional']!(), /does not follow notNext/],
    [(): unknown => untyped['next']!('a', is('b')), /two stages 'a'/],
    [(): unknown => untyped['next']!('key', is('b')), /cannot be called 'key'/],
    [(): unknown => untyped['next']!('b'), /needs a function/],
    [(): unknown => untyped['next']!(3), /needs a name and a condition, or a pattern/],
    [(): unknown => untyped['within']!(0), /within of a pattern/],
    [(): unknown => matchNode({}), /needs a pattern/],
    [(): unknown => matchNode(a, { afterMatch: { toFirst: 'z' as 'a' } }), /with the name of a stage/],
    [(): unknown => matchNode(a, { afterMatch: 'skip' as never }), /it must be 'noSkip'/],
    [(): unknown => untyped['times']!(10_001), /too large/],
  ])('%s', (mistake, message) => {
    expect(() => {
      const made = mistake()
      matchNode(made as never)
    }).toThrow(message)
  })
})
