import { describe, expect, test } from 'vitest'
import { keyGroup } from '../record/key-group.ts'
import { keyToken } from '../record/key-token.ts'
import type { Key } from '../record/key.ts'
import { KeyedList, KeyedMap, KeyedValue, KeyScope } from './keyed-handles.ts'
import type { Cell } from './state-store.ts'
import { TransientTable } from './transient-table.ts'

const keyGroups = 128
const scope = (): KeyScope => new KeyScope('totals', keyGroups)

/** Keys that an engine with plain objects, or with JSON, would confuse. */
const awkwardKeys: readonly Key[] = [
  1,
  '1',
  1n,
  0,
  'x',
  '',
  NaN,
  'NaN',
  true,
  'true',
  null,
  'null',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '\0',
  '\0n',
  [],
  [1],
  ['1'],
  {},
  { a: 1, b: 2 },
  JSON.parse('{"__proto__":1}') as Key,
  Uint8Array.of(0xff),
  Uint8Array.of(0xfe),
]

describe('a value per key', () => {
  test('EN-185 EN-186 the value of one key is invisible to every other', () => {
    const [keys, table] = [scope(), new TransientTable<string>()]
    const state = new KeyedValue(table, keys, 'last')
    for (const [index, key] of awkwardKeys.entries()) {
      keys.set(key)
      expect(state.get()).toBeUndefined()
      state.set(`value ${index}`)
    }
    expect(table.size).toBe(awkwardKeys.length)
    for (const [index, key] of awkwardKeys.entries()) {
      keys.set(key)
      expect(state.get()).toBe(`value ${index}`)
    }
  })

  test('EN-185 -0 and 0 are one key, and so are objects with fields in another order', () => {
    const keys = scope()
    const state = new KeyedValue(new TransientTable<string>(), keys, 'last')
    keys.set(-0)
    state.set('zero')
    keys.set({ a: 1, b: 2 })
    state.set('object')
    keys.set(0)
    expect(state.get()).toBe('zero')
    keys.set({ b: 2, a: 1 })
    expect(state.get()).toBe('object')
  })

  test('EN-177 undefined clears, null is a value', () => {
    const [keys, table] = [scope(), new TransientTable<string | null | undefined>()]
    const state = new KeyedValue(table, keys, 'last')
    keys.set('a')
    state.set(null)
    expect([state.get(), table.size]).toStrictEqual([null, 1])
    state.set(undefined)
    expect([state.get(), table.size]).toStrictEqual([undefined, 0])
    state.clear()
    state.set(undefined)
    expect(table.size).toBe(0)
  })

  test('set notifies the table, for a new value or one changed in place', () => {
    const changed: unknown[] = []
    const table = new (class extends TransientTable<{ n: number }> {
      override changed(cell: Cell<{ n: number }>): void {
        changed.push(cell)
      }
    })()
    const keys = scope()
    const state = new KeyedValue(table, keys, 'last')
    keys.set('a')
    state.set({ n: 1 })
    const value = state.get()!
    value.n = 2
    state.set(value)
    state.set({ n: 3 })
    expect([changed.length, changed[0]]).toStrictEqual([2, table.find(0, 'a')])
    expect(state.get()).toStrictEqual({ n: 3 })
  })
})

describe('a list per key', () => {
  test('elements stay in the order of addition, separately for each key', () => {
    const keys = scope()
    const state = new KeyedList(new TransientTable<number[]>(), keys, 'all')
    keys.set('a')
    expect(state.get()).toStrictEqual([])
    state.add(2)
    state.add(1)
    keys.set('b')
    state.add(3)
    keys.set('a')
    expect(state.get()).toStrictEqual([2, 1])
  })

  test('EN-187 the list does not follow the array passed to set, and the empty list cannot be changed', () => {
    const keys = scope()
    const state = new KeyedList(new TransientTable<number[]>(), keys, 'all')
    keys.set('a')
    const mine = [1, 2]
    state.set(mine)
    mine.push(3)
    expect(state.get()).toStrictEqual([1, 2])
    state.set(mine)
    mine.length = 0
    expect(state.get()).toStrictEqual([1, 2, 3])
    state.set(mine)
    expect(() => (state.get() as number[]).push(1)).toThrow(TypeError)
    expect(state.get()).toStrictEqual([])
  })

  test('a returned array never changes', () => {
    const keys = scope()
    const state = new KeyedList(new TransientTable<number[]>(), keys, 'all')
    keys.set('a')
    const seen = [1, 2, 3].map((n) => {
      state.add(n)
      return state.get()
    })
    expect(seen).toStrictEqual([[1], [1, 2], [1, 2, 3]])
    const [, , last] = seen
    state.set([9])
    state.add(10)
    state.clear()
    expect([last, state.get()]).toStrictEqual([[1, 2, 3], []])
  })

  test('a list is copied only by the first addition after it was returned', () => {
    const keys = scope()
    const table = new TransientTable<number[]>()
    const state = new KeyedList(table, keys, 'all')
    const array = () => table.find(0, 'a')!.value
    keys.set('a')
    state.add(1)
    const unseen = array()
    state.add(2)
    expect(array()).toBe(unseen)
    state.get()
    state.add(3)
    const copied = array()
    expect(copied).not.toBe(unseen)
    state.add(4)
    expect(array()).toBe(copied)
  })

  test('EN-177 an empty list takes no cell', () => {
    const [keys, table] = [scope(), new TransientTable<number[]>()]
    const state = new KeyedList(table, keys, 'all')
    keys.set('a')
    state.add(1)
    state.set([])
    expect(table.size).toBe(0)
    state.add(1)
    state.clear()
    state.clear()
    expect([state.get(), table.size]).toStrictEqual([[], 0])
  })
})

describe('a map per key', () => {
  test('entries are set, found, counted and deleted', () => {
    const [keys, table] = [scope(), new TransientTable<number>()]
    const state = new KeyedMap<string, number>(table, keys, 'counts')
    keys.set('a')
    state.set('x', 1)
    state.set('y', 2)
    state.set('x', 3)
    expect([state.get('x'), state.has('y'), state.has('z'), state.size]).toStrictEqual([3, true, false, 2])
    state.delete('x')
    state.delete('never set')
    expect([state.get('x'), state.size, [...state.entries()]]).toStrictEqual([undefined, 1, [['y', 2]]])
    state.clear()
    state.clear()
    expect([state.size, table.size]).toStrictEqual([0, 0])
  })

  test('an entry with the value undefined exists', () => {
    const keys = scope()
    const state = new KeyedMap<string, undefined>(new TransientTable<undefined>(), keys, 'seen')
    keys.set('a')
    state.set('x', undefined)
    expect([state.has('x'), state.has('y'), state.size]).toStrictEqual([true, false, 1])
  })

  test('EN-185 names of every kind are distinct and preserved', () => {
    const keys = scope()
    const state = new KeyedMap<Key, number>(new TransientTable<number>(), keys, 'counts')
    keys.set('a')
    for (const [index, name] of awkwardKeys.entries()) state.set(name, index)
    expect([...state.entries()]).toStrictEqual(awkwardKeys.map((name, index) => [name, index]))
  })

  test('EN-188 iteration is in the order of insertion, which overwriting does not change', () => {
    const keys = scope()
    const state = new KeyedMap<string, number>(new TransientTable<number>(), keys, 'counts')
    keys.set('a')
    for (const name of ['c', 'a', '2', 'b', '1']) state.set(name, 0)
    state.set('c', 9)
    state.delete('a')
    state.set('a', 5)
    expect([...state.entries()].map(([name]) => name)).toStrictEqual(['c', '2', 'b', '1', 'a'])
  })

  test('entries may be deleted during iteration', () => {
    const keys = scope()
    const state = new KeyedMap<number, number>(new TransientTable<number>(), keys, 'counts')
    keys.set('a')
    for (let name = 0; name < 10; name++) state.set(name, name)
    for (const [name] of state.entries()) if (name % 2 === 0) state.delete(name)
    expect([...state.entries()].map(([name]) => name)).toStrictEqual([1, 3, 5, 7, 9])
  })

  test('an iteration keeps the key it began with', () => {
    const keys = scope()
    const state = new KeyedMap<string, number>(new TransientTable<number>(), keys, 'counts')
    keys.set('b')
    state.set('of b', 2)
    keys.set('a')
    state.set('of a', 1)
    const entries = state.entries()
    keys.set('b')
    expect([...entries]).toStrictEqual([['of a', 1]])
  })
})

describe('keys and names', () => {
  test('EN-182 EN-185 clearing one key, or one state, does not affect others', () => {
    const keys = scope()
    const value = new KeyedValue(new TransientTable<number>(), keys, 'one')
    const other = new KeyedValue(new TransientTable<number>(), keys, 'two')
    const map = new KeyedMap<string, number>(new TransientTable<number>(), keys, 'three')
    for (const key of ['a', 'b']) {
      keys.set(key)
      value.set(1)
      other.set(2)
      map.set('x', 3)
    }
    value.clear()
    map.clear()
    expect([value.get(), other.get(), map.size]).toStrictEqual([undefined, 2, 0])
    keys.set('a')
    expect([value.get(), other.get(), map.get('x')]).toStrictEqual([1, 2, 3])
  })

  test('cells are stored under the group of their key', () => {
    const [keys, values, lists, maps] = [
      scope(),
      new TransientTable<number>(),
      new TransientTable<number[]>(),
      new TransientTable<number>(),
    ]
    keys.set(['k', 1])
    new KeyedValue(values, keys, 'v').set(1)
    new KeyedList(lists, keys, 'l').add(1)
    new KeyedMap<string, number>(maps, keys, 'm').set('x', 1)
    const token = keyToken(['k', 1])
    const group = keyGroup(token, keyGroups)
    expect(values.find(0, token)?.group).toBe(group)
    expect(lists.find(0, token)?.group).toBe(group)
    expect(maps.find(token, 'x')?.group).toBe(group)
  })
})

describe('the scope', () => {
  test('has key, token and group, however it was entered', () => {
    const keys = scope()
    keys.set({ a: 1 })
    const { token, group } = keys
    expect([token, group]).toStrictEqual([keyToken({ a: 1 }), keyGroup(token, keyGroups)])
    keys.setToken(token, 99)
    expect([keys.key, keys.token, keys.group]).toStrictEqual([{ a: 1 }, token, 99])
    keys.setToken(null, 3)
    expect([keys.key, keys.token, keys.group]).toStrictEqual([null, null, 3])
    keys.set('b')
    expect([keys.key, keys.group]).toStrictEqual(['b', keyGroup('b', keyGroups)])
  })

  test('without a current key every use is rejected, naming the operator and the state', () => {
    const keys = scope()
    const value = new KeyedValue(new TransientTable<number>(), keys, 'last')
    const list = new KeyedList(new TransientTable<number[]>(), keys, 'all')
    const map = new KeyedMap<string, number>(new TransientTable<number>(), keys, 'counts')
    const uses: readonly (readonly [string, () => unknown])[] = [
      ["state 'last'", () => value.get()],
      ["state 'last'", () => value.set(1)],
      ["state 'last'", () => value.set(undefined as unknown as number)],
      ["state 'last'", () => value.clear()],
      ["state 'all'", () => list.get()],
      ["state 'all'", () => list.add(1)],
      ["state 'all'", () => list.set([1])],
      ["state 'all'", () => list.clear()],
      ["state 'counts'", () => map.get('x')],
      ["state 'counts'", () => map.has('x')],
      ["state 'counts'", () => map.set('x', 1)],
      ["state 'counts'", () => map.delete('x')],
      ["state 'counts'", () => map.size],
      ["state 'counts'", () => map.entries()],
      ["state 'counts'", () => map.clear()],
      ['keyed state or a timer', () => keys.token],
      ['keyed state or a timer', () => keys.key],
      ['keyed state or a timer', () => keys.group],
    ]
    const check = (): void => {
      for (const [what, use] of uses) {
        expect(use).toThrow(expect.objectContaining({ code: 'STATE_MISUSED' }))
        expect(use).toThrow(
          `operator 'totals' used ${what} where there is no current key; use it in process or onTimer of a keyed operator`,
        )
      }
    }
    check()
    keys.set('a')
    value.set(1)
    keys.clear()
    check()
  })

  test('after an invalid key there is no current key', () => {
    const keys = scope()
    const value = new KeyedValue(new TransientTable<number>(), keys, 'last')
    keys.set('a')
    value.set(1)
    expect(() => keys.set(undefined as unknown as Key)).toThrow(
      expect.objectContaining({ code: 'KEY_INVALID' }),
    )
    expect(() => value.get()).toThrow(expect.objectContaining({ code: 'STATE_MISUSED' }))
  })
})
