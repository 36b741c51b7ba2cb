import { ManualClock, systemScheduler } from '@millrace/channels'
import type { Clock } from '@millrace/channels'
import type {
  ByteReader,
  ByteWriter,
  Cell,
  Codec,
  DiscardedState,
  Json,
  KeyGroupRange,
  KeyToken,
  OpenStateStore,
  StateStore,
  StateTable,
} from '@millrace/core'
import type { SimFs } from '../sim-fs.ts'
import { check, checkEqual } from './check.ts'
import { ContractViolation } from './conformance-case.ts'

/** All key groups there are in the kit. */
const allGroups: KeyGroupRange = { first: 0, last: 127 }

/** After so many slices without an end, encoding is taken to have none. */
const SLICES_MAX = 20_000

/** Values of the kit: lists of numbers, so that they can be changed in place. */
export type Value = number[]

/** Writes values, and remembers with which versions it was asked to read. */
export class ValueCodec implements Codec<Value> {
  readonly id: string
  readonly version: number
  readonly versionsRead: Set<number> = new Set()
  readonly #foreignId: string | undefined

  /** `foreignId` is the id of another codec whose values it reads, too. */
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

/** Time passes whenever somebody looks, so that slices of encoding come to an end. */
class RestlessClock implements Clock {
  readonly #still = new ManualClock()
  #elapsedMs = 0

  now(): number {
    return 1_000_000 + this.monotonic()
  }

  monotonic(): number {
    this.#elapsedMs += 0.25
    return this.#elapsedMs
  }

  schedule(delayMs: number, callback: () => void): Disposable {
    return this.#still.schedule(delayMs, callback)
  }
}

/** Which table is meant; by default the one table of owner `op`. */
export interface TableChoice {
  readonly owner?: string
  readonly name?: string
  readonly subtask?: number
  readonly groups?: KeyGroupRange
  readonly codec?: Codec<Value>
}

/** What a new life of a store starts from. */
export interface StoreStart {
  readonly from?: Json
  readonly retained?: readonly Json[]
  readonly discard?: readonly DiscardedState[]
}

/** One life of a job's store: the part of the engine that a store gets to see. */
export class StoreLife {
  readonly fs: SimFs
  readonly store: OpenStateStore
  /** Owners and subtasks, in the order in which their first tables were opened. */
  readonly #subtasks = new Map<string, readonly [owner: string, subtask: number]>()

  private constructor(fs: SimFs, store: OpenStateStore) {
    this.fs = fs
    this.store = store
  }

  static async open(store: StateStore, fs: SimFs, start: StoreStart = {}): Promise<StoreLife> {
    const { from, retained = from === undefined ? [] : [from], discard = [] } = start
    const clock = new RestlessClock()
    return new StoreLife(
      fs,
      await store.open({ fs, clock, directory: 'data/state', from, retained, discard }),
    )
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
      for (let slices = 0; !this.store.encode(owner, subtask, 1); slices++) {
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

/** Looks a cell up, having fetched it where the store needs that. */
export async function find(
  table: StateTable<Value>,
  outer: KeyToken,
  inner: KeyToken,
): Promise<Cell<Value> | undefined> {
  await table.prefetch?.(outer, [inner])
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

/** The content of a table: outer tokens in order, each with its inner tokens and values in order. */
export type Content = readonly (readonly [outer: KeyToken, cells: readonly (readonly [KeyToken, Value])[]])[]

/** What a table holds, checked against its own counts. */
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
  return content
}
