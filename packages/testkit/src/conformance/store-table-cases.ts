import type { Cell, KeyToken } from '@millrace/core/store'
import { check, checkEqual } from './check.ts'
import { contentOf, find, found } from './store-life.ts'
import type { Value } from './store-life.ts'
import type { StoreTrial } from './store-trial.ts'

// What a table does in memory.

export async function cells(trial: StoreTrial): Promise<void> {
  const table = await (await trial.live()).only()
  checkEqual(contentOf(table), [], 'an empty table')
  checkEqual(await find(table, 'a', 'x'), undefined, 'a cell that was not made')
  checkEqual(table.count('a'), 0, 'the count under nothing')
  const made = table.create('b', 'y', 7, [1])
  table.create('b', 'x', 8, [2])
  table.create('a', 'x', 9, [3])
  checkEqual([made.outer, made.inner, made.group, made.value], ['b', 'y', 7, [1]], 'the cell')
  check((await find(table, 'b', 'y')) === made, 'the cell found is another than the one that was made')
  table.create('b', 'z', 7, [4])
  checkEqual(
    contentOf(table),
    [
      ['a', [['x', [3]]]],
      [
        'b',
        [
          ['y', [1]],
          ['x', [2]],
          ['z', [4]],
        ],
      ],
    ],
    'the content',
  )
}

export async function deletion(trial: StoreTrial): Promise<void> {
  const table = await (await trial.live()).only()
  for (const inner of ['x', 'y', 'z']) table.create('a', inner, 0, [1])
  table.create('b', 'x', 0, [2])
  table.delete(await found(table, 'a', 'y'))
  checkEqual(await find(table, 'a', 'y'), undefined, 'a deleted cell')
  table.create('a', 'y', 0, [3])
  checkEqual(
    contentOf(table)[0]?.[1].map(([inner]) => inner),
    ['x', 'z', 'y'],
    'the order after a deletion',
  )
  table.deleteOuter('a')
  table.deleteOuter('never')
  checkEqual(contentOf(table), [['b', [['x', [2]]]]], 'the content after all of a is deleted')
  table.create('a', 'x', 0, [4])
  checkEqual(
    contentOf(table).map(([outer]) => outer),
    ['a', 'b'],
    'the outer tokens',
  )
  table.delete(await found(table, 'b', 'x'))
  checkEqual(contentOf(table), [['a', [['x', [4]]]]], 'the content after the last of b is deleted')
}

/** Tokens that a faulty index would confuse. */
const alikes: readonly KeyToken[] = [
  1,
  '1',
  1n,
  true,
  'true',
  null,
  'null',
  0,
  '',
  'undefined',
  NaN,
  'NaN',
  '__proto__',
  'constructor',
  'a',
  'a\0b',
  'ä',
  'a\u0308',
  -1,
  2 ** 53,
  2n ** 64n,
  1.5,
]

export async function tokens(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = await life.only()
  for (const [index, token] of alikes.entries()) {
    table.create(token, 'inner', 0, [index])
    table.create('outer', token, 0, [index])
  }
  const content = contentOf(table)
  checkEqual(table.size, 2 * alikes.length, 'the number of cells')
  for (const [index, token] of alikes.entries()) {
    const text = `${typeof token} ${String(token)}`
    checkEqual((await found(table, token, 'inner')).value, [index], `the cell under outer ${text}`)
    checkEqual((await found(table, 'outer', token)).value, [index], `the cell under inner ${text}`)
  }
  const restored = await (await trial.next(life, await life.snapshot())).only()
  checkEqual(contentOf(restored), content, 'the content after a restart')
  for (const token of alikes) await found(restored, token, 'inner')
}

export async function iteration(trial: StoreTrial): Promise<void> {
  const table = await (await trial.live()).only()
  for (let inner = 0; inner < 10; inner++) table.create('a', inner, 0, [inner])
  const seen: KeyToken[] = []
  for (const cell of table.cells('a')) {
    seen.push(cell.inner)
    if (cell.inner === 3) table.delete(cell)
    if (cell.inner === 4) table.delete((await find(table, 'a', 7)) as Cell<Value>)
    if (cell.inner === 5) table.create('a', 'new', 0, [0])
  }
  checkEqual(
    seen.filter((inner) => inner !== 'new'),
    [0, 1, 2, 3, 4, 5, 6, 8, 9],
    'the cells met while others come and go',
  )
  let met = 0
  for (const cell of table.cells('a')) {
    met++
    table.deleteOuter(cell.outer)
  }
  checkEqual([met, table.size], [1, 0], 'the cells met, and left, when all are deleted at the first')
}

export async function usage(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = life.table()
  const other = life.table({ owner: 'other' })
  await life.store.load()
  for (let inner = 0; inner < 5; inner++) table.create('a', inner, 0, [inner])
  other.create('a', 'x', 0, [1])
  await life.snapshot()
  const { cells: count, liveBytes, diskBytes } = life.store.usage()
  checkEqual(count, 6, 'the number of cells')
  check(liveBytes > 0 && diskBytes > 0, `usage reports ${liveBytes} live bytes and ${diskBytes} on disk`)
}
