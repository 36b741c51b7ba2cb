import { describe, expect, test } from 'vitest'
import type { KeyToken } from '../record/key-token.ts'
import { TransientTable } from './transient-table.ts'

function filled(...cells: readonly (readonly [outer: KeyToken, inner: KeyToken])[]): TransientTable<string> {
  const table = new TransientTable<string>()
  for (const [outer, inner] of cells) table.create(outer, inner, 5, `${String(outer)}/${String(inner)}`)
  return table
}

const valuesOf = (table: TransientTable<string>, outer: KeyToken): string[] =>
  [...table.cells(outer)].map(({ value }) => value)

describe('cells', () => {
  test('a cell is found by both its tokens', () => {
    const table = filled(['a', 1], ['b', 1], ['a', '1'])
    const cell = table.find('a', '1')!
    expect({ ...cell }).toMatchObject({ outer: 'a', inner: '1', group: 5, value: 'a/1' })
    cell.value = 'changed in place'
    table.changed(cell)
    expect(table.find('a', '1')?.value).toBe('changed in place')
    expect([table.find('b', '1'), table.find('c', 1)]).toStrictEqual([undefined, undefined])
  })

  test('EN-185 tokens of every kind are distinct', () => {
    const tokens: KeyToken[] = [
      1,
      '1',
      1n,
      true,
      'true',
      null,
      'null',
      NaN,
      'NaN',
      '',
      0,
      '__proto__',
      'constructor',
    ]
    const table = filled(...tokens.flatMap((outer) => tokens.map((inner) => [outer, inner] as const)))
    expect(table.size).toBe(tokens.length ** 2)
    expect(table.find(NaN, NaN)?.value).toBe('NaN/NaN')
    expect(table.find(-0, 0)).toBe(table.find(0, -0))
    expect([...table.outers()]).toStrictEqual(tokens)
  })

  test('creating an existing cell throws', () => {
    const table = filled(['a', 1])
    expect(() => table.create('a', 1, 0, 'again')).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  test('size and count are up to date', () => {
    const table = filled(['a', 1], ['a', 2], ['b', 1])
    expect([table.size, table.count('a'), table.count('b'), table.count('c')]).toStrictEqual([3, 2, 1, 0])
    table.delete(table.find('a', 1)!)
    table.deleteOuter('b')
    table.deleteOuter('c')
    expect([table.size, table.count('a'), table.count('b')]).toStrictEqual([1, 1, 0])
    expect([...table.outers()]).toStrictEqual(['a'])
  })

  test('a deleted cell is not deleted again, nor is its replacement', () => {
    const table = filled(['a', 1])
    const gone = table.find('a', 1)!
    table.delete(gone)
    table.delete(gone)
    expect([table.size, [...table.outers()]]).toStrictEqual([0, []])
    const anew = table.create('a', 1, 0, 'anew')
    table.delete(gone)
    expect(table.find('a', 1)).toBe(anew)
  })
})

describe('iteration', () => {
  test('EN-188 is in the order of creation, and a recreated cell comes last', () => {
    const table = filled(['w', 'b'], ['w', 'a'], ['x', 'n'], ['w', 'c'])
    table.delete(table.find('w', 'b')!)
    table.create('w', 'b', 0, 'w/b')
    expect(valuesOf(table, 'w')).toStrictEqual(['w/a', 'w/c', 'w/b'])
    expect([...table.outers()]).toStrictEqual(['w', 'x'])
  })

  test('cells may be deleted during iteration, visited or not', () => {
    const table = filled(['w', 1], ['w', 2], ['w', 3])
    const seen: KeyToken[] = []
    for (const cell of table.cells('w')) {
      seen.push(cell.inner)
      table.delete(cell)
      if (cell.inner === 1) table.delete(table.find('w', 2)!)
    }
    expect([seen, table.size]).toStrictEqual([[1, 3], 0])
  })

  test('deleting all of them ends it', () => {
    const table = filled(['w', 1], ['w', 2])
    const seen: KeyToken[] = []
    for (const cell of table.cells('w')) {
      seen.push(cell.inner)
      table.deleteOuter('w')
      table.create('w', 9, 0, 'new')
    }
    expect([seen, valuesOf(table, 'w')]).toStrictEqual([[1], ['new']])
  })

  test('cells created during iteration are skipped, so it ends', () => {
    const table = filled(['w', 1], ['w', 2])
    const seen: KeyToken[] = []
    for (const cell of table.cells('w')) {
      seen.push(cell.inner)
      table.delete(cell)
      table.create('w', cell.inner, 0, 'anew')
    }
    expect([seen, table.count('w')]).toStrictEqual([[1, 2], 2])
  })

  test('outer tokens may be emptied during iteration', () => {
    const table = filled(['a', 1], ['b', 1], ['c', 1])
    for (const outer of table.outers()) table.deleteOuter(outer)
    expect(table.size).toBe(0)
  })
})
