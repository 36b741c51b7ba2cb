import { describe, expect, test } from 'vitest'
import { ImmutableValues } from './immutable-values.ts'

class Order {
  lines = [1]
  total: number | undefined
  id = 7
}

describe('immutable values', () => {
  test('plain objects and arrays are frozen at every depth, also in cycles and in collections', () => {
    const values = new ImmutableValues()
    const inMap = { n: 1 }
    const value: Record<string, unknown> = {
      list: [{ n: 1 }],
      bare: Object.create(null) as object,
      inMap: new Map([['a', inMap]]),
    }
    value['self'] = value
    expect(values.keep(value)).toBe(false)
    const list = value['list'] as object[]
    for (const each of [value, list, list[0], value['bare'], inMap]) expect(Object.isFrozen(each)).toBe(true)
    for (const primitive of [1, 'a', null, undefined, 1n]) expect(values.keep(primitive)).toBe(true)
    expect(values.keep({ a: [1] })).toBe(true)
  })

  test.each<readonly [string, object, () => void]>(
    (() => {
      const map = new Map<string, unknown>([['a', 1]])
      const emptied = new Map<string, unknown>([['a', 1]])
      const set = new Set([1])
      // oxlint-disable-next-line no-restricted-globals -- a value, not the time
      const date = new Date(5)
      const bytes = Uint8Array.of(1, 2)
      const order = new Order()
      return [
        ['Map', map, () => void map.set('a', 2)],
        ['Map', emptied, () => emptied.clear()],
        ['Set', set, () => void set.add(2)],
        ['Date', date, () => void date.setTime(6)],
        ['Uint8Array', bytes, () => void (bytes[1] = 3)],
        ['Order', order, () => void order.id++],
      ]
    })(),
  )('a change in an instance of %s is found, at any depth', (name, part, change) => {
    const values = new ImmutableValues()
    const inner = { part }
    const outer = { deep: [inner] }
    for (const value of [part, inner, outer]) expect(values.keep(value)).toBe(false)
    for (const value of [part, inner, outer]) expect(values.changeIn(value)).toBeUndefined()
    change()
    for (const value of [part, inner, outer]) expect(values.changeIn(value)).toBe(`an instance of ${name}`)
  })

  test('a class may fill an empty field, and change private data', () => {
    const values = new ImmutableValues()
    const order = new Order()
    values.keep(order)
    order.total = 3
    order.lines.push(2)
    expect(values.changeIn(order)).toBeUndefined()
  })
})
