import { expect, test } from 'vitest'
import type { Inputs } from './inputs.ts'
import { staggeredOrder, type PieceOrder } from './pace.ts'

/** Inputs with so many items in each split of each source. */
function inputsOf(sizes: Readonly<Record<string, Readonly<Record<string, number>>>>): Inputs {
  const items = (count: number): readonly { readonly kind: 'record'; readonly value: unknown }[] =>
    Array.from({ length: count }, (_, value) => ({ kind: 'record', value }))
  return new Map(
    Object.entries(sizes).map(([source, splits]) => [
      source,
      new Map(Object.entries(splits).map(([split, count]) => [split, items(count)])),
    ]),
  )
}

/** The relative position in an order at which each split ends, from 0 to 1. */
function endsOf(order: PieceOrder): Readonly<Record<string, number>> {
  return Object.fromEntries(order.map(({ split }, index) => [split, (index + 1) / order.length]))
}

test('where splits take turns, some end early and the others continue', () => {
  const inputs = inputsOf({ first: { a: 100, b: 100, c: 100 }, second: { x: 100, y: 100 } })
  const ends = endsOf(staggeredOrder(inputs, 5))
  const inTurn = ['a', 'x', 'y', 'c', 'b'].map((split) => ends[split]!)
  expect(inTurn[0]).toBeLessThan(0.7)
  expect(inTurn.at(-1)).toBe(1)
  for (const [index, end] of inTurn.slice(1).entries()) expect(end - inTurn[index]!).toBeGreaterThan(0.04)
})

test('a split with bursts is quiet between them while others continue', () => {
  const order = staggeredOrder(inputsOf({ source: { a: 100, b: 100, c: 100 } }), 5)
  const places = order.flatMap(({ split }, index) => (split === 'b' ? [index] : []))
  const gaps = places.slice(1).map((place, index) => place - places[index]! - 1)
  expect(gaps.filter((gap) => gap > 0)).toEqual([23, 11, 6])
})

test('each split is read completely and in order, in the same order on every run', () => {
  const inputs = inputsOf({ source: { a: 31, b: 7, c: 1, d: 0 } })
  const order = staggeredOrder(inputs, 4)
  const at = new Map<string, number>()
  for (const { split, from, to } of order) {
    expect(from).toBe(at.get(split) ?? 0)
    at.set(split, to)
  }
  expect(Object.fromEntries(at)).toEqual({ a: 31, b: 7, c: 1 })
  expect(staggeredOrder(inputs, 4)).toEqual(order)
})
