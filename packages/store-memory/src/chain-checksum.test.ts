import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chainChecksum, unchainChecksum } from './chain-checksum.ts'

const checksum = fc.integer({ min: 0, max: 2 ** 32 - 1 })

test('the number of a row is taken back block by block to that of the empty row', () => {
  fc.assert(
    fc.property(fc.array(checksum), (blocks) => {
      const row = blocks.reduce(chainChecksum, 0)
      expect(blocks.reduceRight(unchainChecksum, row)).toBe(0)
    }),
  )
})

test('rows in another order have other numbers', () => {
  expect([1, 2, 3].reduce(chainChecksum, 0)).not.toBe([1, 3, 2].reduce(chainChecksum, 0))
})
