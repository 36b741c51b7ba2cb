import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { textCodec } from '../codec/plain-codecs.ts'
import { STATE, WORD } from './layout.ts'
import { allocateRing, SharedRing } from './shared-ring.ts'

// Each thread is simulated by its own ring object over the same memory, and each turn is split into its
// steps: begin, one write or read after the other, end. The test runs any interleaving that the locks permit,
// and a thread may die after any step.

const RING_BYTES = 1024

interface Step {
  readonly actor: number
  readonly action: 'begin' | 'work' | 'end'
  readonly length: number
}

const step: fc.Arbitrary<Step> = fc.record({
  actor: fc.nat(5),
  action: fc.constantFrom('begin', 'work', 'work', 'work', 'end'),
  length: fc.oneof(fc.nat(40), fc.nat(508)),
})

class Threads {
  /** Actors 0 to 2 send, 3 to 5 receive. */
  readonly rings: readonly SharedRing[]
  readonly published: string[] = []
  readonly written: string[] = []
  sender: number | undefined
  receiver: number | undefined
  readonly #capacity: number
  #readInTurn = 0
  #next = 0

  constructor(capacity: number, bytesBefore: number, countBefore: number) {
    const buffer = allocateRing(capacity, RING_BYTES)
    const words = new Int32Array(buffer)
    for (const word of [WORD.sentBytes, WORD.receivedBytes]) words[word] = bytesBefore * 4
    for (const word of [WORD.sentCount, WORD.receivedCount]) words[word] = countBefore
    this.rings = Array.from({ length: 6 }, (_, actor) => new SharedRing(buffer, actor))
    this.#capacity = capacity
  }

  run({ actor, action, length }: Step): void {
    if (actor < 3) this.#send(actor, action, length)
    else this.#receive(actor, action)
    const unseen = this.published.length + this.#readInTurn
    expect(this.rings[0]!.length).toBe(unseen)
  }

  #send(actor: number, action: Step['action'], length: number): void {
    const ring = this.rings[actor]!
    if (action === 'begin' && this.sender !== actor) {
      expect(ring.sendLock.tryAcquire()).toBe(this.sender === undefined)
      if (this.sender !== undefined) return
      this.sender = actor
      ring.beginSend()
    } else if (action === 'work' && this.sender === actor) {
      const value = `${this.#next}:`.padEnd(length, 'x')
      const isWritten = ring.write(textCodec, value)
      const held = this.published.length + this.#readInTurn + this.written.length
      if (held === 0) expect(isWritten).toBe(true)
      if (held === this.#capacity) expect(isWritten).toBe(false)
      if (!isWritten) return
      this.#next++
      this.written.push(value)
    } else if (action === 'end' && this.sender === actor) {
      expect(ring.endSend()).toBe(this.written.length > 0)
      ring.sendLock.release()
      this.sender = undefined
      this.published.push(...this.written.splice(0))
    }
  }

  #receive(actor: number, action: Step['action']): void {
    const ring = this.rings[actor]!
    if (action === 'begin' && this.receiver !== actor) {
      expect(ring.receiveLock.tryAcquire()).toBe(this.receiver === undefined)
      if (this.receiver !== undefined) return
      this.receiver = actor
      ring.beginReceive()
    } else if (action === 'work' && this.receiver === actor) {
      expect(ring.hasRecord()).toBe(this.published.length > 0)
      if (this.published.length === 0) return
      expect(ring.read(textCodec)).toBe(this.published.shift())
      this.#readInTurn++
    } else if (action === 'end' && this.receiver === actor) {
      expect(ring.endReceive()).toBe(this.#readInTurn > 0)
      ring.receiveLock.release()
      this.receiver = undefined
      this.#readInTurn = 0
    }
  }

  /** Receives everything that was published, as a new thread would. */
  drain(): string[] {
    const ring = new SharedRing(this.rings[0]!.buffer, 9)
    expect(ring.receiveLock.tryAcquire()).toBe(true)
    ring.beginReceive()
    const values: string[] = []
    while (ring.hasRecord()) values.push(ring.read(textCodec))
    ring.endReceive()
    ring.receiveLock.release()
    return values
  }
}

const threads = fc
  .tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: -(2 ** 29), max: 2 ** 29 - 1 }), fc.integer())
  .map((parts) => new Threads(...parts))
const steps = fc.array(step, { minLength: 1, maxLength: 200 })

describe('a shared ring', () => {
  test('loses, duplicates and reorders nothing in any interleaving, also when its counters wrap', () => {
    fc.assert(
      fc.property(threads, steps, (world, program) => {
        for (const each of program) world.run(each)
        if (world.receiver !== undefined) world.run({ actor: world.receiver, action: 'end', length: 0 })
        expect(world.drain()).toEqual(world.published)
      }),
      { numRuns: 500 },
    )
  })

  test('whose sender dies keeps earlier records, drops the unfinished write, and is broken for all threads', () => {
    fc.assert(
      fc.property(threads, steps, (world, program) => {
        for (const each of program) world.run(each)
        fc.pre(world.sender !== undefined)
        if (world.receiver !== undefined) world.run({ actor: world.receiver, action: 'end', length: 0 })
        const witness = world.rings[3]!
        expect(witness.bury(8)).toBe(false)
        expect(witness.bury(world.sender)).toBe(true)
        expect(witness.state).toBe(STATE.brokenBySender)
        expect(world.rings[(world.sender + 1) % 3]!.sendLock.tryAcquire()).toBe(true)
        expect(world.drain()).toEqual(world.published)
      }),
    )
  })

  test('accepts any record of up to half its size once it is empty, at any offset', () => {
    fc.assert(
      fc.property(fc.nat(255), (wordsBefore) => {
        const world = new Threads(4, wordsBefore, 0)
        const ring = world.rings[0]!
        expect(ring.sendLock.tryAcquire()).toBe(true)
        ring.beginSend()
        expect(ring.write(textCodec, 'x'.repeat(ring.recordBytesMax + 1))).toBe(false)
        expect(ring.write(textCodec, 'x'.repeat(ring.recordBytesMax))).toBe(true)
        ring.endSend()
        ring.sendLock.release()
        expect(world.drain()).toEqual(['x'.repeat(ring.recordBytesMax)])
      }),
    )
  })
})
