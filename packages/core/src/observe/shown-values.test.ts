import { describe, expect, test } from 'vitest'
import { secret } from '../errors/secret.ts'
import { ShownValues } from './shown-values.ts'

const planted = 'planted-4929'

/** A value that has the secret in every place from which it may be shown. */
const hostile = {
  card: planted,
  nested: { CARD: [planted, { deep: planted }] },
  list: [{ email: planted }],
  map: new Map<unknown, unknown>([
    ['card', planted],
    [planted, 1],
  ]),
  text: `{"card":"${planted}"}`,
  token: secret(planted),
  failure: new Error(planted),
  letter: {
    pipeline: 'p',
    operator: 'o',
    failedAt: 1,
    message: planted,
    stack: planted,
    key: planted,
    value: `["${planted}"]`,
    raw: planted,
  },
  get thrown(): never {
    throw new Error(planted)
  },
}

describe('shown values', () => {
  test('are JSON, with forms for what JSON has none for', () => {
    const shown = new ShownValues([])
    const value = {
      text: 'a',
      big: 12n,
      not: Number.NaN,
      none: undefined,
      bytes: Uint8Array.of(1, 2),
      map: new Map([[1, 'one']]),
      set: new Set(['x']),
      price: { toJSON: () => '12.50' },
      run: () => 1,
    }
    expect(shown.value(value)).toEqual({
      text: 'a',
      big: { $bigint: '12' },
      not: { $text: 'NaN' },
      none: null,
      bytes: { $bytes: 2 },
      map: { $map: [[1, 'one']] },
      set: { $set: ['x'] },
      price: '12.50',
      run: { $text: 'function' },
    })
    expect(shown.headers({ id: '1', raw: Uint8Array.of(1) })).toEqual({ id: '1', raw: { $bytes: 1 } })
    expect(shown.key(['a', 1])).toEqual(['a', 1])
  })

  test('a field named __proto__ is shown as any other', () => {
    const text = JSON.stringify(new ShownValues([]).value(JSON.parse('{"__proto__":{"a":1}}')))
    expect(text).toBe('{"__proto__":{"a":1}}')
  })

  test.each<[string, unknown]>([
    ['a long text', 'x'.repeat(1_000_000)],
    ['a long list', Array.from({ length: 100_000 }, (_, n) => n)],
    [
      'many fields',
      Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`field ${n}`, 'x'.repeat(50)])),
    ],
    ['a long name', { ['x'.repeat(100_000)]: 1 }],
    ['wide and deep lists', wide(8)],
    ['a list in itself', loop()],
    ['long texts in maps', new Map(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, 'x'.repeat(2_000)]))],
  ])('%s is cut', (_, value) => {
    expect(JSON.stringify(new ShownValues([]).value(value)).length).toBeLessThan(20_000)
  })

  test('a value that throws when it is read breaks nothing', () => {
    const shown = new ShownValues([])
    expect(shown.value({ ok: 1, bad: revoked() })).toEqual({ ok: 1, bad: { $text: 'cannot be read' } })
    expect(shown.value(hostile)).toEqual({ $text: 'cannot be read' })
  })

  test('a secret is never shown, also without names to hide', () => {
    expect(new ShownValues([]).value({ token: secret(planted) })).toEqual({ token: '***' })
  })
})

describe('shown values with names to hide', () => {
  const shown = new ShownValues(['card', 'Email'])

  test('have a planted secret nowhere', () => {
    const { thrown: _, ...rest } = Object.getOwnPropertyDescriptors(hostile)
    const readable: unknown = Object.defineProperties({ kept: 'visible' }, rest)
    for (const value of [hostile, readable, planted, [planted], new Set([planted]), new Error(planted)]) {
      expect(JSON.stringify(shown.value(value))).not.toMatch(planted)
    }
    expect(shown.value(readable)).toMatchObject({ kept: 'visible', letter: { pipeline: 'p', failedAt: 1 } })
    expect(shown.key(planted)).toBe('***')
    expect(shown.headers({ EMAIL: planted, type: 'a/b' })).toEqual({ EMAIL: '***', type: 'a/b' })
  })

  test('a text with one of the names may be a record that was not parsed, and is hidden', () => {
    expect(shown.value({ line: `"CARD":"${planted}"`, other: 'text' })).toEqual({
      line: '***',
      other: 'text',
    })
    expect(shown.value({ line: 'x'.repeat(100_001) })).toEqual({ line: '***' })
  })

  test('an empty name hides nothing', () => {
    expect(new ShownValues(['']).value('text')).toBe('text')
  })
})

function wide(depth: number): unknown {
  return depth === 0
    ? 'leaf'
    : Array.from({ length: 20 }, () => (depth > 3 ? wide(depth - 3) : wide(depth - 1)))
}

function loop(): unknown {
  const list: unknown[] = [1]
  for (let i = 0; i < 20; i++) list.push(list)
  return list
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
