import { describe, expect, expectTypeOf, test } from 'vitest'
import { ByteReader, ByteWriter } from './bytes.ts'
import { type Codec, numberCodec } from './codec.ts'
import { evolvingCodec } from './evolving-codec.ts'
import { structuredCodec } from './structured-codec.ts'

const v1 = structuredCodec<{ count: number }>()
const v2 = evolvingCodec({
  from: v1,
  to: structuredCodec<{ count: number; sum: number }>(),
  migrate: (old) => ({ ...old, sum: 0 }),
})
const v3 = evolvingCodec({ from: v2, to: numberCodec, migrate: (old) => old.sum / old.count })

function stored<T>(codec: Codec<T>, value: T): { readonly bytes: Uint8Array; readonly version: number } {
  const out = new ByteWriter()
  codec.encode(value, out)
  return { bytes: out.written().slice(), version: codec.version }
}

function restored<T>(codec: Codec<T>, { bytes, version }: { bytes: Uint8Array; version: number }): T {
  return codec.decode(new ByteReader(bytes), version)
}

describe('an evolving codec', () => {
  test('has the id of the first and counts versions', () => {
    expect([v1, v2, v3].map(({ id, version }) => `${id} ${version}`)).toStrictEqual([
      'structured 1',
      'structured 2',
      'structured 3',
    ])
    expectTypeOf(v2).toEqualTypeOf<Codec<{ count: number; sum: number }>>()
  })

  test('reads its own output', () => {
    expect(restored(v2, stored(v2, { count: 2, sum: 3 }))).toStrictEqual({ count: 2, sum: 3 })
    expect(restored(v3, stored(v3, 1.5))).toBe(1.5)
  })

  test('migrates values of older programs, step by step', () => {
    expect(restored(v2, stored(v1, { count: 2 }))).toStrictEqual({ count: 2, sum: 0 })
    expect(restored(v3, stored(v2, { count: 2, sum: 3 }))).toBe(1.5)
    expect(restored(v3, stored(v1, { count: 2 }))).toBe(0)
  })

  test('rejects values of a newer program', () => {
    expect(() => restored(v2, stored(v3, 1))).toThrow(
      "stored bytes are of version 3 of codec 'structured', which is newer than 2; run the newer program",
    )
  })
})
