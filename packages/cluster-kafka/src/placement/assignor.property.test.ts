import fc from 'fast-check'
import { expect, test } from 'vitest'
import { divideLeases, type WorkerClaim, type WorkerShare } from './assignor.ts'

interface Drawn {
  readonly claims: readonly WorkerClaim[]
  readonly leases: number
}

/** Workers of which each holds some leases, no lease twice, and has copies of some. */
const drawn: fc.Arbitrary<Drawn> = fc
  .record({
    ids: fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 9 }),
    leases: fc.integer({ min: 1, max: 70 }),
    holders: fc.array(fc.option(fc.nat()), { maxLength: 70 }),
    copies: fc.array(fc.record({ worker: fc.nat(), lease: fc.nat(), offset: fc.nat() }), { maxLength: 40 }),
  })
  .map(({ ids, leases, holders, copies }) => ({
    leases,
    claims: ids.map((id, at) => ({
      id,
      held: holders.flatMap((holder, lease) =>
        lease < leases && holder !== null && holder % ids.length === at ? [lease] : [],
      ),
      cached: new Map(
        copies.flatMap(({ worker, lease, offset }) =>
          worker % ids.length === at ? [[lease % leases, offset] as const] : [],
        ),
      ),
    })),
  }))

/** The claims after every worker has done what its share says. */
function followed(
  claims: readonly WorkerClaim[],
  shares: ReadonlyMap<string, WorkerShare>,
): readonly WorkerClaim[] {
  return claims.map((claim) => ({ ...claim, held: shares.get(claim.id)!.leases }))
}

test('no lease is given to a worker while another one holds it', () => {
  fc.assert(
    fc.property(drawn, ({ claims, leases }) => {
      const holders = new Map(claims.flatMap(({ id, held }) => held.map((lease) => [lease, id])))
      const given = [...divideLeases(claims, leases, 0)].flatMap(([id, share]) =>
        share.leases.map((lease) => [lease, id] as const),
      )
      expect(new Set(given.map(([lease]) => lease)).size).toBe(given.length)
      for (const [lease, id] of given) expect(holders.get(lease) ?? id).toBe(id)
    }),
  )
})

test('two rounds give every lease to a worker, evenly, and a third one moves nothing', () => {
  fc.assert(
    fc.property(drawn, ({ claims, leases }) => {
      const once = followed(claims, divideLeases(claims, leases, 0))
      const twice = followed(once, divideLeases(once, leases, 0))
      const counts = twice.map(({ held }) => held.length)
      expect(twice.flatMap(({ held }) => held).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: leases }, (_, lease) => lease),
      )
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      expect(followed(twice, divideLeases(twice, leases, 0))).toEqual(twice)
    }),
  )
})

test('a worker that comes takes its share from the others, and one that goes leaves all other leases where they are', () => {
  fc.assert(
    fc.property(drawn, ({ claims, leases }) => {
      let settled = claims
      for (let round = 0; round < 2; round++) settled = followed(settled, divideLeases(settled, leases, 0))
      const larger = [...settled, { id: 'a new one', held: [], cached: new Map<number, number>() }]
      const given = settled.flatMap(({ id, held }) => {
        const left = divideLeases(larger, leases, 0).get(id)!.leases
        return held.filter((lease) => !left.includes(lease))
      })
      expect(given.length).toBe(Math.floor(leases / larger.length))
      if (settled.length === 1) return
      const smaller = settled.slice(1)
      const shares = divideLeases(smaller, leases, 0)
      for (const { id, held } of smaller) {
        expect(held.filter((lease) => !shares.get(id)!.leases.includes(lease))).toEqual([])
      }
    }),
  )
})

test('a lease that is free goes to the worker with the newest copy of it, if that has room', () => {
  const claims = ['a', 'b', 'c'].map((id) => ({ id, held: [], cached: new Map<number, number>() }))
  claims[0]!.cached.set(2, 50)
  claims[2]!.cached.set(2, 70)
  claims[1]!.cached.set(0, 10)
  const shares = divideLeases(claims, 3, 0)
  expect([shares.get('a')!.leases, shares.get('b')!.leases, shares.get('c')!.leases]).toEqual([[1], [0], [2]])
})

test('copies are with other workers than the lease, as many as there can be, and evenly', () => {
  fc.assert(
    fc.property(drawn, fc.integer({ min: 0, max: 3 }), ({ claims, leases }, standbys) => {
      const none = claims.map((claim) => ({ ...claim, cached: new Map<number, number>() }))
      let settled: readonly WorkerClaim[] = none
      for (let round = 0; round < 2; round++) settled = followed(settled, divideLeases(settled, leases, 0))
      const shares = divideLeases(settled, leases, standbys)
      const each = Math.min(standbys, settled.length - 1)
      for (let lease = 0; lease < leases; lease++) {
        const copies = settled.filter(({ id }) => shares.get(id)!.standbys.includes(lease))
        expect(copies.length).toBe(each)
        expect(copies.some(({ held }) => held.includes(lease))).toBe(false)
      }
    }),
  )
})

/** The claims after every worker has done what its share says, and each copy is up to date. */
function copied(
  claims: readonly WorkerClaim[],
  shares: ReadonlyMap<string, WorkerShare>,
): readonly WorkerClaim[] {
  return followed(claims, shares).map((claim) => ({
    ...claim,
    current: new Set(shares.get(claim.id)!.standbys),
  }))
}

test('a lease that is held moves only to a worker that has copied it, and in the end all are divided evenly', () => {
  fc.assert(
    fc.property(drawn, fc.integer({ min: 0, max: 2 }), ({ claims, leases }, standbys) => {
      let now: readonly WorkerClaim[] = claims.map((claim) => ({ ...claim, current: new Set<number>() }))
      for (let round = 0; round < 4; round++) {
        const shares = divideLeases(now, leases, standbys)
        const next = copied(now, shares)
        for (const { id, held } of now) {
          const left = held.filter((lease) => !shares.get(id)!.leases.includes(lease))
          for (const lease of left) {
            const ready = now.filter((other) => other.id !== id && other.current!.has(lease))
            const doubly = now.filter((other) => other.held.includes(lease)).length > 1
            expect([lease, ready.length > 0 || doubly]).toEqual([lease, true])
          }
          for (const lease of shares.get(id)!.standbys) expect(shares.get(id)!.leases).not.toContain(lease)
        }
        now = next
      }
      const counts = now.map(({ held }) => held.length)
      expect(now.flatMap(({ held }) => held).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: leases }, (_, lease) => lease),
      )
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
      expect(followed(now, divideLeases(now, leases, standbys)).map(({ held }) => held)).toEqual(
        now.map(({ held }) => held),
      )
    }),
  )
})
