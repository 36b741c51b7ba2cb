import { ByteReader, ByteWriter } from '@millrace/core'
import { describe, expect, test } from 'vitest'
import { accumulatorsOf } from './accumulators.ts'
import { count } from './count.ts'
import { max } from './extreme.ts'
import { newWindow, windowCodec, type OpenWindow } from './open-window.ts'
import { sum } from './sum.ts'

const number = (n: unknown): number => Number(n)
const counted = accumulatorsOf({ n: count() }, 'w').codec
const totals = accumulatorsOf({ 'condition 1': sum(number) }, 'w').codec
const greatest = accumulatorsOf({ 'condition 1': max(number) }, 'w').codec

const window: OpenWindow = {
  ...newWindow(-5, 5),
  values: 3,
  hasValues: true,
  records: 2,
  since: 1,
  sinceClock: 7,
  marks: 40,
  panes: 300,
  hasEnded: true,
  row: 1,
  hasRow: true,
  clockDue: 17,
}

function bytesOf(codec: ReturnType<typeof windowCodec>): ByteReader {
  const out = new ByteWriter()
  codec.encode(window, out)
  return new ByteReader(out.written())
}

describe('the state of a window', () => {
  test('is read as it was written', () => {
    const codec = windowCodec(counted, totals)
    expect(codec.decode(bytesOf(codec), 1)).toEqual(window)
    expect(windowCodec(counted, undefined).decode(bytesOf(windowCodec(counted, undefined)), 1)).toEqual({
      ...window,
      marks: undefined,
    })
  })

  test('is read by a program with other conditions or none, whose own begin anew', () => {
    const before = windowCodec(counted, totals)
    for (const marks of [undefined, greatest]) {
      const input = bytesOf(before)
      expect(windowCodec(counted, marks).reader!(before.id, 1)!(input)).toEqual({
        ...window,
        marks: undefined,
      })
      expect(input.remaining).toBe(0)
    }
    const bare = windowCodec(counted, undefined)
    expect(windowCodec(counted, totals).reader!(bare.id, 1)!(bytesOf(bare))).toEqual({
      ...window,
      marks: undefined,
    })
  })

  test('is read by a program with other aggregates, and not as that of other windows', () => {
    const before = windowCodec(counted, totals)
    const more = windowCodec(accumulatorsOf({ n: count(), most: max(number) }, 'w').codec, totals)
    expect(more.reader!(before.id, 1)!(bytesOf(before))).toMatchObject({ values: [undefined, 3], marks: 40 })
    expect(more.reader!(counted.id, 1)).toBeUndefined()
  })
})
