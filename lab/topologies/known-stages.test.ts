import { expect, test } from 'vitest'
import type { Part as PatternPart } from '../../packages/flow/test/pattern-reference.ts'
import { lastOf } from './known-last.ts'
import type { KnownStream } from './known-stream.ts'
import type { Stages } from './last-shapes.ts'

/** Records of one key with these figures, at the times 1, 2 and so on. The letter of a figure is 'abcd'[figure % 4]. */
const figures = (...all: readonly number[]): KnownStream =>
  all.map((value, index) => ({
    value: { id: index, key: 'k', value },
    time: index + 1,
    line: 'source split',
    under: undefined,
    isOnTime: true,
  }))

const stage = (name: string, letters: string, changes: Partial<PatternPart> = {}): PatternPart =>
  ({
    kind: 'stage',
    name,
    letters,
    isRising: false,
    until: undefined,
    isGreedy: false,
    how: 'relaxed',
    times: { loop: undefined, isOptional: false },
    ...changes,
  }) as PatternPart

function found(how: Partial<Stages>, input: KnownStream): readonly unknown[] | undefined {
  const from = { node: 'source', output: 'main' }
  const common = { name: 'stages', from, policy: undefined, poison: undefined, by: { kind: 'key' } } as const
  const shape: Stages = { parts: [], withinMs: 3, afterMatch: 'noSkip', ...how }
  return lastOf({ ...common, kind: 'stages', how: shape }, input, [])?.map(
    (result) => (result as { readonly value: unknown }).value,
  )
}

test('matches have the figures of each stage, and partial matches whose time is over come out', () => {
  const parts = [stage('first', 'a'), stage('second', 'b', { how: 'any' })]
  expect(found({ parts }, figures(0, 1, 5, 9))).toEqual([
    [-1, 0, -2, 1],
    [-1, 0, -2, 5],
    // A later event could have been the second one as well.
    [-100, -1, 0, -2],
  ])
  expect(found({ parts: [stage('first', 'a'), stage('second', 'b')] }, figures(0, 4, 1, 5))).toEqual([
    [-1, 0, -2, 1],
    [-1, 4, -2, 1],
  ])
  expect(found({ parts }, figures(0, 2, 2, 1))).toEqual([[-100, -1, 0, -2]])
})

test('what is skipped after a match depends on the strategy', () => {
  const loop = { loop: { min: 2, max: 2, inner: 'relaxed' as const }, isOptional: false }
  const parts = [stage('twice', 'a', { times: loop }), stage('then', 'b')]
  const starts = (afterMatch: Stages['afterMatch']) =>
    found({ parts, afterMatch, withinMs: 9 }, figures(0, 4, 8, 1))
      ?.map((value) => value as readonly number[])
      .filter(([sign]) => sign === -1)
      .map(([, start]) => start)
  expect(starts('noSkip')).toEqual([0, 4])
  expect(starts('pastLast')).toEqual([0])
  expect(starts({ toLast: 'twice' })).toEqual([0, 4])
  expect(starts({ toFirst: 'then' })).toEqual([0])
})

test('late records come out as such, and nothing is expected where it is open which are late', () => {
  const [first, second] = figures(0, 1)
  const parts = [stage('first', 'a'), stage('second', 'b')]
  const isLate = { isOnTime: false, under: 9 }
  expect(found({ parts }, [first!, { ...second!, ...isLate }])).toEqual([
    [-200, 1],
    [-100, -1, 0, -2],
  ])
  expect(found({ parts }, [first!, { ...second!, isOnTime: false }])).toBeUndefined()
})

test('nothing is expected where two records of one time may come in any order, or too many are in one match', () => {
  const [first, second] = figures(0, 1)
  const parts = [stage('first', 'ab')]
  expect(found({ parts }, [first!, { ...second!, time: 1 }])).toHaveLength(2)
  expect(found({ parts }, [first!, { ...second!, time: 1, line: 'another' }])).toBeUndefined()
  expect(found({ parts, withinMs: 99 }, figures(...Array.from({ length: 40 }, () => 0)))).toBeUndefined()
})
