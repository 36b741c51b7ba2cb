import type { Json } from '@millrace/core'
import { check, checkEqual } from './check.ts'
import { change, contentOf, find, found, sliceOf } from './store-life.ts'
import type { Content } from './store-life.ts'
import type { StoreTrial } from './store-trial.ts'

// Work that grows with the state is done in slices, and may be interrupted between any two.

export async function slices(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = await life.only()
  const count = 3_000
  for (let inner = 0; inner < count; inner++) table.create(inner % 7, inner, 0, [inner])
  const before = contentOf(table)
  life.freeze()
  // Changed, deleted and new cells on both sides of wherever encoding has got to.
  let step = 0
  await life.encode(async () => {
    for (let i = 0; i < 3; i++, step += 401) {
      const inner = step % count
      const cell = await find(table, inner % 7, inner)
      if (cell === undefined) continue
      if (i === 0) table.delete(cell)
      else cell.value.push(step)
      if (i > 0) table.changed(cell)
      table.create('new', `${step}`, 0, [step])
    }
  })
  const first = await life.persist()
  const after = contentOf(table)
  const second = await life.snapshot()
  const old = await trial.next(life, first, [first, second])
  checkEqual(contentOf(await old.only()), before, 'a snapshot encoded while cells changed')
  const fresh = await trial.next(old, second)
  checkEqual(contentOf(await fresh.only()), after, 'the snapshot after it')
}

export async function inTurns(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  const table = await life.only()
  for (let inner = 0; inner < 3_000; inner++) table.create(inner % 7, inner, 0, [inner])
  life = await trial.next(life, await life.snapshot())
  await life.only()
  check(
    life.turns >= 20,
    `loading 3,000 cells gave the event loop ${life.turns} turns, not one per 100 cells`,
  )
}

export async function dropped(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  let table = await life.only()
  const cells = 500
  const fill = (value: number): void => {
    for (let inner = 0; inner < cells; inner++) table.create('a', inner, 0, [value])
  }
  fill(1)
  const kept: { readonly snapshot: Json; readonly content: Content }[] = []
  /** Freezes, encodes a part, drops everything, creates some of it again, and encodes the rest. */
  for (const [encoded, anew] of [
    [0, 0],
    [200, 3],
    [2_000, 400],
  ] as const) {
    const content = contentOf(table)
    life.freeze()
    life.store.encode('op', 0, sliceOf(encoded))
    const handedOut = await find(table, 'a', 0)
    table.deleteOuter('a')
    checkEqual([table.count('a'), table.size, [...table.cells('a')]], [0, 0, []], 'what is left after a drop')
    for (let inner = 0; inner < anew; inner++) table.create('a', inner, 0, [2])
    // The cell that was dropped is another one than that which took its place.
    if (handedOut !== undefined) table.delete(handedOut)
    await life.encode()
    kept.push({ snapshot: await life.persist(), content })
    for (let inner = anew; inner < cells; inner++) table.create('a', inner, 0, [3])
  }
  kept.push({ content: contentOf(table), snapshot: await life.snapshot() })
  for (const { snapshot, content } of kept) {
    life = await trial.next(
      life,
      snapshot,
      kept.map((each) => each.snapshot),
    )
    table = await life.only()
    checkEqual(contentOf(table), content, 'a snapshot around a drop')
  }
}

export async function abandoned(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = await life.only()
  for (let inner = 0; inner < 500; inner++) table.create('a', inner, 0, [inner])
  life.freeze()
  life.store.encode('op', 0, sliceOf(20))
  await change(table, 'a', 1, 99)
  table.delete(await found(table, 'a', 2))
  life.freeze()
  await change(table, 'a', 3, 99)
  const expected = contentOf(table)
  const next = await trial.next(life, await life.snapshot())
  checkEqual(contentOf(await next.only()), expected, 'a snapshot after two abandoned ones')
}
