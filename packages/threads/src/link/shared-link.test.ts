import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SharedLink, sharedLink } from './shared-link.ts'

/** Both ends, here in one thread. */
function open(): readonly [SharedLink, SharedLink] {
  const [near, far] = sharedLink()
  return [new SharedLink(near), new SharedLink(far)]
}

/** A message that differs from others: its length, and bytes that follow from `seed`. */
function message(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (seed + i * 7) & 0xff)
}

function received(link: SharedLink): Uint8Array[] {
  const messages: Uint8Array[] = []
  link.pump((each) => messages.push(each.slice()))
  return messages
}

describe('a link', () => {
  test('delivers every message once and in order, of any length and in both directions', () => {
    const length = fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 100_000, max: 600_000 }))
    const step = fc.oneof(
      fc.record({ end: fc.constantFrom(0, 1), length }),
      fc.record({ end: fc.constantFrom(0, 1) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const ends = open()
        const sent: Uint8Array[][] = [[], []]
        const got: Uint8Array[][] = [[], []]
        for (const [index, { end, ...rest }] of steps.entries()) {
          if ('length' in rest) {
            const next = message(rest.length, index)
            sent[1 - end]!.push(next)
            ends[end].send(next)
          } else got[end]!.push(...received(ends[end]))
        }
        while (!ends[0].hasRoom || !ends[1].hasRoom) {
          for (const end of [0, 1]) got[end]!.push(...received(ends[end]!))
        }
        for (const end of [0, 1]) got[end]!.push(...received(ends[end]!))
        for (const end of [0, 1]) {
          expect(got[end]!.length).toBe(sent[end]!.length)
          expect(got[end]!.every((each, i) => Buffer.compare(each, sent[end]![i]!) === 0)).toBe(true)
        }
      }),
      { numRuns: 15 },
    )
  })

  test('keeps what has no room, says so, and wakes its sender once there is some', async () => {
    const [near, far] = open()
    const woken = new Promise<void>((resolve) => {
      near.listen(() => {
        near.pump(() => {})
        if (near.hasRoom) resolve()
      })
    })
    for (let i = 0; i < 5; i++) near.send(message(400_000, i))
    expect(near.hasRoom).toBe(false)
    const first = received(far)
    expect(first.length).toBeGreaterThan(0)
    const rest = new Promise<void>((resolve) => {
      let count = first.length
      far.listen(() => far.pump(() => ++count === 5 && resolve()))
    })
    await Promise.all([woken, rest])
  })

  test('wakes an idle receiver', async () => {
    const [near, far] = open()
    const arrived = new Promise<number>((resolve) => {
      far.listen(() => far.pump((each) => resolve(each.length)))
    })
    near.send(message(12, 0))
    expect(await arrived).toBe(12)
  })
})
