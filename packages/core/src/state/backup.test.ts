import { describe, expect, test } from 'vitest'
import { structuredCodec } from '../codec/structured-codec.ts'
import { backupByCodec, backupByLength, backupByReference } from './backup.ts'

describe('a backup', () => {
  test('by codec restores the value, at any depth and of any kind', () => {
    const backup = backupByCodec(structuredCodec<unknown>(), 'state')
    const value = { list: [1], map: new Map([['a', { n: 1 }]]), bytes: Uint8Array.of(1), at: 7n }
    const valueBefore = backup(value)
    const other = backup([0])
    value.list.push(2)
    value.map.get('a')!.n = 2
    value.bytes[0] = 2
    value.at = 8n
    expect(valueBefore()).toEqual({
      list: [1],
      map: new Map([['a', { n: 1 }]]),
      bytes: Uint8Array.of(1),
      at: 7n,
    })
    expect(other()).toEqual([0])
    const flat = { n: 1, name: 'a', none: null, missing: undefined }
    const flatBefore = backup(flat)
    flat.n = 2
    expect(flatBefore()).toStrictEqual({ n: 1, name: 'a', none: null, missing: undefined })
    for (const primitive of [1, 'a', null, undefined, 1n, true]) expect(backup(primitive)()).toBe(primitive)
  })

  test('by codec names the state whose value cannot be saved', () => {
    const backup = backupByCodec(structuredCodec<unknown>(), "state 'total' of operator 'totals'")
    expect(() => backup({ at: () => 0 })).toThrow(
      expect.objectContaining({
        code: 'STATE_MISUSED',
        message: expect.stringMatching(
          /^state 'total' of operator 'totals' holds a value that cannot be saved/,
        ),
      }),
    )
  })

  test('by length removes pushed elements, without changing a returned array', () => {
    const list = [1, 2]
    const valueBefore = backupByLength(list)
    expect(valueBefore()).toBe(list)
    list.push(3)
    expect(valueBefore()).toEqual([1, 2])
    expect(list).toEqual([1, 2, 3])
  })

  test('by reference returns the same value', () => {
    const value = { n: 1 }
    expect(backupByReference(value)()).toBe(value)
  })
})
