import {
  keyGroupRange,
  type Pacing,
  type StateStore,
  type StateTable,
  type TableSpec,
} from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'
import { CheckpointStorage, DataDirectory, FinishedSplits, finishedSplitsSpec } from '@millrace/core/job'
import type { StorePart } from '@millrace/core/job'
import { valueText } from './value-text.ts'

/** A table that was opened. */
type WatchedTable = Pick<TableSpec<unknown>, 'owner' | 'name' | 'codec' | 'isNumbered'>

/** A store that records which tables were opened, so that its files can be read later. */
export class WatchedStore implements StateStore {
  readonly kind: string
  readonly restores: readonly string[]
  readonly #inner: StateStore
  readonly #tables: Map<string, WatchedTable>

  constructor(inner: StateStore, tables: WatchedStore['tables'] = new Map()) {
    this.kind = inner.kind
    this.restores = inner.restores ?? []
    this.#inner = inner
    this.#tables = tables
  }

  get tables(): Map<string, WatchedTable> {
    return this.#tables
  }

  files(snapshot: Parameters<StateStore['files']>[0]): ReturnType<StateStore['files']> {
    return this.#inner.files(snapshot)
  }

  async open(options: Parameters<StateStore['open']>[0]): ReturnType<StateStore['open']> {
    const opened = await this.#inner.open(options)
    const table = opened.table.bind(opened)
    opened.table = <T>(spec: TableSpec<T>) => {
      const { owner, name, codec, isNumbered = false } = spec
      this.#tables.set(`${owner}/${name}`, { owner, name, codec, isNumbered })
      return table(spec)
    }
    return opened
  }
}

/** The cells of a checkpoint by operator, each as a line of text; sorted. Operators without any are left out. */
export type KeptState = ReadonlyMap<string, readonly string[]>

/** Reads everything in one turn of the event loop: no job runs beside it. */
const unhurried: Pacing = { spend: () => false, turn: async () => {} }

/** Reads all cells of the newest checkpoint; undefined if there is no checkpoint. */
export async function keptState(
  fs: Fs,
  directory: string,
  store: WatchedStore,
): Promise<KeptState | undefined> {
  const data = new DataDirectory(directory)
  const [manifest] = await new CheckpointStorage(fs, data.checkpoints).readable(() => {})
  if (manifest === undefined) return undefined
  const cells = new Map<string, string[]>()
  for (const part of manifest.store.parts) {
    await readPart({ fs, directory: data.statePart(part), part, keyGroups: manifest.keyGroups, store }, cells)
  }
  return cells
}

/** A part of a checkpoint's state, and how to read it. */
interface PartReading {
  readonly fs: Fs
  readonly directory: string
  readonly part: StorePart
  readonly keyGroups: number
  readonly store: WatchedStore
}

async function readPart(
  { fs, directory, part, keyGroups, store }: PartReading,
  cells: Map<string, string[]>,
): Promise<void> {
  const { snapshot } = part
  const specs = [...store.tables.values()]
  const opened = await store.open({
    fs,
    budget: unhurried,
    directory,
    from: snapshot,
    retained: [snapshot],
  })
  const groups = keyGroupRange(0, 1, keyGroups)
  const tables = specs.map(({ owner, name, codec, isNumbered = false }) => ({
    owner,
    name,
    isNumbered,
    table: opened.table({ owner, name, codec, subtask: 0, groups }),
  }))
  await opened.load()
  for (const { owner, name, table, isNumbered } of tables) {
    const lines = cells.get(owner) ?? []
    if (name === finishedSplitsSpec.name) {
      // The page of a split in the table depends on when it ended.
      const pages = table as StateTable<Uint8Array>
      const finished = await FinishedSplits.load(pages, keyGroups, unhurried)
      for (const { split } of finished.all()) lines.push(`split ${split} has ended`)
    } else lines.push(...linesOf(name, table, isNumbered))
    if (lines.length > 0) cells.set(owner, lines.sort())
  }
  await opened.close()
}

/** Where cells are numbered, the text contains which of its key a cell is: its number depends on the other keys of the subtask. */
function* linesOf(name: string, table: StateTable<unknown>, isNumbered: boolean): Generator<string> {
  for (const outer of table.outers()) {
    let rank = 0
    for (const { inner, value } of table.cells(outer)) {
      rank++
      yield `${name}: ${String(outer)}, ${String(isNumbered ? rank : inner)} = ${valueText(value)}`
    }
  }
}
