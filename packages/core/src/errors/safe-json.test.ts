import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describeValue, fromBase64, toBase64 } from './safe-json.ts'

const text = (value: unknown, maxLength = 10_000): string | undefined => describeValue(value, maxLength)

// oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
const date = (time: number): Date => new Date(time)

describe('values that JSON can represent', () => {
  test('are written as by JSON.stringify', () => {
    const values = [null, true, 0, -1.5, 'a"\n\ud800é', [], {}, [1, [2, null]], { a: { b: 'c' }, d: [] }]
    for (const value of values) expect(text(value)).toBe(JSON.stringify(value))
    expect(text(date(0))).toBe('"1970-01-01T00:00:00.000Z"')
    expect(text(date(NaN))).toBe('null')
  })

  test('undefined fields are omitted, undefined elements are null', () => {
    const value = { a: undefined, b: 1, c: () => 1, d: [undefined, Symbol('s'), () => 1] }
    expect(text(value)).toBe('{"b":1,"d":[null,null,null]}')
    expect(text(value)).toBe(JSON.stringify(value))
  })

  test('values without JSON text give undefined', () => {
    expect([text(undefined), text(() => 1), text(Symbol('s'))]).toStrictEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('toJSON is used', () => {
    expect(text({ at: { toJSON: (name: string) => `the ${name}` } })).toBe('{"at":"the at"}')
    expect(text({ a: { toJSON: () => undefined } })).toBe('{"a":null}')
  })

  test('uncut text of JSON values is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        expect(JSON.parse(text(value, 1_000_000)!)).toStrictEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})

describe('values that JSON cannot represent', () => {
  test('numbers stay visible', () => {
    expect(text([NaN, -Infinity, 2n ** 64n])).toBe('["NaN","-Infinity",18446744073709551616]')
  })

  test('bytes are base64, maps are pairs and sets are lists', () => {
    expect(text(Uint8Array.of(1, 2, 3))).toBe('"AQID"')
    expect(text(Buffer.from('foo'))).toBe('"Zm9v"')
    expect(text(new Map([['a', new Set([1, 2])]]))).toBe('[["a",[1,2]]]')
  })

  test('an error shows its name, its message and its own fields', () => {
    expect(text(Object.assign(new TypeError('no'), { code: 7 }))).toBe(
      '{"name":"TypeError","message":"no","code":7}',
    )
  })

  test('a cyclic value is marked, a shared one is written twice', () => {
    const shared = { n: 1 }
    const value: Record<string, unknown> = { a: shared, b: shared }
    value['self'] = [value]
    expect(text(value)).toBe('{"a":{"n":1},"b":{"n":1},"self":["[circular]"]}')
  })

  test('deep nesting does not overflow the stack', () => {
    let value: unknown = 1
    for (let i = 0; i < 100_000; i++) value = i % 2 === 0 ? [value] : { value }
    expect(text(value)).toContain('"[nested too deep]"')
    let lines: unknown = 1
    for (let i = 0; i < 100_000; i++) {
      const inner = lines
      lines = { toJSON: () => inner }
    }
    expect(text(lines)).toBe('"[nested too deep]"')
  })
})

describe('values that throw', () => {
  const fail = (): never => {
    throw new Error('boom')
  }

  test('an error is shown in its place, and the rest is written', () => {
    const value = { a: 1, toJSON: undefined, c: 3 }
    Object.defineProperty(value, 'b', { get: fail, enumerable: true })
    expect(text(value)).toBe('{"a":1,"c":3,"b":"[cannot be read: boom]"}')
    expect(text([1, { toJSON: fail }, 2])).toBe('[1,"[cannot be read: boom]",2]')
    expect(text([new Proxy({}, { ownKeys: fail }), 2])).toBe('["[cannot be read: boom]",2]')
    expect(text([[0, { toJSON: fail }], { toJSON: fail }])).toBe(
      '[[0,"[cannot be read: boom]"],"[cannot be read: boom]"]',
    )
  })

  test('an error of one value does not affect its surroundings', () => {
    const bad = { toJSON: fail }
    expect(text([bad, bad])).toBe('["[cannot be read: boom]","[cannot be read: boom]"]')
  })

  test('the thrown value may itself be unreadable', () => {
    const thrown = { toString: fail }
    const toJSON = () => {
      // oxlint-disable-next-line typescript/only-throw-error -- user code may throw anything
      throw thrown
    }
    expect(text({ toJSON })).toBe('"[cannot be read: the reason cannot be read either]"')
  })

  test('a revoked proxy is described', () => {
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    expect(text({ proxy })).toMatch(/^\{"proxy":"\[cannot be read: .*revoked.*\]"\}$/)
  })

  test('no value makes it throw', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withMap: true, withSet: true, withDate: true, withTypedArray: true }),
        fc.nat({ max: 200 }),
        (value, maxLength) => {
          const described = describeValue(value, maxLength)
          if (described !== undefined) expect(described.length).toBeLessThanOrEqual(maxLength + 1)
        },
      ),
    )
  })
})

describe('cutting', () => {
  test('text that is too long is cut and ends in an ellipsis', () => {
    expect(text('abcdef', 4)).toBe('"abc…')
    expect(text('abcdef', 8)).toBe('"abcdef"')
    expect(text(['a', 'b', 'c'], 5)).toBe('["a",…')
    expect(text({ name: 'x'.repeat(1_000_000) }, 12)).toBe('{"name":"xxx…')
  })

  test('a pair of surrogates is never cut in half', () => {
    expect(text('😀😀', 2)).toBe('"…')
    expect(text('😀😀', 3)).toBe('"😀…')
  })

  test('nothing after the cut is read', () => {
    let looked = 0
    const items = Array.from({ length: 1000 }, () => ({ toJSON: () => (looked++, 'item') }))
    expect(text(items, 20)!.length).toBe(21)
    expect(looked).toBeLessThan(5)
  })
})

describe('base64', () => {
  test('the vectors of RFC 4648', () => {
    const texts = ['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => toBase64(Buffer.from(text)))
    expect(texts).toStrictEqual(['', 'Zg==', 'Zm8=', 'Zm9v', 'Zm9vYg==', 'Zm9vYmE=', 'Zm9vYmFy'])
  })

  test("any bytes give Node's text", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'))
        expect([...fromBase64(toBase64(bytes))]).toEqual([...bytes])
      }),
    )
  })

  test('a megabyte is converted', () => {
    const bytes = new Uint8Array(1_000_000).map((_, i) => i * 31)
    expect(toBase64(bytes) === Buffer.from(bytes).toString('base64')).toBe(true)
  })
})
