import { ManualClock } from '@millrace/world'
import type { Scheduler } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { YieldBudget } from './yield-budget.ts'

/** A budget whose turns take effect when `turned` is called, with a count of clock reads. */
function world(workPerTurn?: number) {
  const manual = new ManualClock(0)
  let looks = 0
  const clock = {
    now: () => manual.now(),
    schedule: manual.schedule.bind(manual),
    monotonic: () => {
      looks++
      return manual.monotonic()
    },
  }
  const waiting: (() => void)[] = []
  const scheduler: Scheduler = { turn: () => new Promise((resolve) => waiting.push(resolve)) }
  const budget = new YieldBudget({ clock, scheduler, workPerTurn })
  return {
    budget,
    looks: () => looks,
    /** A unit of work of this duration; whether the loop is due a turn after it. */
    work: async (ms: number) => {
      await manual.advance(ms)
      return budget.spend()
    },
    turned: async () => {
      for (const resolve of waiting.splice(0)) resolve()
      await Promise.resolve()
      await Promise.resolve()
    },
    turns: () => waiting.length,
    advance: (ms: number) => manual.advance(ms),
  }
}

describe('a yield budget', () => {
  test('work that takes no time is never interrupted, and the clock is read once in 32 units', () => {
    const { budget, looks } = world()
    for (let i = 0; i < 31; i++) budget.spend()
    const before = looks()
    for (let i = 0; i < 3_200; i++) expect(budget.spend()).toBe(false)
    expect(looks() - before).toBe(100)
    expect(budget.due()).toBeUndefined()
  })

  test('after 8 ms of work the event loop is due a turn, until it has had it', async () => {
    const { budget, work, turned } = world()
    let spent = 0
    while (!(await work(0.1))) spent += 0.1
    expect(spent).toBeGreaterThan(4)
    expect(spent).toBeLessThan(9)
    for (let i = 0; i < 100; i++) expect(budget.spend()).toBe(true)
    const turn = budget.due()
    expect(turn).toBeInstanceOf(Promise)
    await turned()
    expect(await work(0.1)).toBe(false)
    expect(budget.due()).toBeUndefined()
  })

  test('when units take long, the clock is read after each of them', async () => {
    const { work, turned, budget } = world()
    for (const ms of [4, 2, 9, 1]) {
      let spent = ms
      while (!(await work(ms))) spent += ms
      expect(spent).toBeLessThan(8 + ms)
      void budget.turn()
      await turned()
    }
  })

  test('tasks share one turn', async () => {
    const { budget, work, turned, turns } = world()
    while (!(await work(1)));
    const first = budget.due()
    expect(budget.due()).toBe(first)
    expect(budget.turn()).toBe(first)
    expect(turns()).toBe(1)
    await turned()
    await first
  })

  test('a separate slice ends after its own time, also when the time until the next turn is over', async () => {
    const { budget, work, advance } = world()
    while (!(await work(1)));
    const slice = budget.slice(2)
    let units = 0
    while (!slice.spend()) {
      await advance(0.05)
      units++
    }
    expect(units).toBeGreaterThanOrEqual(40)
    expect(units).toBeLessThan(40 + 32)
  })

  test('a platform may limit the units per turn instead, for a clock that does not move', async () => {
    const { budget, turned } = world(50)
    for (let round = 0; round < 3; round++) {
      for (let unit = 1; unit < 50; unit++) expect(budget.spend()).toBe(false)
      expect(budget.spend()).toBe(true)
      expect(budget.due()).toBeInstanceOf(Promise)
      await turned()
    }
  })
})
