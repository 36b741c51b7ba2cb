import { describe, expect, test } from 'vitest'
import { BarrierAligner } from './barrier-aligner.ts'

const waiting = { kind: 'waiting', abandoned: undefined }
const aligned = (checkpoint: number) => ({ kind: 'aligned', checkpoint, abandoned: undefined })

describe('BarrierAligner', () => {
  test('EN-191 with one input every barrier is aligned at once', () => {
    const aligner = new BarrierAligner(1)
    expect(aligner.barrier(0, 1)).toEqual(aligned(1))
    expect(aligner.barrier(0, 2)).toEqual(aligned(2))
    expect(aligner.isBlocked(0)).toBe(false)
  })

  test('EN-192 an input that delivered the barrier is blocked until all have, then all are free', () => {
    const aligner = new BarrierAligner(3)
    expect(aligner.barrier(1, 1)).toEqual(waiting)
    expect([0, 1, 2].map((input) => aligner.isBlocked(input))).toEqual([false, true, false])
    expect(aligner.pending).toBe(1)
    expect(aligner.barrier(0, 1)).toEqual(waiting)
    expect(aligner.barrier(2, 1)).toEqual(aligned(1))
    expect([0, 1, 2].map((input) => aligner.isBlocked(input))).toEqual([false, false, false])
    expect(aligner.pending).toBeUndefined()
  })

  test('EN-193 a newer barrier on a free input abandons the current checkpoint and starts its own', () => {
    const aligner = new BarrierAligner(3)
    aligner.barrier(0, 1)
    aligner.barrier(1, 1)
    expect(aligner.barrier(2, 2)).toEqual({ kind: 'waiting', abandoned: 1 })
    expect([0, 1, 2].map((input) => aligner.isBlocked(input))).toEqual([false, false, true])
    aligner.barrier(0, 2)
    expect(aligner.barrier(1, 2)).toEqual(aligned(2))
  })

  test('EN-194 a barrier of an older checkpoint is ignored', () => {
    const aligner = new BarrierAligner(2)
    aligner.barrier(0, 5)
    aligner.barrier(1, 5)
    expect(aligner.barrier(0, 4)).toEqual(waiting)
    expect(aligner.barrier(0, 5)).toEqual(waiting)
    expect(aligner.isBlocked(0)).toBe(false)
  })

  test('EN-195 a cancelled checkpoint frees the inputs that wait for it, and its later barriers are ignored', () => {
    const aligner = new BarrierAligner(2)
    aligner.barrier(0, 1)
    aligner.cancel(1)
    expect(aligner.isBlocked(0)).toBe(false)
    expect(aligner.barrier(1, 1)).toEqual(waiting)
    expect(aligner.isBlocked(1)).toBe(false)
    expect(aligner.barrier(0, 2)).toEqual(waiting)
    expect(aligner.barrier(1, 2)).toEqual(aligned(2))
  })

  test('EN-195 cancelling before the first barrier arrives makes all of them ignored', () => {
    const aligner = new BarrierAligner(2)
    aligner.cancel(1)
    expect(aligner.barrier(0, 1)).toEqual(waiting)
    expect(aligner.barrier(1, 1)).toEqual(waiting)
    expect(aligner.isBlocked(0)).toBe(false)
  })

  test('EN-196 an input that ended counts as aligned', () => {
    const aligner = new BarrierAligner(3)
    aligner.end(1)
    expect(aligner.barrier(0, 1)).toEqual(waiting)
    expect(aligner.barrier(2, 1)).toEqual(aligned(1))
  })

  test('EN-197 the end of an input during alignment completes it when the others have delivered', () => {
    const aligner = new BarrierAligner(2)
    aligner.barrier(0, 1)
    expect(aligner.end(1)).toEqual(aligned(1))
    expect(aligner.isBlocked(0)).toBe(false)
  })

  test('EN-197 the end of an input that had delivered its barrier does not count twice', () => {
    const aligner = new BarrierAligner(3)
    aligner.barrier(0, 1)
    expect(aligner.end(0)).toEqual(waiting)
    aligner.barrier(1, 1)
    expect(aligner.barrier(2, 1)).toEqual(aligned(1))
  })
})
