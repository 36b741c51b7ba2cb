import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import { WatermarkMerger } from './watermark-merger.ts'

/** The rules again, in the plainest words and looking at everything each time. */
class PlainMerger {
  current: EventTime
  readonly inputs: { time: EventTime; phase: 'active' | 'idle' | 'ended'; isBehind: boolean }[]

  constructor(inputs: number, initial: EventTime) {
    this.current = initial
    this.inputs = Array.from({ length: inputs }, () => ({ time: initial, phase: 'active', isBehind: false }))
  }

  get isIdle(): boolean {
    const phases = this.inputs.map(({ phase }) => phase)
    return phases.includes('idle') && !phases.includes('active')
  }

  advance(input: number, time: EventTime): void {
    const state = this.inputs[input]!
    if (time === MAX_TIME) return this.end(input)
    if (state.phase !== 'active' || time <= state.time) return
    state.time = time
    if (time >= this.current) state.isBehind = false
    this.#settle()
  }

  idle(input: number): void {
    this.#leave(input, 'active', 'idle')
  }

  end(input: number): void {
    this.#leave(input, 'active', 'ended')
    this.inputs[input]!.phase = 'ended'
    if (this.inputs.every(({ phase }) => phase === 'ended')) this.current = MAX_TIME
  }

  active(input: number): void {
    const state = this.inputs[input]!
    if (state.phase !== 'idle') return
    state.phase = 'active'
    state.isBehind = state.time < this.current
    this.#settle()
  }

  #leave(input: number, from: 'active', to: 'idle' | 'ended'): void {
    const state = this.inputs[input]!
    if (state.phase !== from) return
    state.phase = to
    this.#settle()
    if (this.isIdle && state.time === this.current) {
      const idle = this.inputs.filter(({ phase }) => phase === 'idle').map(({ time }) => time)
      this.current = Math.max(this.current, ...idle)
    }
  }

  #settle(): void {
    const counted = this.inputs.filter(({ phase, isBehind }) => phase === 'active' && !isBehind)
    if (counted.length === 0) return
    this.current = Math.max(this.current, Math.min(...counted.map(({ time }) => time)))
  }
}

const step = fc.record({
  input: fc.nat({ max: 3 }),
  call: fc.constantFrom('advance', 'advance', 'advance', 'idle', 'active', 'end'),
  time: fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: -20, max: 60 }) },
    { weight: 1, arbitrary: fc.constantFrom(MAX_TIME, MIN_TIME) },
  ),
})

describe('the merger', () => {
  test('EN-076..087 it behaves like a naive implementation of the rules', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(MIN_TIME, 0, 30),
        fc.array(step, { maxLength: 60 }),
        (inputs, initial, steps) => {
          const merger = new WatermarkMerger(inputs, initial)
          const plain = new PlainMerger(inputs, initial)
          let before = initial
          for (const { input, call, time } of steps) {
            if (call === 'advance') {
              const returned = merger.advance(input % inputs, time)
              plain.advance(input % inputs, time)
              expect(returned).toBe(merger.current)
            } else {
              merger[call](input % inputs)
              plain[call](input % inputs)
            }
            expect([merger.current, merger.isIdle]).toStrictEqual([plain.current, plain.isIdle])
            expect(merger.current).toBeGreaterThanOrEqual(before)
            before = merger.current
          }
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('one that resumes where another was continues as that one does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { maxLength: 30 }),
        fc.array(step, { maxLength: 30 }),
        (inputs, before, after) => {
          const merger = new WatermarkMerger(inputs)
          const all = Array.from({ length: inputs }, (_, input) => input)
          for (const { input, call, time } of before) {
            if (call === 'advance') merger.advance(input % inputs, time)
            else merger[call](input % inputs)
          }
          const resumed = WatermarkMerger.resume(
            merger.current,
            all.map((input) => merger.input(input)),
          )
          for (const { input, call, time } of after) {
            for (const each of [merger, resumed]) {
              if (call === 'advance') each.advance(input % inputs, time)
              else each[call](input % inputs)
            }
            expect([resumed.current, resumed.isIdle]).toStrictEqual([merger.current, merger.isIdle])
            expect(resumed.holder === undefined).toBe(merger.holder === undefined)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})
