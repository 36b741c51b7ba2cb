import { describe, expect, test } from 'vitest'
import { parserOf, type StandardSchema } from './schema.ts'

function schemaOf(validate: StandardSchema<number>['~standard']['validate']): StandardSchema<number> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

describe('a schema', () => {
  test('turns values that fit into records', () => {
    expect(parserOf(schemaOf((value) => ({ value: Number(value) })))('7')).toBe(7)
  })

  test('rejects others with the path and the reason of up to three issues', () => {
    const issues = [
      { message: 'no record' },
      { message: 'expected number', path: ['order', { key: 'lines' }, 2, 'amount'] },
      { message: 'expected text', path: [Symbol('tag')] },
      { message: 'too long' },
    ]
    expect(() => parserOf(schemaOf(() => ({ issues })))({})).toThrow(
      expect.objectContaining({
        code: 'DECODE_FAILED',
        message:
          'the record does not fit its schema: no record; at .order.lines[2].amount: expected number; at ["Symbol(tag)"]: expected text; and 1 more',
      }),
    )
  })

  test('that throws rejects the record, with its cause', () => {
    const cause = new Error('broken')
    const parse = parserOf(
      schemaOf(() => {
        throw cause
      }),
    )
    expect(() => parse(1)).toThrow(expect.objectContaining({ code: 'DECODE_FAILED', cause }))
  })

  test('that is asynchronous is rejected', () => {
    const parse = parserOf(schemaOf(() => Promise.reject(new Error('late'))))
    expect(() => parse(1)).toThrow(expect.objectContaining({ code: 'ASYNC_FUNCTION' }))
  })

  test('may be a function, and a function may be a schema', () => {
    expect(parserOf((value) => String(value))(7)).toBe('7')
    const both = Object.assign(
      () => 0,
      schemaOf(() => ({ value: 1 })),
    )
    expect(parserOf<number>(both)(7)).toBe(1)
  })

  test('is optional: without it values are not checked', () => {
    expect(parserOf(undefined)('any')).toBe('any')
  })

  test('of an invalid type is rejected', () => {
    expect(() => parserOf({ type: 'object' } as never)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID' }),
    )
  })
})
