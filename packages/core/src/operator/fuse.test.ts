import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fuse, nested, type Step } from './fuse.ts'
import type { Receiver } from './receiver.ts'

class Taken implements Receiver {
  readonly values: unknown[] = []
  receive(value: unknown): void {
    this.values.push(value)
  }
}

const steps: Record<string, Step> = {
  double: { kind: 'map', apply: (value) => (value as number) * 2 },
  increment: { kind: 'map', apply: (value) => (value as number) + 1 },
  odd: { kind: 'filter', apply: (value) => (value as number) % 2 !== 0 },
  small: { kind: 'filter', apply: (value) => (value as number) < 50 },
  twice: { kind: 'flatMap', apply: (value) => [value, (value as number) + 100] },
  none: { kind: 'flatMap', apply: () => [] },
  look: { kind: 'tap', apply: () => 'ignored' },
  pass: { kind: 'pass' },
}

/** What the steps mean, one array after another. */
function plainly(chain: readonly Step[], values: readonly unknown[]): unknown[] {
  return chain.reduce(
    (list: unknown[], step): unknown[] => {
      if (step.kind === 'map') return list.map((value) => step.apply(value))
      if (step.kind === 'filter') return list.filter((value) => step.apply(value))
      if (step.kind === 'flatMap') return list.flatMap((value) => [...step.apply(value)])
      return list
    },
    [...values],
  )
}

describe('fuse', () => {
  test('any chain of steps, compiled or nested, gives what the steps give one after another', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 6 }),
        fc.array(fc.integer({ min: -100, max: 100 }), { maxLength: 5 }),
        (names, values) => {
          const chain = names.map((name) => steps[name]!)
          for (const form of [fuse, nested]) {
            const taken = new Taken()
            const run = form(chain, taken, { step: 0 })
            for (const value of values) run(value, 0)
            expect(taken.values).toEqual(plainly(chain, values))
          }
        },
      ),
    )
  })

  test.each([
    ['compiled', fuse],
    ['nested', nested],
  ])(
    '%s: the cursor names the step that threw, also inside a generator after its first element',
    (_, form) => {
      const cursor = { step: -1 }
      const chain: Step[] = [
        { kind: 'map', apply: (value) => value },
        {
          kind: 'flatMap',
          *apply(value) {
            yield value
            throw new Error('second element')
          },
        },
        { kind: 'map', apply: (value) => value },
      ]
      const run = form(chain, new Taken(), cursor)
      expect(() => run(1, 0)).toThrow('second element')
      expect(cursor.step).toBe(1)
    },
  )
})
