import { systemScheduler } from '@millrace/world'
import type { ByteReader, ByteWriter, Codec, Json } from '@millrace/core'
import type {
  Cell,
  DiscardedState,
  KeyGroupRange,
  KeyToken,
  OpenStateStore,
  Pacing,
  Slicing,
  StateStore,
  StateTable,
} from '@millrace/core/store'
import type { SimFs } from '../sim-fs.ts'
import { check, checkEqual } from './check.ts'
import { ContractViolation } from './conformance-case.ts'

/** All key groups there are in the kit. */
const allGroups: KeyGroupRange = { first: 0, last: 127 }

/** The number of slices after which encoding counts as endless. */
const SLICES_MAX = 20_000

/** The values of the kit: lists of numbers, which can be changed in place. */
export type Value = number[]

/** Writes values, and records the versions of the values that it read. */
export class ValueCodec implements Codec<Value> {
  readonly id: string
  readonly version: number
  readonly versionsRead: Set<number> = new Set()
  readonly #foreignId: string | undefined

  /** `foreignId` is the id of another codec whose values it can also read. */
  constructor(id = 'kit.values', version = 1, foreignId?: string) {
    this.id = id
    this.version = version
    this.#foreignId = foreignId
  }

  encode(value: Value, out: ByteWriter): void {
    out.text(JSON.stringify(value))
  }

  decode(input: ByteReader, version: number): Value {
    this.versionsRead.add(version)
    return JSON.parse(input.text()) as Value
  }

  reader(id: string, version: number): ((input: ByteReader) => Value) | undefined {
    if (id !== this.#foreignId) return undefined
    return (input) => [...this.decode(input, version), version]
  }
}

/** A slice that ends after the given units of work. */
export function sliceOf(units: number): Slicing {
  let left = units
  return {
    spend: (spent = 1) => {
      left -= spent
      return left <= 0
    },
  }
}

/** Requests a turn of the event loop after each hundred units of work, and counts the turns. */
class CountingBudget implements Pacing {
  turns = 0
  #slice = sliceOf(100)

  spend(units?: number): boolean {
    return this.#slice.spend(units)
  }

  async turn(): Promise<void> {
    this.turns++
    this.#slice = sliceOf(100)
    await systemScheduler.turn()
  }
}

/** The table; by default the only table of owner `op`. */
export interface TableChoice {
  readonly owner?: string
  readonly name?: string
  readonly subtask?: number
  readonly groups?: KeyGroupRange
  readonly codec?: Codec<Value>
}

/** The start of a new life of a store. */
export interface StoreStart {
  readonly from?: Json
  readonly retained?: readonly Json[]
  readonly discard?: readonly DiscardedState[]
  /** The epoch of its owner. Default 1. */
  readonly epoch?: number
}

/** One life of a job's store: the part of the engine that a store interacts with. */
export class StoreLife {
  readonly fs: SimFs
  readonly store: OpenStateStore
  readonly #budget: CountingBudget
  /** Owners and subtasks, in the order in which their first tables were opened. */
  readonly #subtasks = new Map<string, readonly [owner: string, subtask: number]>()

  private constructor(fs: SimFs, store: OpenStateStore, budget: CountingBudget) {
    this.fs = fs
    this.store = store
    this.#budget = budget
  }

  static async open(store: StateStore, fs: SimFs, start: StoreStart = {}): Promise<StoreLife> {
    const { from, retained = from === undefined ? [] : [from], discard = [], epoch = 1 } = start
    const budget = new CountingBudget()
    return new StoreLife(
      fs,
      await store.open({ fs, budget, directory: 'data/state', epoch, from, retained, discard }),
      budget,
    )
  }

  /** The number of requested turns of the event loop. */
  get turns(): number {
    return this.#budget.turns
  }

  table(choice: TableChoice = {}): StateTable<Value> {
    const { owner = 'op', name = 'table', subtask = 0, groups = allGroups, codec = new ValueCodec() } = choice
    this.#subtasks.set(`${subtask} ${owner}`, [owner, subtask])
    return this.store.table({ owner, subtask, name, codec, groups })
  }

  /** Opens one table and loads. */
  async only(choice: TableChoice = {}): Promise<StateTable<Value>> {
    const table = this.table(choice)
    await this.store.load()
    return table
  }

  freeze(): void {
    for (const [owner, subtask] of this.#subtasks.values()) this.store.freeze(owner, subtask)
  }

  /** Encodes everything frozen in slices. `between` is called after each slice that was not the last. */
  async encode(between: () => Promise<void> = () => systemScheduler.turn()): Promise<void> {
    for (const [owner, subtask] of this.#subtasks.values()) {
      for (let slices = 0; !this.store.encode(owner, subtask, sliceOf(100)); slices++) {
        check(slices < SLICES_MAX, 'encode does not come to an end')
        await between()
        await systemScheduler.turn()
      }
    }
  }

  async persist(): Promise<Json> {
    const snapshot = await this.store.persist()
    const kept = JSON.parse(JSON.stringify(snapshot)) as Json
    checkEqual(kept, snapshot, 'a snapshot that has passed through JSON')
    return kept
  }

  async snapshot(): Promise<Json> {
    this.freeze()
    await this.encode()
    return this.persist()
  }

  close(): Promise<void> {
    return this.store.close()
  }
}

/** Looks a cell up. */
export async function find(
  table: StateTable<Value>,
  outer: KeyToken,
  inner: KeyToken,
): Promise<Cell<Value> | undefined> {
  return table.find(outer, inner)
}

/** Looks up a cell that must be there. */
export async function found(
  table: StateTable<Value>,
  outer: KeyToken,
  inner: KeyToken,
): Promise<Cell<Value>> {
  const cell = await find(table, outer, inner)
  if (cell === undefined) throw new ContractViolation(`there is no cell ${String(outer)}/${String(inner)}`)
  return cell
}

export async function change(
  table: StateTable<Value>,
  outer: string | number,
  inner: string | number,
  value: number,
): Promise<void> {
  const cell = await found(table, outer, inner)
  cell.value.push(value)
  table.changed(cell)
}

/** The content of a table: outer tokens sorted, each with its inner tokens and values in the table's order. */
export type Content = readonly (readonly [outer: KeyToken, cells: readonly (readonly [KeyToken, Value])[]])[]

/** Returns the content of a table, checked against its counts. */
export function contentOf(table: StateTable<Value>): Content {
  const content: [KeyToken, (readonly [KeyToken, Value])[]][] = []
  let size = 0
  for (const outer of table.outers()) {
    const cells = Array.from(table.cells(outer), (cell): readonly [KeyToken, Value] => {
      checkEqual(cell.outer, outer, 'the outer token of a cell')
      return [cell.inner, [...cell.value]]
    })
    checkEqual(table.count(outer), cells.length, `the count under ${String(outer)}`)
    size += cells.length
    content.push([outer, cells])
  }
  checkEqual(table.size, size, 'the size of the table')
  return sorted(content)
}

/** Tables give outer tokens in any order. */
export function sorted(content: Content): Content {
  const rank = ([outer]: Content[number]): string => `${typeof outer} ${String(outer)}`
  return content.toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1))
}
