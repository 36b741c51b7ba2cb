import { expect, test } from 'vitest'
import { freshCopy } from './fresh-copy.ts'

test('a change to a copy does not change the original, at any depth', () => {
  const value = {
    a: [1, { b: 'c' }],
    map: new Map([['k', { n: 1 }]]),
    set: new Set([2]),
    none: null,
    big: 3n,
    missing: undefined,
  }
  const copy = freshCopy(value) as typeof value
  expect(copy).toStrictEqual(value)
  ;(copy.a[1] as { b: string }).b = 'changed'
  copy.map.get('k')!.n = 9
  copy.set.add(9)
  expect(value.a).toEqual([1, { b: 'c' }])
  expect([...value.map, ...value.set]).toEqual([['k', { n: 1 }], 2])
})

test('an object that only its class can copy is not copied', () => {
  class Money {
    readonly cents = 5
  }
  const parts = [new Money(), Buffer.from('bytes'), /x/]
  const copies = freshCopy(parts) as typeof parts
  expect(copies.map((copy, at) => copy === parts[at])).toEqual([true, true, true])
})

test('a cyclic value, and fields with unusual names, are copied exactly', () => {
  const value = JSON.parse('{"__proto__":{"isAdmin":true},"n":1}') as Record<string, unknown>
  value['self'] = value
  const copy = freshCopy(value) as Record<string, unknown>
  expect(Object.keys(copy)).toEqual(['__proto__', 'n', 'self'])
  expect(copy['self']).toBe(copy)
  expect(copy['isAdmin']).toBeUndefined()
})
