import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  defaultKeyGroups,
  keyGroup,
  keyGroupRange,
  murmur2,
  splitGroup,
  subtaskOfGroup,
} from './key-group.ts'
import { keyToken } from './key-token.ts'
import type { Key } from './key.ts'

const utf8 = new TextEncoder()

describe('the hash', () => {
  test("EN-231 is Kafka's murmur2, by the vectors that Kafka publishes", () => {
    const vectors: readonly (readonly [string, number])[] = [
      ['', 275646681],
      ['21', -973932308],
      ['abc', 479470107],
      ['foobar', -790332482],
      ['a-little-bit-long-string', -985981536],
      ['a-little-bit-longer-string', -1486304829],
      ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ]
    for (const [text, hash] of vectors) {
      expect(murmur2(utf8.encode(text))).toBe(hash)
      // Without the sign bit and with more groups than hashes, the group is the hash.
      expect(keyGroup(text, 2 ** 31)).toBe(hash & 0x7fff_ffff)
    }
  })

  test('EN-231 the sign bit of a hash is removed before the division, as in Kafka', () => {
    expect(keyGroup('foobar', 100)).toBe((-790332482 & 0x7fff_ffff) % 100)
  })

  test('EN-231 the group of a key never changes', () => {
    const golden: readonly (readonly [Key, number, number])[] = [
      ['', 89, 2265],
      ['a', 124, 12924],
      ['amsterdam', 115, 14835],
      ['user-12345', 19, 7955],
      ['é', 7, 29831],
      ['😀', 17, 23185],
      ['\0', 42, 20266],
      ['__proto__', 60, 12732],
      ['1', 15, 28559],
      [0, 3, 20739],
      [1, 44, 5932],
      [-1, 74, 7114],
      [42, 91, 7643],
      [0.1, 70, 5062],
      [NaN, 28, 21660],
      [Infinity, 71, 2503],
      [1_700_000_000_000, 105, 13929],
      [1n, 15, 28559],
      [-(2n ** 70n), 69, 17093],
      [true, 33, 18977],
      [false, 60, 6076],
      [null, 89, 2265],
      [[], 118, 29686],
      [[1, 'a'], 50, 11186],
      [{}, 6, 11782],
      [{ a: 1, b: [true] }, 86, 5462],
      [Uint8Array.of(0, 255), 97, 30433],
    ]
    for (const [key, of128, of32768] of golden) {
      expect([key, keyGroup(keyToken(key), 128), keyGroup(keyToken(key), 32_768)]).toStrictEqual([
        key,
        of128,
        of32768,
      ])
    }
  })

  test('EN-231 equal keys are in one group, for any bits', () => {
    expect(keyGroup(keyToken(-0), 32_768)).toBe(keyGroup(keyToken(0), 32_768))
    const otherNaN = new Float64Array(new Uint32Array([1, 0xfff8_0001]).buffer)[0]!
    expect(keyGroup(keyToken(otherNaN), 32_768)).toBe(keyGroup(keyToken(NaN), 32_768))
  })

  test('consecutive integers spread evenly over the groups', () => {
    const counts = Array.from({ length: 128 }, () => 0)
    for (let key = 0; key < 12_800; key++) counts[keyGroup(key, 128)]!++
    expect(Math.min(...counts)).toBeGreaterThan(60)
    expect(Math.max(...counts)).toBeLessThan(145)
  })
})

describe('splits', () => {
  const counts = (names: readonly string[], parallelism: number): readonly number[] => {
    const all = Array.from({ length: parallelism }, () => 0)
    for (const name of names) all[subtaskOfGroup(splitGroup(name, 128), parallelism, 128)]!++
    return all
  }

  test.each(['orders-N', 'logs/part-N.ndjson', '2026/N.csv.gz', 'N', 'a1-N-b'])(
    '%s: as many numbers as there are subtasks, from a multiple on, are divided evenly among 2, 4 and 8',
    (form) => {
      for (const parallelism of [2, 4, 8]) {
        for (const first of [0, parallelism, 96, 20_261_128]) {
          const start = first - (first % parallelism)
          const names = Array.from({ length: parallelism }, (_, n) => form.replace('N', String(start + n)))
          expect(counts(names, parallelism)).toEqual(Array(parallelism).fill(1))
        }
      }
    },
  )

  test('of 12 partitions each of 3 subtasks has 3 to 5', () => {
    const names = Array.from({ length: 12 }, (_, partition) => `orders-${partition}`)
    for (const count of counts(names, 3)) expect(Math.abs(count - 4)).toBeLessThanOrEqual(1)
  })

  test('without numbers are divided by a hash', () => {
    const names = Array.from({ length: 26 }, (_, at) => `inbox ${String.fromCharCode(97 + at)}`)
    for (const count of counts(names, 2)) expect(count).toBeGreaterThan(6)
  })

  test('are in a group that exists, whatever their name', () => {
    const name = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(name, fc.integer({ min: 1, max: 32_768 }), (split, groups) => {
        const group = splitGroup(split, groups)
        expect(Number.isInteger(group) && group >= 0 && group < groups).toBe(true)
      }),
    )
  })
})

describe('ranges', () => {
  test('EN-232 the groups are divided into ranges that differ by at most one', () => {
    expect([0, 1, 2].map((subtask) => keyGroupRange(subtask, 3, 128))).toStrictEqual([
      { first: 0, last: 42 },
      { first: 43, last: 85 },
      { first: 86, last: 127 },
    ])
    expect(subtaskOfGroup(42, 3, 128)).toBe(0)
    expect(subtaskOfGroup(43, 3, 128)).toBe(1)
  })

  test('EN-233 the default number of groups allows for 50 % more subtasks', () => {
    expect([1, 85, 86, 170, 171, 1000, 32_768].map(defaultKeyGroups)).toStrictEqual([
      128, 128, 256, 256, 512, 2048, 32_768,
    ])
  })
})
