import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chainChecksum, unchainChecksum } from './chain-checksum.ts'

const checksum = fc.integer({ min: 0, max: 2 ** 32 - 1 })

test('removing all blocks gives the checksum of the empty chain', () => {
  fc.assert(
    fc.property(fc.array(checksum), (blocks) => {
      const row = blocks.reduce(chainChecksum, 0)
      expect(blocks.reduceRight(unchainChecksum, row)).toBe(0)
    }),
  )
})

test('chains in another order have other checksums', () => {
  expect([1, 2, 3].reduce(chainChecksum, 0)).not.toBe([1, 3, 2].reduce(chainChecksum, 0))
})
