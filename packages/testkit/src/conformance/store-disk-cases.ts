import { seededRandom } from '@millrace/world'
import { describeError, isMillraceError } from '@millrace/core'
import type { ErrorCode, Json } from '@millrace/core'
import type { StateTable } from '@millrace/core/store'
import { crashEverywhere } from '../crash-everywhere.ts'
import { crashOutcomes } from '../crash-outcomes.ts'
import { SimFs } from '../sim-fs.ts'
import { check, checkEqual } from './check.ts'
import { ContractViolation } from './conformance-case.ts'
import { contentOf, find, StoreLife } from './store-life.ts'
import type { Content, Value } from './store-life.ts'
import type { StoreTrial } from './store-trial.ts'

// What a store does when the disk is damaged, fails or is cut off.

/** A snapshot that must be restorable, and its content. */
interface Promised {
  readonly snapshot: Json
  readonly content: Content
}

/** Makes a few changes of every kind. */
async function churn(table: StateTable<Value>, round: number): Promise<void> {
  for (let inner = 0; inner < 20; inner++) {
    const cell = await find(table, inner % 3, inner)
    if (cell === undefined) table.create(inner % 3, inner, inner, [round])
    else if ((inner + round) % 5 === 0) table.delete(cell)
    else {
      cell.value.push(round)
      table.changed(cell)
    }
  }
  if (round % 3 === 2) table.deleteOuter(round % 2)
}

/** Runs a life of some checkpoints, keeping the last two. Calls `promise` for each complete one. */
async function checkpoints(
  life: StoreLife,
  table: StateTable<Value>,
  promise: (kept: readonly Promised[]) => void,
  kept: readonly Promised[] = [],
): Promise<void> {
  let last = kept
  for (let round = 0; round < 4; round++) {
    await churn(table, round)
    const content = contentOf(table)
    last = [{ snapshot: await life.snapshot(), content }, ...last].slice(0, 2)
    promise(last)
    await life.store.release(last.map((each) => each.snapshot))
  }
  await life.close()
}

async function checkHeld(trial: StoreTrial, fs: SimFs, kept: readonly Promised[]): Promise<void> {
  const all = kept.map((each) => each.snapshot)
  for (const { snapshot, content } of kept) {
    const life = await StoreLife.open(trial.create(), fs.afterKill(), { from: snapshot, retained: all })
    checkEqual(contentOf(await life.only()), content, 'the content of a snapshot that was promised')
  }
}

export async function crashes(trial: StoreTrial): Promise<void> {
  await crashEverywhere(() => {
    let promised: readonly Promised[] = []
    return {
      async run(fs) {
        const life = await trial.live(fs)
        await checkpoints(life, await life.only(), (kept) => {
          promised = kept
        })
      },
      verify: (fs) => checkHeld(trial, fs, promised),
    }
  })
}

/** The same in a restored life, which finds files of the previous one. */
export async function crashesAfterRestart(trial: StoreTrial): Promise<void> {
  const first = await trial.live()
  let kept: readonly Promised[] = []
  await checkpoints(first, await first.only(), (each) => {
    kept = each
  })
  const before = kept
  const calm = first.fs.afterPowerLoss()
  const run = (fs: SimFs): Promise<void> =>
    goOn(trial, fs, before, (each) => {
      kept = each
    })
  await run(calm)
  for (let at = 1; at <= calm.operations; at++) {
    for (const style of ['before', 'during', 'after'] as const) {
      kept = before
      const fs = first.fs.afterPowerLoss()
      fs.crashAt(at, style)
      await run(fs).catch(() => {})
      for (const [fate, next] of crashOutcomes(fs, [at])) {
        await explained(`crash ${style} operation ${at} of a second life, ${fate}`, next, () =>
          checkHeld(trial, next, kept),
        )
      }
    }
  }
}

/** A process that was paused and replaced restarts its job, or makes a snapshot, before it detects that. */
export async function replaced(trial: StoreTrial): Promise<void> {
  const first = await trial.live()
  const table = await first.only()
  await churn(table, 0)
  const old = await first.snapshot()
  const { fs } = first
  const successor = await StoreLife.open(trial.create(), fs, { from: old, epoch: 2 })
  const successors = await successor.only()
  await churn(successors, 1)
  const content = contentOf(successors)
  const newest = await successor.snapshot()
  const restarted = await StoreLife.open(trial.create(), fs, { from: old, epoch: 1 })
  await churn(await restarted.only(), 2)
  await restarted.snapshot().catch(() => {})
  await churn(table, 3)
  await first.snapshot().catch(() => {})
  const next = await StoreLife.open(trial.create(), fs, { from: newest, epoch: 3 })
  checkEqual(
    contentOf(await next.only()),
    content,
    'the content of a snapshot beside a process that was replaced',
  )
  for (const life of [first, successor, restarted, next]) await life.close()
}

export async function damage(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  let kept: readonly Promised[] = []
  await checkpoints(life, await life.only(), (each) => {
    kept = each
  })
  const { snapshot, content } = kept[0]!
  const random = seededRandom(1)
  for (const path of life.fs.paths()) {
    const length = life.fs.peek(path)!.length
    for (let sample = 0; sample < 60; sample++) {
      const at = length <= 60 ? sample % Math.max(length, 1) : random.int(length)
      const mask = 1 << random.int(8)
      await checkDamage(trial, life.fs, snapshot, content, `${path} with bit flip at ${at}`, (fs) =>
        fs.corrupt(path, at, mask),
      )
      await checkDamage(trial, life.fs, snapshot, content, `${path} cut to ${at} bytes`, (fs) =>
        fs.put(path, fs.peek(path)!.subarray(0, at)),
      )
    }
    await checkDamage(trial, life.fs, snapshot, content, `${path} missing`, (fs) => fs.lose(path))
  }
}

/** Damage is either reported, or is in a place without effect. */
async function checkDamage(
  trial: StoreTrial,
  whole: SimFs,
  from: Json,
  content: Content,
  what: string,
  harm: (fs: SimFs) => void,
): Promise<void> {
  const fs = whole.afterPowerLoss()
  harm(fs)
  try {
    const life = await StoreLife.open(trial.create(), fs, { from })
    checkEqual(contentOf(await life.only()), content, `the content loaded from ${what}`)
  } catch (error) {
    if (isMillraceError(error, 'CHECKPOINT_CORRUPT')) return
    if (error instanceof ContractViolation) throw error
    throw new ContractViolation(`${what}: ${describeError(error)} instead of CHECKPOINT_CORRUPT`, {
      cause: error,
    })
  }
}

export async function failures(trial: StoreTrial): Promise<void> {
  const calm = await trial.live()
  await checkpoints(calm, await calm.only(), () => {})
  for (let at = 1; at <= calm.fs.operations; at++) {
    const fs = new SimFs()
    fs.failAt(at)
    const promised = await brokenLife(trial, fs)
    const cut = fs.afterPowerLoss()
    await explained(`operation ${at} fails, then power lost`, cut, () => checkHeld(trial, cut, promised))
    const killed = fs.afterKill()
    await explained(`operation ${at} fails, then a restart, then power lost`, killed, async () => {
      let kept = promised
      await goOn(trial, killed, promised, (each) => {
        kept = each
      })
      await checkHeld(trial, killed.afterPowerLoss(), kept)
    })
  }
}

/** Runs a life until it fails, and returns the snapshots that must be restorable. */
async function brokenLife(trial: StoreTrial, fs: SimFs): Promise<readonly Promised[]> {
  let promised: readonly Promised[] = []
  let life: StoreLife | undefined
  try {
    life = await trial.live(fs)
    await checkpoints(life, await life.only(), (kept) => {
      promised = kept
    })
  } catch (error) {
    if (!isMillraceError(error)) throw error
    await life?.close().catch(() => {})
  }
  return promised
}

/** Runs the next life, from the newest restorable snapshot. */
async function goOn(
  trial: StoreTrial,
  fs: SimFs,
  before: readonly Promised[],
  promise: (kept: readonly Promised[]) => void,
): Promise<void> {
  const retained = before.map((each) => each.snapshot)
  const life = await StoreLife.open(trial.create(), fs, {
    ...(retained[0] === undefined ? {} : { from: retained[0] }),
    retained,
  })
  await checkpoints(life, await life.only(), promise, before)
}

/** After a failure the store makes no more snapshots; it can only be closed. */
export async function persistFails(trial: StoreTrial): Promise<void> {
  const harms: readonly (readonly [code: ErrorCode, harm: (fs: SimFs) => void])[] = [
    ['FS_SYNC_FAILED', (fs) => fs.failNext('sync')],
    ['FS_FULL', (fs) => (fs.capacityBytes = 0)],
  ]
  for (const [code, harm] of harms) {
    const life = await trial.live()
    const table = await life.only()
    table.create('a', 'x', 0, [1])
    await life.snapshot()
    harm(life.fs)
    table.create('a', 'y', 0, [1])
    checkEqual(await outcomeOf(life), code, 'how persist ends')
    life.fs.capacityBytes = Infinity
    table.create('a', 'z', 0, [1])
    check((await outcomeOf(life)) !== 'a snapshot', `persist succeeds after one that failed with ${code}`)
    await life.close().catch(() => {})
  }
}

async function outcomeOf(life: StoreLife): Promise<string> {
  try {
    await life.snapshot()
    return 'a snapshot'
  } catch (error) {
    return isMillraceError(error) ? error.code : describeError(error)
  }
}

export async function closing(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = await life.only()
  table.create('a', 'x', 0, [1])
  const snapshot = await life.snapshot()
  table.create('a', 'y', 0, [1])
  life.freeze()
  await life.encode()
  await life.close()
  checkEqual(life.fs.openPaths(), [], 'the files that are open after close')
  const next = await trial.next(life, snapshot)
  checkEqual(contentOf(await next.only()), [['a', [['x', [1]]]]], 'the last snapshot')
  await next.close()
  checkEqual(next.fs.openPaths(), [], 'the files that are open after load and close')
}

async function explained(event: string, fs: SimFs, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    throw new ContractViolation(`${event}: ${describeError(error)}\n${fs.describe()}`, { cause: error })
  }
}
