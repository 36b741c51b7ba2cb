import { stdout } from 'node:process'
import { MillraceError } from '@millrace/core'
import { crc32, publishFile, readWhole, writeFully } from '@millrace/core/disk'
import type { Cell, KeyToken } from '@millrace/core/store'
import { expect, test } from 'vitest'
import { firstFailure } from '../src/conformance/conformance-case.ts'
import { stateStoreConformance } from '../src/conformance/store-conformance.ts'
import { PlainCell, plainStore } from './plain-store.ts'
import type { OpenPlainStore, PlainTable, StoreBend } from './plain-store.ts'
import { readingMistakes } from './reading-mistakes.ts'
import { inStore, inTable } from './store-bends.ts'

type Table = PlainTable<unknown>

/** Writes the file of a snapshot by another way than `publishFile`. */
function written(
  write: (store: OpenPlainStore, path: string, bytes: Uint8Array) => Promise<void>,
): StoreBend {
  return inStore((store) => ({
    async persist() {
      if (store.failure !== undefined) throw store.failure as Error
      const bytes = store.write()
      const number = ++store.number
      const file = `snapshot-${number}.${store.epoch}`
      try {
        await write(store, `${store.directory}/${file}`, bytes)
      } catch (error) {
        store.failure = error
        throw error
      }
      return { file, checksum: crc32(bytes), number }
    },
  }))
}

function merge(...bends: readonly StoreBend[]): StoreBend {
  return {
    store: (store) => bends.forEach((bend) => bend.store?.(store)),
    table: (table) => bends.forEach((bend) => bend.table?.(table)),
  }
}

const asText = (token: KeyToken): string => String(token)

/** Mistakes in what a table does in memory. */
const tables: Readonly<Record<string, StoreBend>> = {
  'tokens are compared as text': inTable((table) => {
    const { find, create } = bound(table)
    return {
      find: (outer, inner) => find(asText(outer), asText(inner)),
      create: (outer, inner, group, value) => create(asText(outer), asText(inner), group, value),
    }
  }),
  'tokens are names in an object': inTable((table) => {
    const cells: Record<string, PlainCell<unknown>> = {}
    const { create } = bound(table)
    return {
      find: (outer, inner) => cells[`${typeof outer} ${String(outer)}`] && table.live.get(outer)?.get(inner),
      create: (outer, inner, group, value) => {
        const cell = create(outer, inner, group, value)
        if (String(outer) !== '__proto__') cells[`${typeof outer} ${String(outer)}`] = cell
        return cell
      },
    }
  }),
  'find hands out a copy': inTable((table) => {
    const { find } = bound(table)
    return {
      find(outer, inner) {
        const cell = find(outer, inner)
        return cell && new PlainCell(outer, inner, cell.group, cell.value, cell.seq)
      },
    }
  }),
  'a deleted cell is still found': inTable((table) => ({
    delete: (cell) => void table.dead.add(cell as PlainCell<unknown>),
  })),
  'deleting all under an outer token forgets the last': inTable((table) => ({
    deleteOuter(outer) {
      for (const cell of [...table.cells(outer)].slice(0, -1)) table.delete(cell)
    },
  })),
  'deleting all under an outer token deletes everything': inTable((table) => ({
    deleteOuter() {
      for (const outer of table.outers()) for (const cell of table.cells(outer)) table.delete(cell)
    },
  })),
  'outer tokens without cells stay': inTable((table) => ({ outers: () => [...table.live.keys()] })),
  'the count is that of the table': inTable((table) => ({ count: () => table.size })),
  'the size counts what was deleted': {
    table: (table) => {
      let size = 0
      const { create } = bound(table)
      Object.assign(table, {
        create: (...given: Parameters<typeof create>) => {
          size++
          return create(...given)
        },
      })
      Object.defineProperty(table, 'size', { get: () => size })
    },
  },
  'cells come in the order of their tokens': inTable((table) => ({
    cells: (outer) =>
      [...(table.live.get(outer)?.values() ?? [])].sort((a, b) => (a.inner! < b.inner! ? -1 : 1)),
  })),
  'iteration continues with deleted cells': inTable((table) => ({
    cells: (outer) => [...(table.live.get(outer)?.values() ?? [])],
  })),
  'usage counts outer tokens': inStore((store) => ({
    usage: () => ({
      cells: store.tables.reduce((sum, table) => sum + table.outers().length, 0),
      liveBytes: 1,
      diskBytes: 1,
      writtenBytes: 1,
    }),
  })),
}

/** Mistakes in what a snapshot holds, or a restart makes of it. */
const snapshots: Readonly<Record<string, StoreBend>> = {
  'a snapshot is taken when it is persisted': inStore((store) => ({
    freeze: () => {},
    encode: () => true,
    write() {
      for (const table of store.tables) table.freeze()
      return Object.getPrototypeOf(store).write.call(store) as Uint8Array
    },
  })),
  'values are encoded when they are persisted': inTable((table) => ({
    freeze() {
      for (const cell of table.dead) table.saved.delete(cell)
      for (const cell of table.dirty) lazily(table, cell)
      table.dead.clear()
      table.dirty.clear()
    },
  })),
  'what is not announced is saved': inTable((table) => ({
    freeze() {
      for (const outer of table.outers()) for (const cell of table.cells(outer)) table.dirty.add(cell)
      freezeOf(table)
    },
  })),
  'loading never gives the event loop a turn': inStore(() => ({
    budget: { spend: () => false, turn: async () => {} },
  })),
  'deleting a dropped cell deletes the cell that replaced it': inTable((table) => ({
    delete(cell) {
      table.live.get(cell.outer)?.delete(cell.inner)
      table.dirty.delete(cell as PlainCell<unknown>)
      table.dead.add(cell as PlainCell<unknown>)
    },
  })),
  'what is announced is not saved': inTable(() => ({ changed: () => {} })),
  'a deletion is not saved': inTable((table) => ({
    freeze() {
      table.dead.clear()
      freezeOf(table)
    },
  })),
  'a deletion counts at once': inTable((table) => {
    const remove = table.delete.bind(table)
    return {
      delete(cell) {
        remove(cell)
        table.saved.delete(cell as PlainCell<unknown>)
      },
    }
  }),
  'a new cell counts at once': inTable((table) => {
    const { create } = bound(table)
    return {
      create(outer, inner, group, value) {
        const cell = create(outer, inner, group, value)
        table.saved.set(cell, table.encoded(cell))
        return cell
      },
    }
  }),
  'an abandoned snapshot takes its changes along': inTable((table) => {
    let kept = new Map(table.saved)
    let isFirst = true
    return {
      freeze() {
        if (!isFirst && table.dirty.size < 3) kept.forEach((bytes, cell) => table.saved.set(cell, bytes))
        isFirst = false
        kept = new Map(table.saved)
        freezeOf(table)
      },
    }
  }),
  'one freeze is for all owners': inStore((store) => ({
    freeze() {
      for (const table of store.tables) table.freeze()
    },
  })),
  'a freeze is for the first table of an owner': inStore((store) => ({
    freeze: (owner) => store.tables.find((table) => table.spec.owner === owner)?.freeze(),
  })),
  'tables of one owner are one': inStore((store) => {
    const table = store.table.bind(store)
    return { table: (spec) => table({ ...spec, name: 'shared' }) }
  }),
  'a restart gives every subtask everything': inStore((store) => {
    const table = store.table.bind(store)
    return { table: (spec) => table({ ...spec, groups: { first: 0, last: 127 } }) }
  }),
  'the key group is forgotten': inStore((store) => {
    const load = store.load.bind(store)
    return {
      async load() {
        await load()
        for (const table of store.tables) {
          const group = table.spec.groups.first
          for (const outer of table.outers())
            for (const cell of table.cells(outer)) Object.assign(cell, { group })
        }
      },
    }
  }),
  'the order of creation starts anew after a restart': inStore((store) => {
    const load = store.load.bind(store)
    return {
      async load() {
        await load()
        store.seq = 0
      },
    }
  }),
  'a cell made again takes its old place': inTable((table) => {
    const { create } = bound(table)
    const places = new Map<KeyToken, number>()
    return {
      create(outer, inner, group, value) {
        const cell = create(outer, inner, group, value)
        const seq = places.get(inner) ?? cell.seq
        places.set(inner, seq)
        Object.assign(cell, { seq })
        return cell
      },
    }
  }),
  'what was restored is not in the next snapshot': inStore((store) => {
    const load = store.load.bind(store)
    return {
      async load() {
        await load()
        for (const table of store.tables) table.dirty.clear()
      },
    }
  }),
}

/** Mistakes in what is on the disk. */
const disk: Readonly<Record<string, StoreBend>> = {
  'the checksum is not looked at': inStore((store) => ({
    read: ({ file }) => readWhole(store.fs, `${store.directory}/${file}`),
  })),
  'a missing file is called missing': inStore((store) => ({
    async read({ file, checksum }) {
      const bytes = await readWhole(store.fs, `${store.directory}/${file}`)
      if (crc32(bytes) !== checksum) throw new MillraceError('CHECKPOINT_CORRUPT', `${file} is damaged`)
      return bytes
    },
  })),
  'a damaged snapshot is an empty one': inStore((store) => ({
    async read({ file, checksum }) {
      const bytes = await readWhole(store.fs, `${store.directory}/${file}`).catch(() => new Uint8Array(8))
      return crc32(bytes) === checksum ? bytes : new Uint8Array(8)
    },
  })),
  'the file is not synced': written(async (store, path, bytes) => {
    const file = await store.fs.open(path, 'append')
    await writeFully(file, bytes, path)
    await file.close()
    await store.fs.syncDirectory(store.directory)
  }),
  'the name is not synced': written(async (store, path, bytes) => {
    const file = await store.fs.open(path, 'append')
    await writeFully(file, bytes, path)
    await file.sync()
    await file.close()
  }),
  'the file is not waited for': written((store, path, bytes) => {
    publishFile(store.fs, store.directory, path.slice(path.lastIndexOf('/') + 1), bytes).catch(() => {})
    return Promise.resolve()
  }),
  'a failed sync is tried again': written(async (store, path, bytes) => {
    const file = await store.fs.open(path, 'append')
    await writeFully(file, bytes, path)
    await file.sync().catch(() => file.sync())
    await file.close()
    await store.fs.syncDirectory(store.directory)
  }),
  'each snapshot is written over the one before': merge(
    written((store, path, bytes) =>
      publishFile(store.fs, store.directory, path.replace(/^.*\/snapshot-\d+\.\d+/, 'snapshot-1'), bytes),
    ),
    inStore((store) => ({
      read: () => readWhole(store.fs, `${store.directory}/snapshot-1`),
    })),
  ),
  'numbers start anew after a restart': inStore((store) => {
    store.number = 0
    return {}
  }),
  'the directory is not made durable': inStore((store) => ({
    makeDirectory: () => store.fs.makeDirectory(store.directory),
  })),
  'a directory is trusted because a later sync has succeeded': inStore((store) => ({
    async makeDirectory() {
      await store.fs.makeDirectory(store.directory)
      for (const parent of ['.', 'data']) await store.fs.syncDirectory(parent)
    },
  })),
  'release deletes what is kept but the newest': inStore((store) => {
    const release = store.release.bind(store)
    return { release: (retained) => release(retained.slice(0, 1)) }
  }),
  'what a later owner has written is removed': inStore((store) => ({
    async release(retained) {
      const names = new Set((retained as readonly { readonly file: string }[]).map(({ file }) => file))
      for (const { name } of await store.fs.list(store.directory))
        if (!names.has(name)) await store.fs.remove(`${store.directory}/${name}`)
    },
  })),
  'release deletes nothing': inStore(() => ({ release: () => Promise.resolve() })),
  'a persist after a failed one succeeds': inStore((store) => {
    Object.defineProperty(store, 'failure', { get: () => undefined, set: () => {} })
    return {}
  }),
  'a failed persist names another reason': inStore((store) => {
    const persist = store.persist.bind(store)
    return {
      persist: () =>
        persist().catch(() => {
          throw new MillraceError('CHECKPOINT_FAILED', 'something went wrong')
        }),
    }
  }),
  'a file stays open': written(async (store, path, bytes) => {
    const file = await store.fs.open(path, 'append')
    await writeFully(file, bytes, path)
    await file.sync()
    await store.fs.syncDirectory(store.directory)
  }),
  'encoding never ends': inStore(() => ({ encode: () => false })),
}

/** The methods of a table as they are now. */
function bound(table: Table): Pick<Table, 'find' | 'create'> {
  return { find: table.find.bind(table), create: table.create.bind(table) }
}

function freezeOf(table: Table): void {
  ;(Object.getPrototypeOf(table) as Table).freeze.call(table)
}

/** Puts a value into the snapshot that is encoded only when it is read. */
function lazily(table: Table, cell: Cell<unknown>): void {
  const own = cell as PlainCell<unknown>
  table.saved.set(own, new Uint8Array(0))
  const { saved } = table
  Object.defineProperty(saved, Symbol.iterator, {
    configurable: true,
    value: function* () {
      for (const each of saved.keys()) yield [each, table.encoded(each)]
    },
  })
}

test.each([
  ['tables', tables],
  ['snapshots', snapshots],
  ['readers', readingMistakes],
  ['files', disk],
])('the store kit detects every planted mistake in the %s', async (what, planted) => {
  const missed: string[] = []
  for (const [name, bend] of Object.entries(planted)) {
    const cases = stateStoreConformance({ create: () => plainStore(bend), seeds: 8 })
    if ((await firstFailure(cases)) === undefined) missed.push(name)
  }
  const count = Object.keys(planted).length
  stdout.write(`stores, ${what}: caught ${count - missed.length}/${count}\n`)
  expect(missed).toEqual([])
})
