import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fromExactJson, toExactJson } from './exact-json.ts'

const value = fc.anything({
  withBigInt: true,
  withMap: true,
  withSet: true,
  withNullPrototype: false,
  withSparseArray: false,
  withObjectString: false,
  key: fc.oneof(fc.string(), fc.constantFrom('$bigint', '$map', '__proto__', 'constructor')),
  values: [
    fc.string(),
    fc.double(),
    fc.bigInt(),
    fc.boolean(),
    fc.constantFrom(null, undefined, -0),
    fc.uint8Array(),
    // An invalid date equals no other, not even itself.
    fc.date({ noInvalidDate: true }),
  ],
})

test('exact JSON: any plain value, also one that looks like its own forms, becomes the same value again', () => {
  fc.assert(
    fc.property(value, (original) => {
      const text = JSON.stringify(toExactJson(original))
      expect([text, isDeepStrictEqual(fromExactJson(JSON.parse(text)), original)]).toEqual([text, true])
    }),
    { numRuns: 500 },
  )
})

test('exact JSON: an invalid date becomes an invalid date', () => {
  const [invalid] = fc.sample(
    fc.date({ noInvalidDate: false }).filter((date) => Number.isNaN(date.getTime())),
    1,
  )
  const [date] = fromExactJson(JSON.parse(JSON.stringify(toExactJson([invalid])))) as [unknown]
  expect(date).toEqual(invalid)
})

test('exact JSON: a form of a newer server is refused, and a function has none', () => {
  expect(() => fromExactJson({ $later: 1 })).toThrow('$later, which this client does not know')
  expect(() => toExactJson(() => 1)).toThrow('function')
})
