import fc from 'fast-check'
import { expect, test } from 'vitest'
import { probe, type Step } from '../../test/ttl-probe.ts'
import type { StateTtlOptions } from './ttl.ts'

/** What the state should be: entries with their stamps. */
class Model {
  readonly #ttl: StateTtlOptions
  entries: { readonly piece: string; readonly name: number; value: number; stamp: number; life: number }[] =
    []
  #numbered = 0

  constructor(ttl: StateTtlOptions) {
    this.#ttl = ttl
  }

  /** Does the steps at `now`; undefined if one fails, and then changes nothing. */
  run(steps: Step['steps'], now: number): unknown[] | undefined {
    const before = this.entries.map((entry) => ({ ...entry }))
    const seen: unknown[] = []
    for (const [what, n = 0, own] of steps) {
      this.#look(what, n, now)
      if (what === 'set') this.#write('one', 0, n, { now, own })
      if (what === 'add') this.#write('list', ++this.#numbered, n, { now, own })
      if (what === 'replace') {
        this.#remove(({ piece }) => piece === 'list')
        for (const value of [n, n + 1]) this.#write('list', ++this.#numbered, value, { now, own })
      }
      if (what === 'put') this.#write('map', n % 3, n, { now, own })
      if (what === 'drop') this.#remove(({ piece, name }) => piece === 'map' && name === n % 3)
      if (what === 'get') seen.push(this.#read('one', now)[0]?.value ?? 'none')
      if (what === 'list') seen.push(this.#read('list', now).map(({ value }) => value))
      if (what === 'map') seen.push(this.#read('map', now).map(({ name, value }) => [name, value]))
      if (what === 'size') seen.push(this.entries.filter(({ piece }) => piece === 'map').length)
      if (what === 'clear') this.#remove(({ piece }) => piece === 'one')
      if (what === 'clearAll') this.entries = []
      if (what === 'fail') {
        this.entries = before
        return undefined
      }
    }
    return seen
  }

  /** An entry that has expired is removed when it is looked up, so an older record does not see it either. */
  #look(what: Step['steps'][number][0], n: number, now: number): void {
    const pieces = {
      set: 'one',
      get: 'one',
      clear: 'one',
      list: 'list',
      map: 'map',
      size: 'map',
      put: 'map',
      drop: 'map',
    }
    const looked = pieces[what as keyof typeof pieces]
    this.#remove(({ piece, name, stamp, life }) => {
      if (piece !== looked || stamp + life > now) return false
      return what === 'put' || what === 'drop' ? name === n % 3 : true
    })
  }

  #write(
    piece: string,
    name: number,
    value: number,
    { now, own }: { readonly now: number; readonly own: number | undefined },
  ): void {
    const entry = this.entries.find((each) => each.piece === piece && each.name === name)
    const life = own ?? Number(this.#ttl.after ?? Infinity)
    if (entry === undefined) return void this.entries.push({ piece, name, value, stamp: now, life })
    entry.value = value
    if (own === undefined && this.#ttl.refresh === 'create') return
    entry.stamp = Math.max(entry.stamp, now)
    entry.life = life
  }

  #read(piece: string, now: number): Model['entries'] {
    const found = this.entries.filter((entry) => entry.piece === piece)
    if (this.#ttl.refresh === 'read') for (const entry of found) entry.stamp = Math.max(entry.stamp, now)
    return found
  }

  #remove(isOut: (entry: Model['entries'][number]) => boolean): void {
    this.entries = this.entries.filter((entry) => !isOut(entry))
  }
}

const drawnStep = fc.oneof(
  fc.tuple(fc.constantFrom('set', 'add', 'put', 'drop'), fc.nat(9)),
  fc.tuple(
    fc.constantFrom('set', 'add', 'put', 'replace'),
    fc.nat(9),
    fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 200, max: 900 })),
  ),
  fc.tuple(fc.constantFrom('get', 'get', 'list', 'list', 'map', 'map', 'size', 'clear', 'clearAll', 'fail')),
) as fc.Arbitrary<Step['steps'][number]>

const drawnEvent = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      behind: fc.nat(40),
      steps: fc.array(drawnStep, { maxLength: 6 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ advance: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ restoreAt: fc.integer({ min: 1, max: 4 }) }) },
)

test('any steps, order, checkpoints and parallelism: state is what a list of stamped entries says', () => {
  const drawnTtl = fc.record({
    after: fc.option(fc.integer({ min: 1, max: 120 }), { nil: undefined }),
    refresh: fc.constantFrom('create' as const, 'write' as const, 'read' as const),
    clock: fc.constantFrom('event' as const, 'processing' as const),
  })
  fc.assert(
    fc.property(drawnTtl, fc.array(drawnEvent, { minLength: 10, maxLength: 60 }), (drawn, events) => {
      const { after, ...others } = drawn
      const ttl: StateTtlOptions = after === undefined ? others : { ...others, after }
      const harness = probe(ttl)
      const models = new Map<string, Model>()
      let watermark = 0
      harness.watermark(0)
      for (const event of events) {
        if ('restoreAt' in event) harness.snapshotAndRestore(event.restoreAt)
        else if ('advance' in event) {
          watermark += event.advance
          harness.watermark(watermark)
          harness.processingTime(watermark)
        } else {
          const time = watermark + 30 - event.behind
          const model = models.get(event.key) ?? new Model(ttl)
          models.set(event.key, model)
          const before = harness.outputs.length
          harness.record(event, time)
          const now = ttl.clock === 'event' ? Math.max(time, watermark) : watermark
          const seen = harness.outputs.slice(before).map(({ value }) => value)
          expect(seen).toEqual(model.run(event.steps, now) ?? [])
        }
      }
      harness.watermark(watermark + 2_000)
      harness.processingTime(watermark + 2_000)
      const left = [...models.values()]
        .flatMap((model) => model.entries)
        .filter(({ life }) => life === Infinity)
      const cells = Object.values(harness.cells()).reduce((all, size) => all + size, 0)
      expect(cells).toBe(left.length)
    }),
    { numRuns: 100 },
  )
})
