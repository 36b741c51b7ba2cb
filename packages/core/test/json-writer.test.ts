import { describe, expect, test } from 'vitest'
import { encodeJson, JsonWriter, recordMaker, TextBuffer } from '@millrace/core/connector'
import { Draws, drawLine, drawProgram } from './random-json.ts'

const buffers = (bytes: number): Uint8Array => Buffer.allocUnsafeSlow(bytes)

/** The text of each value, or the message of its error. */
function written(values: readonly unknown[], allocate?: (bytes: number) => Uint8Array): string[] {
  const writer = new JsonWriter()
  const out = new TextBuffer(16, allocate)
  return values.map((value) => {
    out.length = 0
    try {
      writer.write(value, out)
    } catch (error) {
      return (error as Error).message
    }
    return Buffer.from(out.written()).toString()
  })
}

function encoded(values: readonly unknown[]): string[] {
  return values.map((value) => {
    try {
      return encodeJson(value)
    } catch (error) {
      return (error as Error).message
    }
  })
}

class Point {
  x = 1
  toJSON(): unknown {
    return [this.x]
  }
}

const long = 'a text of more than twenty-four characters'
const numbers = [
  0,
  -0,
  7,
  -12,
  999_999_999,
  1_000_000_000,
  123_456_789_012,
  1e15,
  2 ** 53,
  -(2 ** 53),
  0.1,
  -1.5e-9,
  1e21,
  5e-324,
]
const strings = [
  '',
  'a',
  '"',
  '\\',
  '\n',
  '\u0000',
  '\u007f',
  'é',
  '😀',
  '\ud83d',
  `${long}"`,
  long,
  `${long}é`,
  '\u2028',
]
const objects = [
  null,
  {},
  [],
  [1, undefined, 'a'],
  { a: { b: { c: { d: { e: 1 } } } } },
  new Date(0),
  new Map([[1, 2]]),
  new Point(),
]
const lost = [undefined, Number.NaN, Number.NEGATIVE_INFINITY, 7n, () => 1, Symbol('s'), Promise.resolve()]
const fields: readonly unknown[] = [...numbers, ...strings, ...objects, ...lost, true, false]

describe('writing JSON', () => {
  test.each([
    ['buffers of Node', buffers],
    ['other bytes', undefined],
  ])(
    'every kind of value in a field of records that look alike is written as encodeJson writes it: %s',
    (_, allocate) => {
      const values = [1, 'a', true, null, { z: 1 }].flatMap((like) => [
        { id: 1, field: like },
        ...fields.map((field) => ({ id: 1, field })),
        ...fields.map((field) => ({ id: 1, field: { z: field } })),
      ])
      expect(written(values, allocate)).toStrictEqual(encoded(values))
    },
  )

  test('other names, another order, more or fewer fields are not mistaken for the shape', () => {
    const values = [
      { a: 1, b: 2 },
      { a: 1, b: 2 },
      { b: 2, a: 1 },
      { a: 1 },
      { a: 1, b: 2, c: 3 },
      { a: 1, 'b"': 2 },
      { a: undefined, b: 1 },
      { a: undefined },
      Object.create(null),
      new Point(),
      [1],
      'a',
      null,
      { a: 1, b: 2 },
    ]
    expect(written(values)).toStrictEqual(encoded(values))
  })

  test('a field that is not enumerable is left out, and a getter is asked', () => {
    const hidden = Object.defineProperty({ a: 1 }, 'b', { value: 2, enumerable: false })
    const values = [
      { a: 1, b: 2 },
      hidden,
      {
        get a() {
          return 3
        },
        b: 2,
      },
    ]
    expect(written(values)).toStrictEqual(encoded(values))
  })

  test('the fields of `__proto__` and of toJSON on a record are written as encodeJson writes them', () => {
    const values = [
      JSON.parse('{"a":1,"__proto__":{"b":2}}'),
      { a: 1, toJSON: () => 'x' },
      { a: 1, b: 2 },
    ] as unknown[]
    expect(written([...values, ...values])).toStrictEqual(encoded([...values, ...values]))
  })

  test('any records are written as encodeJson writes them', () => {
    const draws = new Draws(3)
    for (let n = 0; n < 40; n++) {
      const program = { ...drawProgram(draws), oddPercent: 0 }
      const values = Array.from({ length: 50 }, () => JSON.parse(drawLine(program, draws)) as unknown)
      expect(written(values, buffers)).toStrictEqual(encoded(values))
    }
  })
})

test.each([[['a', 'b-c', 'constructor', '1', '0']], [['a', '__proto__', 'é"']], [[]]])(
  'recordMaker makes the object that setting the fields one by one makes: %j',
  (names) => {
    const values = names.slice(1).map((_, i) => i)
    const made = recordMaker<number>(names)(values, -1)
    const fields = names.map((name, i) => [name, values[i] ?? -1] as const)
    expect(Object.entries(made)).toStrictEqual(Object.entries(Object.fromEntries(fields)))
    expect(Object.getPrototypeOf(made)).toBe(Object.prototype)
  },
)
