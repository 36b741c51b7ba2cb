import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { select } from '../channel/select.ts'
import { ManualClock, seededRandom } from '@millrace/world'
import type { Random } from '@millrace/world'
import { withCancel, withTimeout } from './cancel-context.ts'
import { ContextKey } from './context.ts'
import type { CancellableContext, Context } from './context.ts'
import { doneCase } from './done-case.ts'
import { background } from './endless-context.ts'
import { withValue } from './value-context.ts'

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const rest = [...values]
  return values.map(() => rest.splice(random.int(rest.length), 1)[0]!)
}

test('GO-126 a tree of 100 contexts, four children each, ends when tasks cancel all in any order', async () => {
  for (const seed of upTo(50)) {
    const random = seededRandom(seed)
    const tree: CancellableContext[] = [withCancel(background)]
    for (let i = 1; i < 100; i++) tree.push(withCancel(tree[(i - 1) >> 2]!))
    const waits = tree.map((each) => select({ done: doneCase(each) }))
    await Promise.all(
      shuffled(tree, random).map(async (each) => {
        for (const _ of upTo(random.int(4))) await settle()
        each.cancel()
        expect(each.error).not.toBe(undefined)
      }),
    )
    await Promise.all(waits)
  }
})

test('GO-127 a task that waits for the parent and then cancels the child does not block other tasks', async () => {
  const parent = withCancel(background)
  const child = withCancel(parent)
  const watch = select({ done: doneCase(parent) }).then(() => child.cancel())
  const release = parent.onEnd?.(() => child.cancel())
  const received = new Channel<number>().receive(child.signal)
  parent.cancel()
  await watch
  release?.[Symbol.dispose]()
  await expect(received).rejects.toBe(parent.error)
  expect(child.error).toBe(parent.error)
})

test('GO-128 values can be read through 30 or more random layers, before and after the end', async () => {
  for (const seed of upTo(200)) {
    const random = seededRandom(seed)
    const clock = new ManualClock()
    const held: [key: ContextKey<number>, value: number][] = []
    const ends: CancellableContext[] = []
    let ctx: Context = background
    for (const layer of upTo(30 + random.int(30))) {
      const kind = random.int(3)
      if (kind === 0) {
        held.push([new ContextKey(`k${layer}`), layer])
        ctx = withValue(ctx, ...held.at(-1)!)
      } else {
        const made: CancellableContext = kind === 1 ? withCancel(ctx) : withTimeout(ctx, clock, 1_000)
        ends.push(made)
        ctx = made
      }
    }
    const check = (): void => {
      for (const [key, value] of held) expect(ctx.value(key)).toBe(value)
    }
    check()
    expect(ctx.error).toBe(undefined)
    if (seed % 2 === 0) ends[0]?.cancel()
    else await clock.advance(1_000)
    check()
    if (ends.length > 0 && seed % 2 === 0) expect([ctx.error?.name, clock.pending]).toEqual(['AbortError', 0])
    for (const each of ends) each.cancel()
    expect(clock.pending).toBe(0)
  }
})

type Step =
  | { readonly kind: 'derive'; readonly from: number; readonly timeoutMs: number }
  | { readonly kind: 'cancel'; readonly who: number }
  | { readonly kind: 'advance'; readonly ms: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('derive' as const),
      from: fc.nat(),
      timeoutMs: fc.integer({ min: -1, max: 9 }),
    }),
    fc.record({ kind: fc.constant('cancel' as const), who: fc.nat() }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 4 }) }),
  ),
  { maxLength: 60 },
)

/** A context and its model: its first end is its own, or its parent's. */
interface Modelled {
  readonly ctx: CancellableContext
  readonly parent: Modelled | undefined
  readonly dueMs: number
  cause: unknown
}

test('GO-132 each context ends with the first cause on its path, as in a simple model', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const clock = new ManualClock()
      const root: Modelled = {
        ctx: withCancel(background),
        parent: undefined,
        dueMs: Infinity,
        cause: undefined,
      }
      const everyone = [root]
      const end = (who: Modelled, cause: unknown): void => {
        if (who.cause !== undefined) return
        who.cause = cause
        for (const other of everyone) if (other.parent === who) end(other, cause)
      }
      for (const step of all) {
        if (step.kind === 'derive') {
          const parent = everyone[step.from % everyone.length]!
          const dueMs = step.timeoutMs < 0 ? Infinity : clock.now() + step.timeoutMs
          const ownCause = `timeout ${everyone.length}`
          const ctx =
            step.timeoutMs < 0
              ? withCancel(parent.ctx)
              : withTimeout(parent.ctx, clock, step.timeoutMs, ownCause)
          const cause = parent.cause ?? (dueMs <= clock.now() ? ownCause : undefined)
          everyone.push({ ctx, parent, dueMs, cause })
        } else if (step.kind === 'cancel') {
          const who = everyone[step.who % everyone.length]!
          who.ctx.cancel(`cancel ${step.who}`)
          end(who, `cancel ${step.who}`)
        } else {
          const untilMs = clock.now() + step.ms
          await clock.advance(step.ms)
          const due = everyone.filter((each) => each.dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs)
          for (const each of due) end(each, `timeout ${everyone.indexOf(each)}`)
        }
        for (const each of everyone) expect(each.ctx.cause).toBe(each.cause)
      }
      for (const each of everyone) each.ctx.cancel()
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 200 },
  )
})
