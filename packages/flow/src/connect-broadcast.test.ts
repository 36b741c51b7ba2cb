import { memory } from '@millrace/connector-memory'
import { keysOf, type OperatorNode } from '@millrace/core/graph'
import { at, operatorHarness, operatorLives, watermark, type OperatorHarness } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { connectBroadcast } from './connect-broadcast.ts'
import { output } from './operators/process.ts'
import { state } from './operators/state-spec.ts'
import { pipeline } from './pipeline.ts'
import type { KeyedStream, SourceStream } from './stream.ts'

/** A sale, or how much sales of a shop are worth from now on. */
interface Item {
  readonly shop: string
  readonly n: number
}

const nodeOf = (mistake?: 'sale changes the rules'): OperatorNode => {
  const { graph } = pipeline('test', (p) => {
    const timed = (name: string) => p.from(name, memory.read<Item>({})).withTimestamps({ timestamp: () => 0 })
    connectBroadcast(
      timed('sales').keyBy(({ shop }) => shop),
      timed('rules'),
    )
      .process('worth', {
        output: output<unknown>(),
        state: { sum: state.value<number>() },
        broadcast: {
          factors: state.map<string, number>(),
          seen: state.value<number>(),
          all: state.list<number>(),
        },
        onRecord({ value: { shop, n }, time }, { state: { sum }, broadcast, emit, timers }) {
          if (mistake !== undefined) (broadcast.seen as unknown as { set(n: number): void }).set(1)
          sum.set((sum.get() ?? 0) + n * (broadcast.factors.get(shop) ?? 1))
          emit([shop, sum.get(), broadcast.seen.get() ?? 0, broadcast.all.get()])
          timers.setEvent(time + 10)
        },
        onBroadcast({ value: { shop, n } }, { broadcast: { factors, seen, all } }) {
          seen.set((seen.get() ?? 0) + 1)
          all.add(n)
          if (n === 0) factors.delete(shop)
          else factors.set(shop, n)
          if (n === 13) throw new Error('13')
        },
        onTimer: ({ key }, { broadcast, emit }) => emit([key, [...broadcast.factors.entries()]]),
      })
      .to('out', memory.write())
  }).describe()
  return graph.nodes.find(
    (node): node is OperatorNode => node.kind === 'operator' && node.inputs.length === 2,
  )!
}

const harnessOf = (
  options: { readonly onError?: 'skip' | 'deadLetter'; readonly parallelism?: number } = {},
) => {
  const node = nodeOf()
  return operatorHarness<Item>(() => node.create(), { inputs: keysOf(node), ...options })
}
const values = (harness: OperatorHarness<Item>) => harness.outputs.map(({ value }) => value)

describe('connectBroadcast', () => {
  test('every subtask gets every rule, and keyed records and timers read them', () => {
    const node = nodeOf()
    const sale = (time: number, shop: string, n: number) => at(time, { shop, n }, 0)
    const rule = (time: number, shop: string, n: number) => at(time, { shop, n }, 1)
    const harness = operatorLives<Item>({
      create: node.create,
      inputs: keysOf(node),
      keepsState: true,
      input: [
        sale(1, 'a', 2),
        rule(2, 'a', 10),
        sale(3, 'a', 2),
        sale(3, 'b', 2),
        rule(4, 'a', 0),
        watermark(20),
      ],
    })
    expect(values(harness)).toEqual([
      ['a', 2, 0, []],
      ['a', 22, 1, [10]],
      ['b', 2, 1, [10]],
      ['a', []],
      ['a', []],
      ['b', []],
    ])
  })

  test('a keyed record cannot change the rules', () => {
    const node = nodeOf('sale changes the rules')
    const harness = operatorHarness<Item>(() => node.create(), { inputs: keysOf(node) })
    expect(() => harness.record({ shop: 'a', n: 1 }, 0)).toThrow(
      "broadcast state 'seen' was changed outside of onBroadcast",
    )
  })

  test('a rule that fails is skipped in every subtask, and counts once', () => {
    for (const parallelism of [1, 3]) {
      const harness = harnessOf({ onError: 'deadLetter', parallelism })
      harness.record({ shop: 'a', n: 13 }, 0, 1)
      for (const shop of ['a', 'b', 'c', 'd', 'e']) harness.record({ shop, n: 2 }, 0)
      expect(values(harness)).toEqual(['a', 'b', 'c', 'd', 'e'].map((shop) => [shop, 2, 0, []]))
      expect(harness.counted('deadLettered')).toBe(1)
      expect(harness.side('errors').length).toBe(1)
    }
  })

  test('state that expires, streams without a key and an absent handler are refused', () => {
    const build = (
      change: (parts: {
        sales: SourceStream<Item>
        keyed: KeyedStream<Item, number>
        spec: object
      }) => readonly [unknown, unknown, object],
    ) =>
      pipeline('p', (p) => {
        const sales = p.from('sales', memory.read<Item>({}))
        const spec = { broadcast: {}, onRecord() {}, onBroadcast() {} }
        const [keyed, rules, changed] = change({ sales, keyed: sales.keyBy(({ n }) => n), spec })
        connectBroadcast(keyed as KeyedStream<Item, number>, rules as SourceStream<Item>)
          .process<number>('x', changed as never)
          .to('out', memory.write())
      }).describe()
    expect(() => build(({ sales, spec }) => [sales, sales, spec])).toThrow(
      'connectBroadcast needs a stream by key',
    )
    expect(() => build(({ keyed, sales }) => [keyed, sales, { broadcast: {}, onRecord() {} }])).toThrow(
      "onBroadcast of process 'x' needs a function",
    )
    const ttl = { after: 1, clock: 'processing' as const }
    const { graph } = build(({ keyed, sales, spec }) => [
      keyed,
      sales,
      { ...spec, broadcast: { x: state.value({ ttl }) } },
    ])
    const node = graph.nodes.find(
      (each): each is OperatorNode => each.kind === 'operator' && each.inputs.length === 2,
    )!
    expect(() => operatorHarness(() => node.create(), { inputs: keysOf(node) })).toThrow('cannot expire')
  })

  const drawn = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ shop: fc.constantFrom('a', 'b', 'c', 'd'), n: fc.integer({ min: 1, max: 14 }) }),
    },
    { weight: 2, arbitrary: fc.record({ rule: fc.constantFrom('a', 'b', 'c', 'd'), n: fc.nat(14) }) },
    { weight: 1, arbitrary: fc.record({ restoreAt: fc.integer({ min: 1, max: 4 }) }) },
  )

  test('EN-236 any interleaving, checkpoints and 1 to 4 subtasks: the same results as one list of rules', () => {
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 5, maxLength: 50 }), (events) => {
        const harness = harnessOf({ onError: 'skip' })
        const factors = new Map<string, number>()
        const sums = new Map<string, number>()
        const all: number[] = []
        for (const event of events) {
          const before = harness.outputs.length
          if ('restoreAt' in event) harness.snapshotAndRestore(event.restoreAt)
          else if ('rule' in event) {
            harness.record({ shop: event.rule, n: event.n }, 0, 1)
            if (event.n === 13) continue
            all.push(event.n)
            if (event.n === 0) factors.delete(event.rule)
            else factors.set(event.rule, event.n)
          } else {
            harness.record(event, 0)
            const { shop, n } = event
            sums.set(shop, (sums.get(shop) ?? 0) + n * (factors.get(shop) ?? 1))
            expect(values(harness).slice(before)).toEqual([[shop, sums.get(shop), all.length, all]])
          }
        }
        expect(harness.cells()).toMatchObject({ factors: factors.size, seen: all.length > 0 ? 1 : 0 })
      }),
      { numRuns: 100 },
    )
  })
})
