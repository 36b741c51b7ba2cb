import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { floorMod } from './floor-mod.ts'

describe('floorMod', () => {
  test('EN-006 negative times go down to the window before them', () => {
    const start = (time: number): number => time - floorMod(time, 7)
    expect([-1, -7, -8, -15, 0, 6, 7].map(start)).toStrictEqual([-7, -7, -14, -21, 0, 0, 7])
  })

  test('an exact multiple leaves 0 and never -0', () => {
    expect(Object.is(floorMod(-14, 7), 0)).toBe(true)
    expect(Object.is(floorMod(-0, 7), 0)).toBe(true)
  })

  test('the result takes the sign of the divisor', () => {
    expect([floorMod(1, -7), floorMod(-1, -7), floorMod(7, -7)]).toStrictEqual([-6, -1, 0])
  })

  test('it is what is left of whole steps, and less than one step', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.integer({ min: 1, max: 2 ** 40 }), (a, b) => {
        const rest = floorMod(a, b)
        expect(rest >= 0 && rest < b).toBe(true)
        expect((BigInt(a) - BigInt(rest)) % BigInt(b)).toBe(0n)
      }),
    )
  })
})
