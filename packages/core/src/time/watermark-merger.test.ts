import { describe, expect, test } from 'vitest'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import { WatermarkMerger } from './watermark-merger.ts'

/** What the merger lets through: watermarks, and the status where it changes. */
class Downstream {
  readonly merger: WatermarkMerger
  readonly seen: (EventTime | 'idle' | 'active')[] = []
  #current: EventTime
  #isIdle = false

  constructor(inputs: number, initial?: EventTime) {
    this.merger = new WatermarkMerger(inputs, initial)
    this.#current = this.merger.current
  }

  advance(input: number, time: EventTime): this {
    return this.#after(() => expect(this.merger.advance(input, time)).toBe(this.merger.current))
  }

  idle(input: number): this {
    return this.#after(() => this.merger.idle(input))
  }

  active(input: number): this {
    return this.#after(() => this.merger.active(input))
  }

  end(input: number): this {
    return this.#after(() => this.merger.end(input))
  }

  /** What was let through since the last call. */
  take(): (EventTime | 'idle' | 'active')[] {
    return this.seen.splice(0)
  }

  #after(call: () => void): this {
    call()
    const { current, isIdle } = this.merger
    if (current !== this.#current) this.seen.push(current)
    if (isIdle !== this.#isIdle) this.seen.push(isIdle ? 'idle' : 'active')
    this.#current = current
    this.#isIdle = isIdle
    return this
  }
}

describe('one input', () => {
  test('EN-076 the watermark only rises: a lower or equal one changes nothing', () => {
    const down = new Downstream(1).advance(0, -5).advance(0, 0).advance(0, 0).advance(0, -1).advance(0, 25)
    expect(down.take()).toStrictEqual([-5, 0, 25])
    expect(down.merger.current).toBe(25)
  })

  test('EN-082 idle and active are passed on when they change', () => {
    const down = new Downstream(1)
      .advance(0, 25)
      .idle(0)
      .idle(0)
      .advance(0, 50)
      .active(0)
      .active(0)
      .advance(0, 50)
    expect(down.take()).toStrictEqual([25, 'idle', 'active', 50])
  })
})

describe('several inputs', () => {
  test('EN-077 no watermark is emitted before every active input has sent one', () => {
    const down = new Downstream(3).advance(0, 10).advance(1, 7)
    expect([down.take(), down.merger.current]).toStrictEqual([[], MIN_TIME])
    expect(down.advance(2, 3).take()).toStrictEqual([3])
  })

  test('EN-078 EN-087 the watermark is the minimum, for two or more inputs', () => {
    const down = new Downstream(3).advance(0, 0).advance(1, 0).advance(2, 0)
    expect(down.take()).toStrictEqual([0])
    expect(down.advance(0, 12).advance(2, 8).advance(2, 10).take()).toStrictEqual([])
    expect(down.advance(1, 15).take()).toStrictEqual([10])
    expect(down.advance(2, 17).take()).toStrictEqual([12])
    expect(down.advance(0, 20).take()).toStrictEqual([15])
    expect(new Downstream(2).advance(0, 9).advance(1, 4).advance(1, 11).take()).toStrictEqual([4, 9])
  })

  test('EN-079 inputs start active', () => {
    const down = new Downstream(2)
    expect(down.merger.isIdle).toBe(false)
    down.idle(0)
    expect([down.merger.isIdle, down.merger.current]).toStrictEqual([false, MIN_TIME])
  })

  test('EN-080 an idle input does not count for the minimum, which may rise at once', () => {
    const down = new Downstream(3).advance(0, 25).advance(1, 10).advance(2, 17)
    expect(down.take()).toStrictEqual([10])
    expect(down.idle(1).take()).toStrictEqual([17])
    expect(down.idle(2).take()).toStrictEqual([25])
  })

  test('EN-081 when the last active input goes idle and had the minimum, the maximum is emitted before idle', () => {
    const down = new Downstream(3).advance(0, 10).advance(1, 5).advance(2, 3)
    expect(down.take()).toStrictEqual([3])
    expect(down.idle(0).take()).toStrictEqual([])
    expect(down.idle(1).take()).toStrictEqual([])
    expect(down.idle(2).take()).toStrictEqual([10, 'idle'])
  })

  test('EN-081 when the last active input goes idle behind the watermark, only idle is emitted', () => {
    const down = new Downstream(3).advance(0, 30).advance(1, 10).advance(2, 20).idle(1)
    expect(down.take()).toStrictEqual([10, 20])
    // Input 1 is active again but behind: it waits at the side while input 2, which holds the minimum, goes idle.
    expect(down.active(1).idle(0).idle(2).take()).toStrictEqual([])
    expect(down.idle(1).take()).toStrictEqual(['idle'])
    expect(down.merger.current).toBe(20)
  })

  test('EN-083 a watermark of an idle input is ignored, also after it is active again', () => {
    const down = new Downstream(2)
      .advance(0, 5)
      .advance(1, 5)
      .idle(0)
      .advance(0, 100)
      .active(0)
      .advance(1, 50)
    expect(down.take()).toStrictEqual([5])
    expect(down.advance(0, 60).take()).toStrictEqual([50])
  })

  test('EN-084 EN-085 an input that resumes behind the watermark neither holds it back nor advances it', () => {
    const down = new Downstream(2).advance(0, 10).advance(1, 5).idle(1)
    expect(down.take()).toStrictEqual([5, 10])
    expect(down.active(1).advance(1, 7).advance(0, 12).take()).toStrictEqual([12])
    // From 12 on it counts again: it holds 14 back, and then lets it through.
    expect(down.advance(1, 12).advance(0, 14).take()).toStrictEqual([])
    expect(down.advance(1, 13).advance(1, 20).take()).toStrictEqual([13, 14])
  })

  test('EN-085 an input that resumes at or ahead of the watermark counts at once', () => {
    const down = new Downstream(2).advance(0, 10).advance(1, 20).idle(1).active(1)
    expect(down.take()).toStrictEqual([10])
    expect(down.advance(0, 30).take()).toStrictEqual([20])
  })

  test('EN-086 when all active inputs are behind the watermark, nothing is emitted', () => {
    const down = new Downstream(3).advance(0, 10).advance(1, 5).advance(2, 7).idle(1).idle(2)
    expect(down.take()).toStrictEqual([5, 7, 10])
    expect(down.active(1).active(2).idle(0).take()).toStrictEqual([])
    expect(down.advance(1, 8).advance(2, 9).take()).toStrictEqual([])
    expect(down.merger.current).toBe(10)
    expect(down.advance(1, 11).take()).toStrictEqual([11])
  })

  test('EN-087 twenty inputs follow the same rules', () => {
    const down = new Downstream(20)
    for (let input = 0; input < 20; input++) down.advance(input, 100 + input)
    expect(down.take()).toStrictEqual([100])
    for (let input = 0; input < 10; input++) down.idle(input)
    expect(down.take()).toStrictEqual([101, 102, 103, 104, 105, 106, 107, 108, 109, 110])
    for (let input = 19; input >= 10; input--) down.idle(input)
    expect(down.take()).toStrictEqual([119, 'idle'])
    expect(down.active(3).take()).toStrictEqual(['active'])
  })
})

describe('inputs that end', () => {
  test('EN-093 when the last input ends, the infinite watermark is emitted', () => {
    const down = new Downstream(2).advance(0, 10).advance(1, 5)
    expect(down.end(0).take()).toStrictEqual([5])
    expect(down.end(1).end(1).take()).toStrictEqual([MAX_TIME])
    expect(down.merger.isIdle).toBe(false)
  })

  test('an input that has ended no longer holds back the watermark', () => {
    const down = new Downstream(3).advance(0, 10).advance(1, 5).advance(2, 20).end(1)
    expect(down.take()).toStrictEqual([5, 10])
  })

  test('an infinite watermark ends its input, also an idle one', () => {
    const down = new Downstream(2).advance(0, 10).advance(1, 5).idle(1)
    expect(down.take()).toStrictEqual([5, 10])
    expect(down.advance(1, MAX_TIME).active(1).take()).toStrictEqual([])
    expect(down.advance(0, MAX_TIME).take()).toStrictEqual([MAX_TIME])
  })

  test('the end of one input makes no record of an idle one late', () => {
    const down = new Downstream(2).advance(0, 10).advance(1, 5).idle(1).advance(0, 40).advance(0, MAX_TIME)
    expect(down.take()).toStrictEqual([5, 10, 40, 'idle'])
    expect(down.active(1).advance(1, 45).take()).toStrictEqual(['active', 45])
    expect(down.end(1).take()).toStrictEqual([MAX_TIME])
  })

  test('an ended input is not idle, and an idle input has not ended', () => {
    const down = new Downstream(2).end(0).idle(0)
    expect(down.merger.isIdle).toBe(false)
    expect(down.idle(1).take()).toStrictEqual(['idle'])
    expect(down.end(1).take()).toStrictEqual([MAX_TIME, 'active'])
  })

  test('when the last active input ends, the newest watermark of the idle ones is emitted', () => {
    const down = new Downstream(2).advance(0, 10).advance(1, 50).idle(1).end(0)
    expect(down.take()).toStrictEqual([10, 50, 'idle'])
  })
})

describe('a restored merger', () => {
  test('EN-098 starts at its restored watermark and never goes below', () => {
    const down = new Downstream(2, 100).advance(0, 50).advance(1, 60).advance(0, 150)
    expect([down.take(), down.merger.current]).toStrictEqual([[], 100])
    expect(down.advance(1, 120).take()).toStrictEqual([120])
  })

  test('EN-098 waits for inputs that have not reached it', () => {
    const down = new Downstream(2, 100).advance(0, 500)
    expect(down.take()).toStrictEqual([])
    expect(down.idle(1).take()).toStrictEqual([500])
  })

  test('stays ended if it had ended', () => {
    expect(new Downstream(2, MAX_TIME).end(0).end(1).merger.current).toBe(MAX_TIME)
  })
})
