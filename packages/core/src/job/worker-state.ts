import type { StorePart } from '../checkpoint/manifest.ts'
import type { Json } from '../codec/json.ts'
import type { Fs } from '../disk/fs.ts'
import type { Slicing, YieldBudget } from '../disk/yield-budget.ts'
import type {
  DiscardedState,
  OpenStateStore,
  StateStore,
  StateTable,
  StoreUsage,
  OpenedTable,
  TableUsage,
  TableSpec,
} from '../state/state-store.ts'
import type { DataDirectory } from './data-directory.ts'

/** The state that a worker starts from. Plain data. */
export interface WorkerState {
  /** Its directory, below that of the job's state. */
  readonly directory: string
  /** What it restores from there. */
  readonly from: Json | undefined
  /** What is kept there. */
  readonly retained: readonly Json[]
  /** What it restores from elsewhere, because other workers had the state: it copies what its subtasks own now. */
  readonly others: readonly StorePart[]
}

/** How the state of a worker is opened. */
export interface StateOpening {
  readonly store: StateStore
  readonly fs: Fs
  readonly budget: YieldBudget
  readonly directory: DataDirectory
  readonly epoch: number
  readonly discard: readonly DiscardedState[]
  readonly state: WorkerState
}

/** Opens the state of a worker. What it copies from the stores of other workers is part of its next snapshot. */
export async function openState(opening: StateOpening): Promise<OpenStateStore> {
  const { store, fs, budget, directory, epoch, discard, state } = opening
  const own = await store.open({
    fs,
    budget,
    directory: directory.statePart(state),
    epoch,
    from: state.from,
    discard,
    retained: state.retained,
  })
  return state.others.length === 0 ? own : new CopyingStore(own, opening)
}

interface CopiedTable {
  readonly spec: TableSpec<unknown>
  readonly table: StateTable<unknown>
}

/** A store that begins with what it copies from others. */
class CopyingStore implements OpenStateStore {
  readonly #own: OpenStateStore
  readonly #opening: StateOpening
  readonly #tables: CopiedTable[] = []

  constructor(own: OpenStateStore, opening: StateOpening) {
    this.#own = own
    this.#opening = opening
  }

  table<T>(spec: TableSpec<T>): StateTable<T> {
    const table = this.#own.table(spec)
    this.#tables.push({ spec, table })
    return table
  }

  async load(): Promise<void> {
    await this.#own.load()
    for (const part of this.#opening.state.others) await this.#copy(part)
  }

  async #copy(part: StorePart): Promise<void> {
    const { store, fs, budget, directory, discard } = this.#opening
    const other = await store.open({
      fs,
      budget,
      directory: directory.statePart(part),
      // Several workers read it, and none of them deletes anything: every file is of a later epoch.
      epoch: 0,
      from: part.snapshot,
      discard,
      retained: [part.snapshot],
    })
    try {
      const pairs = this.#tables.map(({ spec, table }) => ({ from: other.table(spec), to: table }))
      await other.load()
      for (const { from, to } of pairs) {
        for (const outer of from.outers()) {
          for (const { inner, group, value } of from.cells(outer)) {
            to.create(outer, inner, group, value)
            if (budget.spend()) await budget.turn()
          }
        }
      }
    } finally {
      await other.close()
    }
  }

  freeze(owner: string, subtask: number): void {
    this.#own.freeze(owner, subtask)
  }

  encode(owner: string, subtask: number, slicing: Slicing): boolean {
    return this.#own.encode(owner, subtask, slicing)
  }

  persist(): Promise<Json> {
    return this.#own.persist()
  }

  release(retained: readonly Json[]): Promise<void> {
    return this.#own.release(retained)
  }

  opened(): readonly OpenedTable[] {
    return this.#own.opened()
  }

  tableUsage(): readonly TableUsage[] {
    return this.#own.tableUsage()
  }

  usage(): StoreUsage {
    return this.#own.usage()
  }

  close(): Promise<void> {
    return this.#own.close()
  }
}
