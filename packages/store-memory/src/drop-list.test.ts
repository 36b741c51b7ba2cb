import { expect, test } from 'vitest'
import { DropList } from './drop-list.ts'

test('a drop covers older cells under its outer token and in its groups', () => {
  const drops = new DropList()
  expect(drops.covers('w', 1, 0)).toBe(false)
  drops.add('w', { seq: 10, groups: { first: 0, last: 63 } })
  drops.add('w', { seq: 5, groups: { first: 64, last: 127 } })
  const asked: [string, number, number][] = [
    ['w', 10, 0],
    ['w', 11, 0],
    ['w', 10, 63],
    ['w', 10, 64],
    ['w', 5, 64],
    ['v', 1, 0],
  ]
  expect(asked.map(([outer, seq, group]) => drops.covers(outer, seq, group))).toEqual([
    true,
    false,
    true,
    false,
    true,
    false,
  ])
})

test('a later drop counts although an earlier one was read first', () => {
  const drops = new DropList()
  drops.add('w', { seq: 5, groups: { first: 0, last: 127 } })
  drops.add('w', { seq: 10, groups: { first: 0, last: 127 } })
  expect(drops.covers('w', 10, 0)).toBe(true)
})

test('an older drop in fewer groups covers no more cells, in more groups it does', () => {
  const drops = new DropList()
  drops.add('w', { seq: 10, groups: { first: 0, last: 63 } })
  drops.add('w', { seq: 5, groups: { first: 10, last: 20 } })
  drops.add('w', { seq: 4, groups: { first: 0, last: 127 } })
  expect([drops.covers('w', 10, 15), drops.covers('w', 5, 100), drops.covers('w', 4, 100)]).toEqual([
    true,
    false,
    true,
  ])
})
