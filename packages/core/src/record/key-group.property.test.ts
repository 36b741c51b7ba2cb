import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keyGroup, keyGroupRange, keyGroupsMax, murmur2, subtaskOfGroup } from './key-group.ts'

/** Checks that the ranges of `parallelism` subtasks are contiguous and agree with `subtaskOfGroup`. */
function checkPartition(parallelism: number, groupCount: number): void {
  let next = 0
  for (let subtask = 0; subtask < parallelism; subtask++) {
    const { first, last } = keyGroupRange(subtask, parallelism, groupCount)
    if (first !== next || last < first)
      throw new Error(`gap at ${subtask} of ${parallelism}, ${groupCount} groups`)
    if (subtaskOfGroup(first, parallelism, groupCount) !== subtask) throw new Error(`first of ${subtask}`)
    if (subtaskOfGroup(last, parallelism, groupCount) !== subtask) throw new Error(`last of ${subtask}`)
    next = last + 1
  }
  if (next !== groupCount) throw new Error(`the ranges of ${parallelism} end at ${next} of ${groupCount}`)
}

describe('ranges', () => {
  test('EN-232 they partition the groups for every parallelism up to 128', () => {
    for (let parallelism = 1; parallelism <= 128; parallelism++) checkPartition(parallelism, 128)
  })

  test('EN-232 they partition the groups for every parallelism up to any number of groups', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: keyGroupsMax }), fc.nat(), (groupCount, n) => {
        checkPartition(1 + (n % groupCount), groupCount)
        checkPartition(groupCount, groupCount)
      }),
      { numRuns: 60 },
    )
  })

  test('EN-232 every group belongs to the subtask that claims it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: keyGroupsMax }), fc.nat(), fc.nat(), (groupCount, n, g) => {
        const [parallelism, group] = [1 + (n % groupCount), g % groupCount]
        const { first, last } = keyGroupRange(
          subtaskOfGroup(group, parallelism, groupCount),
          parallelism,
          groupCount,
        )
        expect(first).toBeLessThanOrEqual(group)
        expect(last).toBeGreaterThanOrEqual(group)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the group of a key', () => {
  const utf8 = new TextEncoder()

  test('EN-231 a string hashes as its UTF-8, with either implementation', () => {
    const text = fc.oneof(fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'grapheme' }))
    fc.assert(
      fc.property(text, (key) => {
        expect(keyGroup(key, 2 ** 31)).toBe(murmur2(utf8.encode(key)) & 0x7fff_ffff)
      }),
      { numRuns: 2000 },
    )
  })

  test('EN-231 numbers hash as the bytes of a double', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double({ noNaN: true }), fc.integer()), (key) => {
        const bytes = new Uint8Array(8)
        new DataView(bytes.buffer).setFloat64(0, key, true)
        expect(keyGroup(key, 2 ** 31)).toBe(murmur2(bytes) & 0x7fff_ffff)
      }),
    )
  })
})
