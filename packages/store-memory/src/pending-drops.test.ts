import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { TokenMap } from '@millrace/core/store'
import { expect, test } from 'vitest'
import type { OuterCells } from './cell-index.ts'
import { MemoryCell } from './memory-cell.ts'
import { PendingDrops } from './pending-drops.ts'

async function collectGarbage(): Promise<void> {
  await setImmediate()
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}

test.each([
  ['few', 8192],
  ['many', 1],
])('%s dropped cells are not kept in memory until the next snapshot', async (_, entriesMax) => {
  const drops = new PendingDrops<object>({ epoch: () => 1, writeOwed: () => {}, wither: () => {} })
  const dropped = (() => {
    const cells: OuterCells<object> = new TokenMap(entriesMax)
    for (let seq = 1; seq <= 3; seq++)
      cells.add(`key ${seq}`, new MemoryCell('w', `key ${seq}`, 0, {}, seq, 1))
    drops.add('w', 3, cells)
    return [...cells.values()].map((cell) => new WeakRef(cell))
  })()
  await collectGarbage()
  expect(dropped.map((cell) => cell.deref())).toEqual([undefined, undefined, undefined])
  drops.freeze()
  expect(drops.takeFrozen()).toMatchObject({ outer: 'w', seq: 3 })
})
