import type { Json } from '@millrace/core'
import type { StateTable } from '@millrace/core/store'
import { check, checkEqual, checkRejects } from './check.ts'
import { change, contentOf, find, found, ValueCodec } from './store-life.ts'
import type { StoreLife, Value } from './store-life.ts'
import type { StoreTrial } from './store-trial.ts'

// What a snapshot holds, and what a restart makes of it.

export async function roundTrip(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  let table = await life.only()
  for (let inner = 0; inner < 300; inner++) table.create(inner % 3, inner, inner % 128, [inner])
  for (let round = 0; round < 3; round++) {
    table.delete(await found(table, 0, 3 * round))
    await change(table, 1, 1, round)
    table.create('new', round, 5, [round])
    const before = contentOf(table)
    const groups = groupsOf(table)
    life = await trial.next(life, await life.snapshot())
    table = await life.only()
    checkEqual(contentOf(table), before, 'the content after a restart')
    checkEqual(groupsOf(table), groups, 'the key groups after a restart')
  }
}

export async function emptySnapshots(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  await life.only()
  life = await trial.next(life, await life.snapshot())
  const table = await life.only()
  checkEqual(contentOf(table), [], 'the content after a restart from nothing')
  table.create('a', 'x', 0, [1])
  await life.snapshot()
  life = await trial.next(life, await life.snapshot())
  checkEqual(contentOf(await life.only()), [['a', [['x', [1]]]]], 'the content after a snapshot of no change')
}

export async function order(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  let table = await life.only()
  for (const inner of ['m', 'z', 'a', 'k']) table.create('o', inner, 0, [0])
  await life.snapshot()
  await change(table, 'o', 'z', 1)
  table.delete(await found(table, 'o', 'm'))
  table.create('o', 'm', 0, [2])
  table.create('n', 'x', 0, [0])
  life = await trial.next(life, await life.snapshot())
  table = await life.only()
  table.create('o', 'b', 0, [3])
  const expected = ['z', 'a', 'k', 'm', 'b']
  const innersOf = (): unknown => Array.from(table.cells('o'), (cell) => cell.inner)
  checkEqual(innersOf(), expected, 'the order of inner tokens after a restart')
  life = await trial.next(life, await life.snapshot())
  table = await life.only()
  checkEqual(innersOf(), expected, 'the order of inner tokens after two restarts')
  checkEqual(
    contentOf(table).map(([outer]) => outer),
    ['n', 'o'],
    'the outer tokens',
  )
}

/** Changes after a freeze, none of which may be in its snapshot. */
const afterFreeze: Readonly<Record<string, (table: StateTable<Value>) => Promise<void>>> = {
  'a change of a cell that was looked up': (table) => change(table, 'a', 0, 99),
  'a change of a cell that was iterated over': async (table) => {
    for (const cell of table.cells('a')) {
      cell.value.push(99)
      table.changed(cell)
    }
  },
  'a value that was replaced': async (table) => {
    const cell = await found(table, 'a', 1)
    cell.value = [99]
    table.changed(cell)
  },
  'a new cell': async (table) => void table.create('a', 'late', 0, [99]),
  'a deletion': async (table) => table.delete(await found(table, 'a', 0)),
  'a deletion of everything': async (table) => table.deleteOuter('a'),
  'a cell deleted and made again': async (table) => {
    table.delete(await found(table, 'a', 0))
    table.create('a', 0, 0, [99])
  },
  'everything deleted and made again': async (table) => {
    table.deleteOuter('a')
    table.create('a', 0, 0, [99])
  },
}

export async function frozen(trial: StoreTrial): Promise<void> {
  for (const [name, alter] of Object.entries(afterFreeze)) {
    for (const isClean of [false, true]) {
      let life = await trial.live()
      const table = await life.only()
      for (let inner = 0; inner < 3; inner++) table.create('a', inner, 0, [inner])
      if (isClean) await life.snapshot()
      await change(table, 'a', 0, 5)
      const before = contentOf(table)
      life.freeze()
      await alter(table)
      const after = contentOf(table)
      await life.encode()
      const [first, second] = [await life.persist(), await life.snapshot()]
      life = await trial.next(life, first, [first, second])
      checkEqual(contentOf(await life.only()), before, `a snapshot frozen before ${name}`)
      life = await trial.next(life, second)
      checkEqual(contentOf(await life.only()), after, `a snapshot frozen after ${name}`)
    }
  }
}

export async function unannounced(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = await life.only()
  table.create('a', 'x', 0, [1])
  await life.snapshot()
  const cell = await found(table, 'a', 'x')
  cell.value.push(2)
  const before = await life.snapshot()
  table.changed(cell)
  const after = await life.snapshot()
  const first = await trial.next(life, before, [before, after])
  checkEqual(contentOf(await first.only()), [['a', [['x', [1]]]]], 'a snapshot before changed was called')
  const second = await trial.next(first, after)
  checkEqual(contentOf(await second.only()), [['a', [['x', [1, 2]]]]], 'a snapshot after changed was called')
}

export async function retained(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  const table = await life.only()
  const snapshots: Json[] = []
  const contents: unknown[] = []
  for (let round = 0; round < 6; round++) {
    for (let inner = 0; inner < 50; inner++) await put(table, round % 2, inner, round)
    if (round > 1) table.deleteOuter(round % 2)
    snapshots.push(await life.snapshot())
    contents.push(contentOf(table))
    await life.store.release(snapshots)
  }
  for (const [index, from] of snapshots.entries()) {
    life = await trial.next(life, from, snapshots)
    checkEqual(contentOf(await life.only()), contents[index], `snapshot ${index} of ${snapshots.length}`)
  }
}

export async function owners(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const tables = ['one', 'two'].flatMap((owner) =>
    ['left', 'right'].map((name) => ({ owner, name, table: life.table({ owner, name }) })),
  )
  await life.store.load()
  for (const { owner, name, table } of tables) table.create(owner, name, 0, [1])
  life.store.freeze('one', 0)
  for (const { owner, name, table } of tables) await change(table, owner, name, 2)
  life.store.freeze('two', 0)
  for (const { owner, name, table } of tables) await change(table, owner, name, 3)
  await life.encode()
  const next = await trial.next(life, await life.persist())
  const restored = tables.map(({ owner, name }) => ({ owner, name, table: next.table({ owner, name }) }))
  await next.store.load()
  for (const { owner, name, table } of restored) {
    const value = owner === 'one' ? [1] : [1, 2]
    checkEqual(contentOf(table), [[owner, [[name, value]]]], `table ${name} of ${owner}`)
  }
}

export async function rescale(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  let tables = await split(life, 1)
  for (let inner = 0; inner < 256; inner++) tables[0]!.create('a', inner, inner % 128, [inner])
  for (const parallelism of [3, 2, 4, 1]) {
    for (const [subtask, table] of tables.entries()) {
      table.create('b', `${parallelism} ${subtask}`, rangeOf(subtask, tables.length).first, [0])
      const [first] = table.cells('a')
      table.delete(first!)
    }
    const before = tables.flatMap(cellsIn)
    life = await trial.next(life, await life.snapshot())
    tables = await split(life, parallelism)
    for (const [subtask, table] of tables.entries()) {
      const { first, last } = rangeOf(subtask, parallelism)
      const strangers = groupsOf(table).filter((group) => group < first || group > last)
      checkEqual(strangers, [], `the key groups of others in subtask ${subtask} of ${parallelism}`)
    }
    const after = tables.flatMap(cellsIn)
    checkEqual(after.toSorted(), before.toSorted(), `all cells after a restart with ${parallelism} subtasks`)
  }
}

export async function codecs(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = await life.only({ codec: new ValueCodec('kit.values', 2) })
  table.create('a', 'x', 0, [1])
  const from = await life.snapshot()
  const newer = new ValueCodec('kit.values', 3)
  const next = await trial.next(life, from)
  const restored = await next.only({ codec: newer })
  checkEqual(await valueOf(restored, 'a', 'x'), [1], 'the value')
  checkEqual([...newer.versionsRead], [2], 'the version that decode was given')
  restored.create('a', 'y', 0, [2])
  const mixed = await next.snapshot()
  const third = await trial.next(next, mixed)
  const both = await third.only({ codec: new ValueCodec('kit.values', 3) })
  checkEqual(contentOf(both).length, 1, 'outer tokens written in two versions')
  checkEqual(await valueOf(both, 'a', 'y'), [2], 'the newer value')
  for (const codec of [new ValueCodec('kit.other', 2), new ValueCodec('kit.values', 1)]) {
    const other = await trial.next(third, mixed)
    const opened = Promise.resolve().then(() => other.only({ codec }))
    await checkRejects(opened, 'CHECKPOINT_INCOMPATIBLE', 'table')
  }
}

/** Reads values of another codec, which the next snapshot contains as written by this codec. */
export async function foreignCodecs(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  const table = await life.only({ codec: new ValueCodec('kit.old', 2) })
  for (let inner = 0; inner < 20; inner++) table.create('a', inner, 0, [inner])
  life = await trial.next(life, await life.snapshot())
  const converted = await life.only({ codec: new ValueCodec('kit.new', 1, 'kit.old') })
  checkEqual((await found(converted, 'a', 3)).value, [3, 2], 'a value that a reader of another codec read')
  await change(converted, 'a', 4, 9)
  const expected = contentOf(converted)
  life = await trial.next(life, await life.snapshot())
  const restored = await life.only({ codec: new ValueCodec('kit.new', 1) })
  checkEqual(contentOf(restored), expected, 'what was read by a reader, from the next snapshot')
}

/** State that a start leaves out is removed for good, and no other state is. */
export async function discarded(trial: StoreTrial): Promise<void> {
  const names = ['one', 'two'].flatMap((owner) => ['left', 'right'].map((name) => ({ owner, name })))
  const open = async (life: StoreLife): Promise<StateTable<Value>[]> => {
    const tables = names.map((choice) => life.table(choice))
    await life.store.load()
    return tables
  }
  let life = await trial.live()
  for (const table of await open(life)) table.create('a', 'x', 0, [1])
  const from = await life.snapshot()
  life = await trial.next(life, from, [from], [{ owner: 'one' }, { owner: 'two', table: 'left' }])
  const tables = await open(life)
  const kept = [['a', [['x', [1]]]]]
  checkEqual(tables.map(contentOf), [[], [], [], kept], 'tables after some were left out')
  tables[0]!.create('b', 'y', 0, [2])
  life = await trial.next(life, await life.snapshot())
  const fresh = [['b', [['y', [2]]]]]
  checkEqual((await open(life)).map(contentOf), [fresh, [], [], kept], 'the same tables in the life after')
}

export async function tablesComeAndGo(trial: StoreTrial): Promise<void> {
  let life = await trial.live()
  const table = await life.only({ name: 'old' })
  table.create('a', 'x', 0, [1])
  life = await trial.next(life, await life.snapshot())
  const fresh = await life.only({ name: 'new' })
  checkEqual(contentOf(fresh), [], 'a table that no snapshot knows')
  fresh.create('a', 'y', 0, [2])
  life = await trial.next(life, await life.snapshot())
  checkEqual(contentOf(await life.only({ name: 'new' })), [['a', [['y', [2]]]]], 'the new table')
}

export async function release(trial: StoreTrial): Promise<void> {
  const life = await trial.live()
  const table = await life.only()
  const value = Array.from({ length: 100 }, (_, index) => index)
  let written = 0
  let last: Json = null
  for (let round = 0; round < 150; round++) {
    for (let inner = 0; inner < 100; inner++) {
      const cell = (await find(table, 'a', inner)) ?? table.create('a', inner, 0, [])
      cell.value = [round, ...value]
      table.changed(cell)
      written += JSON.stringify(cell.value).length
    }
    last = await life.snapshot()
    await life.store.release([last])
  }
  const kept = life.fs.paths().reduce((sum, path) => sum + life.fs.peek(path)!.length, 0)
  check(
    kept < written / 3,
    `${kept} bytes are left on the disk of ${written} written, ${written / 150} of them live`,
  )
  const before = contentOf(table)
  const next = await trial.next(life, last)
  checkEqual(contentOf(await next.only()), before, 'the content after what is dead was removed')
}

async function put(table: StateTable<Value>, outer: number, inner: number, value: number): Promise<void> {
  if ((await find(table, outer, inner)) === undefined) table.create(outer, inner, 0, [value])
  else await change(table, outer, inner, value)
}

async function valueOf(table: StateTable<Value>, outer: string, inner: string): Promise<Value> {
  return (await found(table, outer, inner)).value
}

function groupsOf(table: StateTable<Value>): readonly number[] {
  return contentOf(table).flatMap(([outer]) => Array.from(table.cells(outer), (cell) => cell.group))
}

function cellsIn(table: StateTable<Value>): readonly string[] {
  return contentOf(table).flatMap(([outer, cells]) =>
    cells.map(([inner, value]) => `${String(outer)}/${String(inner)} = ${value.join()}`),
  )
}

function rangeOf(subtask: number, parallelism: number): { first: number; last: number } {
  const edge = (at: number): number => Math.ceil((at * 128) / parallelism)
  return { first: edge(subtask), last: edge(subtask + 1) - 1 }
}

async function split(life: StoreLife, parallelism: number): Promise<StateTable<Value>[]> {
  const tables = Array.from({ length: parallelism }, (_, subtask) =>
    life.table({ subtask, groups: rangeOf(subtask, parallelism) }),
  )
  await life.store.load()
  return tables
}
