import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RecordHeaders } from '../record/headers.ts'
import {
  fuse,
  fuseFramed,
  nested,
  type GuardedStep,
  type HeaderPlace,
  type Step,
  type StepCursor,
  type StepTaps,
} from './fuse.ts'
import type { Receiver } from './receiver.ts'

class Taken implements Receiver {
  readonly values: unknown[] = []
  receive(value: unknown): void {
    this.values.push(value)
  }
}

/** A value and the headers of its record. */
type Pair = readonly [value: unknown, headers: RecordHeaders | undefined]

class TakenPairs implements Receiver {
  readonly pairs: Pair[] = []
  readonly place: HeaderPlace = { headers: undefined }
  receive(value: unknown): void {
    this.pairs.push([value, this.place.headers])
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
  stamp: { kind: 'withHeaders', apply: (value, headers) => ({ ...headers, n: String(value) }) },
  clear: { kind: 'withHeaders', apply: (value, headers) => ((value as number) > 20 ? undefined : headers) },
  read: { kind: 'mapWithHeaders', apply: (value, { n = 0 }) => (value as number) + Number(n) },
  pass: { kind: 'pass' },
}

function stepCursor(): StepCursor {
  return { step: 0, passed: new Float64Array(8) }
}

/** Steps that stop the job when they throw. */
function strict(chain: readonly Step[]): readonly GuardedStep[] {
  return chain.map((step) => ({ step, reject: undefined }))
}

type FuseParts = readonly [
  steps: readonly GuardedStep[],
  target: Receiver,
  cursor: StepCursor,
  place: HeaderPlace,
]

/** The steps as a profile sees them. */
function framed(...parts: Parameters<typeof fuseFramed>): ReturnType<typeof fuse> {
  return fuseFramed(...parts)!.run
}

/** A model of the steps, one array after another. */
function plainly(chain: readonly Step[], records: readonly Pair[]): readonly Pair[] {
  return chain.reduce(
    (list: readonly Pair[], step): readonly Pair[] =>
      list.flatMap(([value, headers]): readonly Pair[] => {
        switch (step.kind) {
          case 'map':
            return [[step.apply(value), headers]]
          case 'mapWithHeaders':
            return [[step.apply(value, headers ?? {}), headers]]
          case 'withHeaders': {
            const set = step.apply(value, headers ?? {})
            return [[value, set !== undefined && Object.keys(set).length > 0 ? set : undefined]]
          }
          case 'filter':
            return step.apply(value) ? [[value, headers]] : []
          case 'flatMap':
            return [...step.apply(value)].map((element): Pair => [element, headers])
          default:
            return [[value, headers]]
        }
      }),
    [...records],
  )
}

describe('fuse', () => {
  test('any chain of steps, compiled, framed or nested, equals the steps applied one after another', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...Object.keys(steps)), { maxLength: 6 }),
        fc.array(
          fc.tuple(
            fc.integer({ min: -100, max: 100 }),
            fc.option(fc.constant({ own: 'h' }), { nil: undefined }),
          ),
          {
            maxLength: 5,
          },
        ),
        (names, records) => {
          const chain = names.map((name) => steps[name]!)
          for (const form of [fuse, framed, nested]) {
            const taken = new TakenPairs()
            const run = form(strict(chain), taken, stepCursor(), taken.place)
            for (const [value, headers] of records) {
              taken.place.headers = headers
              run(value, 0)
              expect(taken.place.headers).toBe(headers)
            }
            expect(taken.pairs).toEqual(plainly(chain, records))
          }
        },
      ),
    )
  })

  test('taps see what leaves their steps, compiled, framed or nested, and change no result', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 6 }),
        fc.array(fc.integer({ min: -100, max: 100 }), { maxLength: 5 }),
        fc.nat(5),
        (names, values, at) => {
          const chain = strict(names.map((name) => steps[name]!))
          const tapped = at % chain.length
          const records = values.map((value): Pair => [value, undefined])
          const upTo = (end: number): readonly Pair[] =>
            plainly(
              names.slice(0, end).map((name) => steps[name]!),
              records,
            )
          const forms: readonly ((taps: StepTaps, ...parts: FuseParts) => ReturnType<typeof fuse>)[] = [
            (taps, ...parts) => fuse(...parts, taps),
            (taps, ...parts) => fuseFramed(...parts, { taps })!.run,
            (taps, ...parts) => nested(...parts, { taps }),
          ]
          for (const form of forms) {
            const taken = new TakenPairs()
            const seen: Pair[] = []
            const taps = new Map([[tapped, (value: unknown) => void seen.push([value, taken.place.headers])]])
            const run = form(taps, chain, taken, stepCursor(), taken.place)
            for (const value of values) run(value, 0)
            expect(seen).toEqual(upTo(tapped + 1))
            expect(taken.pairs).toEqual(upTo(chain.length))
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
      const cursor = stepCursor()
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
      const run = form(strict(chain), new Taken(), cursor, { headers: undefined })
      expect(() => run(1, 0)).toThrow('second element')
      expect(cursor.step).toBe(1)
    },
  )

  describe.each([
    ['compiled', fuse],
    ['nested', nested],
  ])('%s: a step that skips failed records', (_, form) => {
    interface Rejected {
      readonly step: number
      readonly value: unknown
      readonly message: string
    }

    function running(chain: readonly Step[], target: Receiver = new Taken()) {
      const rejected: Rejected[] = []
      const guarded = chain.map((step, index) => ({
        step,
        reject: (thrown: unknown, value: unknown) => {
          rejected.push({ step: index, value, message: (thrown as Error).message })
        },
      }))
      return { run: form(guarded, target, stepCursor(), { headers: undefined }), rejected }
    }

    const refusing = (refused: unknown, kind: 'map' | 'filter' | 'tap'): Step =>
      ({
        kind,
        apply: (value: unknown) => {
          if (value === refused) throw new Error(`not ${String(value)}`)
          return kind === 'filter' ? true : value
        },
      }) as Step

    test('reports the record at the step, and other records pass', () => {
      const taken = new Taken()
      const chain = [steps['increment']!, refusing(3, 'map'), refusing(4, 'filter'), refusing(5, 'tap')]
      const { run, rejected } = running(chain, taken)
      for (const value of [1, 2, 3, 4, 5]) run(value, 0)
      expect(taken.values).toEqual([2, 6])
      expect(rejected).toEqual([
        { step: 1, value: 3, message: 'not 3' },
        { step: 2, value: 4, message: 'not 4' },
        { step: 3, value: 5, message: 'not 5' },
      ])
    })

    test('emits nothing of a flatMap that fails after its first element', () => {
      const taken = new Taken()
      const halfWay: Step = {
        kind: 'flatMap',
        *apply(value) {
          yield value
          if (value === 1) throw new Error('second element')
        },
      }
      const { run, rejected } = running([halfWay], taken)
      for (const value of [0, 1, 2]) run(value, 0)
      expect(taken.values).toEqual([0, 2])
      expect(rejected).toEqual([{ step: 0, value: 1, message: 'second element' }])
    })

    test('after a flatMap skips one element and not the others', () => {
      const taken = new Taken()
      const { run, rejected } = running([steps['twice']!, refusing(1, 'map'), steps['twice']!], taken)
      run(1, 0)
      expect(taken.values).toEqual([101, 201])
      expect(rejected).toEqual([{ step: 1, value: 1, message: 'not 1' }])
    })

    test('does not handle errors from later in the chain', () => {
      const { run, rejected } = running([steps['increment']!, steps['twice']!], {
        receive() {
          throw new Error('downstream')
        },
      })
      expect(() => run(1, 0)).toThrow('downstream')
      expect(rejected).toEqual([])
    })
  })

  describe.each([
    ['compiled', fuse],
    ['nested', nested],
  ])('%s: a function that returns a promise', (_, form) => {
    /* oxlint-disable unicorn/no-thenable -- these are the mistakes */
    const kinds: readonly Step[] = [
      { kind: 'map', apply: async (value) => value },
      { kind: 'map', apply: (value) => ({ then: () => value }) },
      { kind: 'filter', apply: (async () => false) as unknown as () => boolean },
      { kind: 'tap', apply: (async () => {}) as unknown as () => void },
      { kind: 'flatMap', apply: (async () => [1]) as unknown as () => Iterable<unknown> },
      { kind: 'flatMap', apply: (value) => [Promise.resolve(value)] },
      {
        kind: 'flatMap',
        apply: async function* () {
          yield 1
        } as unknown as () => Iterable<unknown>,
      },
    ]

    test.each(kinds.map((step) => [step.kind, step] as const))('%s: is rejected', (_kind, step) => {
      const taken = new Taken()
      const rejected: unknown[] = []
      const run = form(strict([step]), taken, stepCursor(), { headers: undefined })
      const guarded = form([{ step, reject: (thrown) => rejected.push(thrown) }], taken, stepCursor(), {
        headers: undefined,
      })
      const refused = expect.objectContaining({ code: 'ASYNC_FUNCTION' })
      expect(() => run(1, 0)).toThrow(refused)
      expect(() => run(1, 0)).toThrow(/mapAsync/)
      guarded(1, 0)
      expect(rejected).toEqual([refused])
      expect(taken.values).toEqual([])
    })

    test('a value with a field named then is a value', () => {
      const taken = new Taken()
      const run = form(strict([{ kind: 'map', apply: () => ({ then: 'later' }) }]), taken, stepCursor(), {
        headers: undefined,
      })
      run(1, 0)
      expect(taken.values).toEqual([{ then: 'later' }])
    })
    /* oxlint-enable unicorn/no-thenable */

    test('flatMap: a result that is not iterable is described', () => {
      const step: Step = { kind: 'flatMap', apply: () => 7 as unknown as Iterable<unknown> }
      expect(() => form(strict([step]), new Taken(), stepCursor(), { headers: undefined })(1, 0)).toThrow(
        'its function returned a number; flatMap needs an array or another iterable',
      )
    })
  })
})
