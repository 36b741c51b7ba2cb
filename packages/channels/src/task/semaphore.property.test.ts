import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle, together, upTo } from '../../test/probe.ts'
import { seededRandom } from '@millrace/world'
import type { Lease } from './permits.ts'
import { Semaphore } from './semaphore.ts'

test('GO-091 a semaphore under contention: holders never exceed the limit, and all permits are released', async () => {
  for (const seed of upTo(30)) {
    const random = seededRandom(seed)
    const capacity = 1 + random.int(10)
    const semaphore = new Semaphore(capacity)
    let [held, done] = [0, 0]
    await together(
      ...upTo(12).map(() => async (): Promise<void> => {
        for (const _ of upTo(12)) {
          const weight = 1 + random.int(capacity)
          using lease = random.int(5) === 0 ? semaphore.tryAcquire(weight) : await semaphore.acquire(weight)
          if (lease === undefined) continue
          held += weight
          expect(held).toBeLessThanOrEqual(capacity)
          expect(semaphore.available).toBeLessThanOrEqual(capacity - held)
          for (const ___ of upTo(random.int(4))) await Promise.resolve()
          held -= weight
          done += 1
        }
      }),
    )
    expect(done).toBeGreaterThan(12)
    expect(semaphore.available).toBe(capacity)
  }
})

type Step =
  | { readonly kind: 'acquire' | 'try'; readonly weight: number }
  | { readonly kind: 'release' | 'cancel'; readonly who: number }

const CAPACITY = 4

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('acquire' as const, 'try' as const),
      weight: fc.integer({ min: 0, max: CAPACITY }),
    }),
    fc.record({ kind: fc.constantFrom('release' as const, 'cancel' as const), who: fc.nat() }),
  ),
  { maxLength: 80 },
)

/** A semaphore as a list of who waits and a list of who holds. */
class Model {
  waiting: { id: number; weight: number }[] = []
  holding: { id: number; weight: number }[] = []

  get free(): number {
    return CAPACITY - this.holding.reduce((sum, { weight }) => sum + weight, 0)
  }

  serve(): void {
    while (this.waiting.length > 0 && this.waiting[0]!.weight <= this.free) {
      this.holding.push(this.waiting.shift()!)
    }
  }
}

test('GO-091 GO-095 GO-096 a semaphore serves the same tasks in the same order as a simple model', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const [semaphore, model] = [new Semaphore(CAPACITY), new Model()]
      const leases = new Map<number, Lease>()
      const controllers = new Map<number, AbortController>()
      for (const [id, step] of all.entries()) {
        if (step.kind === 'acquire') {
          const controller = new AbortController()
          controllers.set(id, controller)
          semaphore.acquire(step.weight, controller.signal).then(
            (lease) => leases.set(id, lease),
            () => undefined,
          )
          model.waiting.push({ id, weight: step.weight })
        } else if (step.kind === 'try') {
          const lease = semaphore.tryAcquire(step.weight)
          const isFree = model.waiting.length === 0 && step.weight <= model.free
          expect(lease !== undefined).toBe(isFree)
          if (lease !== undefined) {
            leases.set(id, lease)
            model.holding.push({ id, weight: step.weight })
          }
        } else if (step.kind === 'release' && model.holding.length > 0) {
          const who = model.holding.splice(step.who % model.holding.length, 1)[0]!.id
          leases.get(who)!.release()
          leases.delete(who)
        } else if (step.kind === 'cancel' && model.waiting.length > 0) {
          const who = model.waiting.splice(step.who % model.waiting.length, 1)[0]!.id
          controllers.get(who)!.abort(new Error('enough'))
        }
        model.serve()
        await Promise.resolve()
        await Promise.resolve()
        expect(new Set(leases.keys())).toEqual(new Set(model.holding.map((each) => each.id)))
        expect(semaphore.available).toBe(model.free)
      }
      await settle()
    }),
    { numRuns: 200 },
  )
})
