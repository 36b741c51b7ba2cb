/**
 * Lines of JSON as programs write them, and what can be wrong with them: for the tests that compare readers of JSON.
 */

/** A generator of 32-bit numbers that is the same everywhere. */
export class Draws {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let z = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) % bound
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  one<T>(of: readonly T[]): T {
    return of[this.below(of.length)]!
  }
}

const names = [
  'id',
  'at',
  'amount',
  'channel',
  'a b',
  '@type',
  'x.y',
  '__proto__',
  'constructor',
  'é',
  '1',
  'ø"',
  'long_name_of_a_field',
]
const oddNumbers = [
  '0',
  '-0',
  '0.0',
  '1.50',
  '1e5',
  '1E+2',
  '-1.5e-3',
  '1e400',
  '01',
  '.5',
  '1.',
  '-',
  '+1',
  '9007199254740993',
  '9007199254740992',
  '12345678901234567890',
  '0.1000000000000000055',
  '5e-324',
  '123456789012345.6',
  '1e22',
  '0x1',
]
const oddStrings = [
  '""',
  '"\\n"',
  '"\\u00e9"',
  '"\\ud83d\\ude00"',
  '"\\ud83d"',
  '"é"',
  '"😀"',
  '"\\""',
  '"\\\\"',
  '"\\x"',
  '"\u2028"',
  '"\uFFFD"',
  '"\t"',
  '"\u007f"',
  '"abc\\',
  '"a\\"b"',
  "'a'",
]
const words = ['true', 'false', 'null', 'tru', 'True', 'nul', 'truee', 'NaN', 'undefined']
const nested = [
  '[]',
  '{}',
  '[1,2]',
  '[1,',
  '{"a":1}',
  '{"a":}',
  '[{"a":[1,"]"]}]',
  '{"a":{"b":{"c":{"d":{"e":1}}}}}',
  '{ }',
  '[1 2]',
  '{"a":1,"a":2}',
  '{"__proto__":{"x":1}}',
  '[1e999]',
]

/** The shape of the records that one program writes: the names, what kind of value each has, and the text between. */
export interface Program {
  readonly fields: readonly { readonly name: string; readonly kind: number }[]
  readonly colon: string
  readonly comma: string
  readonly oddPercent: number
}

export function drawProgram(draws: Draws): Program {
  const fields = Array.from({ length: 1 + draws.below(7) }, (_, index) => ({
    name: draws.chance(70) ? `f${index}` : draws.one(names),
    kind: draws.below(7),
  }))
  return {
    fields,
    colon: draws.one([':', ':', ': ', ' :\t']),
    comma: draws.one([',', ',', ', ', ' , ']),
    oddPercent: draws.one([0, 1, 5, 30]),
  }
}

/** One record of the program, without its line end. Most are valid. */
export function drawLine(program: Program, draws: Draws): string {
  const { fields, colon, comma, oddPercent } = program
  let used = fields
  if (draws.chance(oddPercent)) used = fields.filter(() => draws.chance(80))
  if (draws.chance(oddPercent)) used = used.toReversed()
  const members = used.map(
    ({ name, kind }) => `${JSON.stringify(name)}${colon}${drawValue(kind, oddPercent, draws)}`,
  )
  const text = `{${members.join(comma)}}`
  return draws.chance(oddPercent)
    ? draws.one([
        ` ${text}`,
        `${text} `,
        `${text},`,
        `${text}${text}`,
        text.slice(0, -1),
        `${text}}`,
        `[${text}]`,
      ])
    : text
}

function drawValue(kind: number, oddPercent: number, draws: Draws): string {
  if (draws.chance(oddPercent)) return draws.one([oddNumbers, oddStrings, words, nested][draws.below(4)]!)
  switch (kind) {
    case 0:
      return String(draws.below(1000))
    case 1:
      return String(draws.below(2 ** 32) * draws.below(2 ** 20) - 2 ** 40)
    case 2:
      return String(draws.below(1_000_000) / draws.one([10, 100, 1000, 7]))
    case 3:
      return draws.one(['true', 'false', 'null'])
    case 4:
      return draws.one(nested.slice(0, 3))
    default:
      return `"${'the text of a record, of any length that 1 of them has'.slice(draws.below(20), 20 + draws.below(35))}"`
  }
}

/** The line as bytes; sometimes with one byte changed, removed or added. A line feed is never among them. */
export function drawBytes(line: string, damagePercent: number, draws: Draws): Buffer {
  const bytes = Buffer.from(line)
  if (!draws.chance(damagePercent) || bytes.length === 0) return bytes
  const at = draws.below(bytes.length)
  const byte = draws.one([0x22, 0x5c, 0x00, 0x1f, 0x7f, 0x80, 0xc3, 0xff, 0x2c, 0x7d, 0x30, 0x2d, 0x20, 0x0d])
  const added = draws.below(3) === 0 ? [] : [byte]
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(added), bytes.subarray(at + draws.below(2))])
}
