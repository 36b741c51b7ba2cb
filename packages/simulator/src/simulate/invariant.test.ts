import { expect, test } from 'vitest'
import type { Inputs } from './inputs.ts'
import { brokenInvariants, type RunFacts } from './invariant.ts'
import type { RunOutcome } from './run-plan.ts'
import { Spent } from './sim-source.ts'

const outcome: RunOutcome = {
  steps: 10,
  lives: 2,
  simulatedMs: 5,
  events: [{ kind: 'bitFlip', life: 0, step: 3, atMs: 1, what: 'a bit' }],
  digest: 0,
  outputs: new Map(),
  state: undefined,
  stopped: undefined,
  broken: [],
  fallbacks: 0,
  version: 0,
  spent: new Map([['numbers', new Spent()]]),
  brought: 0,
  starts: 1,
  isForked: false,
}

const inputs: Inputs = new Map([
  [
    'numbers',
    new Map([
      [
        'all',
        [
          { kind: 'record', value: 1 },
          { kind: 'record', value: 2 },
        ],
      ],
    ]),
  ],
])

/** Collects the facts of a run that an invariant receives. */
function toldOf(changes: Partial<RunOutcome>): RunFacts | undefined {
  let facts: RunFacts | undefined
  brokenInvariants({ ...outcome, ...changes }, inputs, {}, [(_outputs, run) => void (facts = run)])
  return facts
}

test('an invariant receives whether results may be repeated and whether records are lost', () => {
  const items = { numbers: { all: 2 } }
  expect(toldOf({})).toEqual({ faults: outcome.events, hasLost: false, hasFallenBack: false, items })
  expect(toldOf({ fallbacks: 1 })).toMatchObject({ hasFallenBack: true })
  const spent = new Spent()
  spent.taken('all', 3)
  expect(spent.resume('all', 1, 1)).toBe(3)
  expect(toldOf({ spent: new Map([['numbers', spent]]) })).toMatchObject({ hasLost: true })
})

test('output that a replaced process never committed does not count as lost', () => {
  const spent = new Spent()
  spent.taken('all', 3)
  expect(spent.resume('all', 3, 2)).toBe(3)
  expect(spent.resume('all', 0, 1)).toBe(3)
  expect(toldOf({ spent: new Map([['numbers', spent]]) })).toMatchObject({ hasLost: false })
})

test('a broken invariant is reported by its name, or by its number', () => {
  const enough = (): void => {
    throw new Error('too few')
  }
  const found = brokenInvariants(outcome, inputs, {}, [enough, (): void => enough()])
  expect(found.map(({ what }) => what)).toEqual([
    'invariant enough does not hold: too few',
    'invariant number 2 does not hold: too few',
  ])
})

test('a job that was stopped by damage need not produce further output', () => {
  expect(toldOf({ stopped: 'a checkpoint is damaged' })).toBeUndefined()
})
