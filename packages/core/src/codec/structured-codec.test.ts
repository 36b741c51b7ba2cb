import { describe, expect, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { jsonDepthMax } from './decode.ts'
import { structuredCodec } from './structured-codec.ts'

const codec = structuredCodec<unknown>()

function bytesOf(value: unknown): Uint8Array {
  const out = new ByteWriter()
  codec.encode(value, out)
  return out.written().slice()
}

function through(value: unknown): unknown {
  const input = new ByteReader(bytesOf(value))
  const back = codec.decode(input, 1)
  expect(input.remaining).toBe(0)
  return back
}

function refusal(value: unknown): string {
  try {
    bytesOf(value)
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'CODEC_FAILED' })
    return (thrown as Error).message
  }
  throw new Error('no refusal')
}

// oxlint-disable-next-line no-restricted-globals -- a date as a value, not the time of day
const date = (time: number): Date => new Date(time)

describe('the structured codec', () => {
  test('its id and version are those in checkpoints', () => {
    expect([codec.id, codec.version]).toStrictEqual(['structured', 1])
  })

  test('numbers survive to the bit', () => {
    const numbers = [
      0,
      -0,
      1,
      -1,
      127,
      128,
      -128,
      -129,
      2 ** 31 - 1,
      2 ** 31,
      -(2 ** 31),
      -(2 ** 31) - 1,
      2 ** 53,
    ]
    numbers.push(2 ** 53 - 1, 1 - 2 ** 53, 0.1, 1e-320, 1.7e308, NaN, Infinity, -Infinity, 1_700_000_000_000)
    for (const number of numbers) expect(Object.is(through(number), number)).toBe(true)
  })

  test('JSON values, undefined, NaN and bigint survive', () => {
    const values = [undefined, null, true, false, '', 'text', 'é😀', '\ud800', 0n, -5n, 2n ** 200n, [], {}]
    values.push([1, 'a', [undefined, null]], { a: { b: [{ c: undefined }] } }, Uint8Array.of(0, 255))
    for (const value of values) expect(through(value)).toStrictEqual(value)
  })

  test('dates, maps and sets survive, in order', () => {
    expect(through(date(-1))).toStrictEqual(date(-1))
    expect((through(date(NaN)) as Date).getTime()).toBeNaN()
    const map = new Map<unknown, unknown>([
      ['b', 1],
      ['a', { x: new Set([3, 1, 2]) }],
      [{ k: 1 }, undefined],
    ])
    const back = through(map) as typeof map
    expect(back).toStrictEqual(map)
    expect([...back.keys()]).toStrictEqual(['b', 'a', { k: 1 }])
    expect([...(back.get('a') as { x: Set<number> }).x]).toStrictEqual([3, 1, 2])
  })

  test('holes in arrays stay holes', () => {
    // oxlint-disable-next-line no-sparse-arrays -- the holes are what is tested
    const array = [, 1, , , undefined, ,]
    const back = through(array) as unknown[]
    expect(back).toStrictEqual(array)
    expect(Object.keys(back)).toStrictEqual(['1', '4'])
    expect(back.length).toBe(6)
    const empty: unknown[] = []
    empty.length = 100_000
    expect(through(empty)).toStrictEqual(empty)
    expect(bytesOf(empty).length).toBeLessThan(10)
  })

  test('a field named __proto__ is data', () => {
    const value: unknown = JSON.parse('{"a":1,"__proto__":{"admin":true},"constructor":2}')
    const back = through(value) as Record<string, unknown>
    expect(Object.entries(back)).toStrictEqual(Object.entries(value as object))
    expect(back['admin']).toBeUndefined()
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype)
  })

  test('an object without a prototype survives without one', () => {
    const value = Object.assign(Object.create(null) as object, { a: 1 })
    const back = through(value) as object
    expect(Object.getPrototypeOf(back)).toBeNull()
    expect({ ...back }).toStrictEqual({ a: 1 })
  })

  test('fields keep their order', () => {
    expect(Object.keys(through({ z: 1, a: 2, m: 3 }) as object)).toStrictEqual(['z', 'a', 'm'])
  })

  test('bytes are copied', () => {
    const bytes = bytesOf(Uint8Array.of(1, 2))
    const back = codec.decode(new ByteReader(bytes), 1) as Uint8Array
    bytes.fill(0)
    expect(back).toStrictEqual(Uint8Array.of(1, 2))
  })

  test('a shared part of a value becomes two copies', () => {
    const shared = { n: 1 }
    const back = through([shared, shared]) as [object, object]
    expect(back[0]).not.toBe(back[1])
  })

  test('objects of many shapes do not affect one another', () => {
    const values = Array.from({ length: 2000 }, (_, i) =>
      Object.fromEntries(Array.from({ length: i % 5 }, (__, j) => [`f${(i * 7 + j * 13) % 300}`, i + j])),
    )
    for (let round = 0; round < 2; round++) expect(through(values)).toStrictEqual(values)
  })

  test('six fields take no more bytes than their JSON does', () => {
    const payment = { id: 'user-12345', amount: 12.5, at: 1_700_000_000_000, n: 3, ok: true, country: 'NL' }
    expect(bytesOf(payment).length).toBeLessThan(JSON.stringify(payment).length)
  })
})

describe('unsupported values', () => {
  test('the message names the place inside the value', () => {
    class Order {}
    expect(refusal({ items: [1, 2, 3, { when: new Order() }] })).toBe(
      'the value at .items[3].when is an instance of Order, which the structured codec cannot write; ' +
        'store plain data there, or give the state its own codec',
    )
    expect(refusal(() => 1)).toContain('a value is a function, which')
    expect(refusal({ 'a b': Symbol('s') })).toContain('the value at ["a b"] is a symbol, which')
    expect(refusal(new Map([['key', new Map([[1, new Error('x')]])]]))).toContain(
      'at .key[0] is an instance of Error',
    )
    expect(refusal([new Set([1, new Float64Array(2)])])).toContain('at [0][1] is an instance of Float64Array')
    expect(refusal({ deep: { er: [] }, flat: Promise.resolve() })).toContain(
      'at .flat is an instance of Promise',
    )
    expect(refusal(new Map([[Symbol('k'), 1]]))).toContain('at [0] is a symbol')
  })

  test('a cyclic value is rejected', () => {
    const value: Record<string, unknown> = { a: 1 }
    value['self'] = [value]
    expect(refusal(value)).toContain('contains itself, at .self[0].self[0]')
  })

  test('deep nesting is an error, at a depth beyond what a source accepts', () => {
    let value: unknown = 'deep'
    for (let i = 0; i < jsonDepthMax + 100; i++) value = { value }
    expect(through(value)).toStrictEqual(value)
    expect(refusal([value])).toContain('levels deep')
    for (let i = 0; i < 100_000; i++) value = [value]
    expect(refusal(value)).toContain('levels deep')
  })
})

describe('damaged bytes', () => {
  const failure: unknown = expect.objectContaining({ code: 'CODEC_FAILED' })
  const decode = (bytes: number[]) => codec.decode(new ByteReader(Uint8Array.from(bytes)), 1)

  test('they are rejected, for any tag', () => {
    const huge = [255, 255, 255, 255, 255, 255, 255, 15]
    const cases = [
      [],
      [99],
      [4],
      [7, 1, 0x78],
      [8, 5],
      [11, 2, 12, 0],
      [11, 2, 12, 3],
      [11, ...huge, 12, ...huge],
    ]
    cases.push([13, ...huge], [13, 2, 1, 0x61], [15, ...huge], [16, ...huge], [10, ...huge], [12, 1])
    for (const bytes of cases) expect(() => decode(bytes)).toThrow(failure)
    expect(() => decode(Array.from({ length: 100_000 }, () => [11, 1]).flat())).toThrow(failure)
  })

  test('another version is rejected', () => {
    expect(() => codec.decode(new ByteReader(bytesOf(1)), 2)).toThrow(failure)
  })
})
