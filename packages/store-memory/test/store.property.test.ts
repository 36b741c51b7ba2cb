import type { KeyToken, StateTable, StoreSnapshot } from '@millrace/core/store'
import { SimFs } from '@millrace/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { StoreRun } from './store-run.ts'

interface Value {
  count: number
  readonly text: string
}

type Cells = [outer: KeyToken, cells: [inner: KeyToken, value: Value][]]

type Model = Map<KeyToken, Map<KeyToken, Value>>

type Step =
  | { readonly kind: 'set'; readonly outer: KeyToken; readonly inner: KeyToken; readonly text: string }
  | { readonly kind: 'delete'; readonly outer: KeyToken; readonly inner: KeyToken }
  | { readonly kind: 'deleteOuter'; readonly outer: KeyToken; readonly subtask: number }
  | { readonly kind: 'touch'; readonly outer: KeyToken; readonly deletes: boolean }
  | { readonly kind: 'burst'; readonly outer: KeyToken; readonly from: number; readonly count: number }
  | { readonly kind: 'freeze' | 'slice' | 'persist' | 'checkpoint' }
  | { readonly kind: 'restart'; readonly parallelism: number; readonly back: number }

interface Published {
  readonly snapshot: StoreSnapshot
  readonly model: Model
}

/** A store and plain maps that it must agree with. */
class Trial {
  readonly #fs = new SimFs()
  #run!: StoreRun<Value>
  #model: Model = new Map()
  /** The model at the last freeze, while its snapshot is not durable. */
  #frozen: Model | undefined
  /** Newest first; a retention of three. */
  #published: Published[] = []

  async open(parallelism: number, published?: Published): Promise<void> {
    const from = published?.snapshot
    const retained = this.#published.map((each) => each.snapshot)
    this.#run = await StoreRun.open<Value>(this.#fs, { parallelism, ...(from && { from }), retained })
    this.#model = copyOf(published?.model ?? new Map())
    this.#frozen = undefined
    check(this.#run, this.#model)
  }

  check(): void {
    check(this.#run, this.#model)
  }

  async step(step: Step): Promise<void> {
    switch (step.kind) {
      case 'set':
        return this.#set(step.outer, step.inner, step.text)
      case 'burst':
        for (let i = 0; i < step.count; i++) this.#set(step.outer, step.from + i, 'x'.repeat(i))
        return
      case 'delete':
        this.#run.delete(step.outer, step.inner)
        return this.#forget(step.outer, (inner) => inner === step.inner)
      case 'deleteOuter': {
        const table = this.#run.tables()[step.subtask % this.#run.parallelism]!
        table.deleteOuter(step.outer)
        return this.#forget(step.outer, (inner) => this.#run.tableOf(inner) === table)
      }
      case 'touch':
        return this.#touch(step.outer, step.deletes)
      case 'freeze':
        this.#run.freeze()
        this.#frozen = copyOf(this.#model)
        return
      case 'slice':
        if (this.#frozen !== undefined) this.#run.slice()
        return
      case 'persist':
        return this.#persist()
      case 'checkpoint':
        await this.step({ kind: 'freeze' })
        return this.#persist()
      case 'restart':
        await this.#run.store.close()
        return this.open(step.parallelism, this.#published[step.back] ?? this.#published[0])
    }
  }

  #set(outer: KeyToken, inner: KeyToken, text: string): void {
    const table = this.#run.tableOf(inner)
    const cell = table.find(outer, inner)
    if (cell === undefined || text.length > 9) {
      this.#run.set(outer, inner, { count: 0, text })
    } else {
      cell.value.count++
      table.changed(cell)
    }
    const cells = this.#model.get(outer) ?? new Map<KeyToken, Value>()
    this.#model.set(outer, cells)
    const value = cells.get(inner)
    if (value === undefined || text.length > 9) cells.set(inner, { count: 0, text })
    else value.count++
  }

  #forget(outer: KeyToken, isMeant: (inner: KeyToken) => boolean): void {
    const cells = this.#model.get(outer) ?? new Map<KeyToken, Value>()
    for (const inner of cells.keys()) if (isMeant(inner)) cells.delete(inner)
    if (cells.size === 0) this.#model.delete(outer)
  }

  /** Changes all cells under `outer` in place, or deletes every other one. */
  #touch(outer: KeyToken, deletes: boolean): void {
    const doomed = new Set<KeyToken>()
    for (const table of this.#run.tables()) {
      let index = 0
      for (const cell of table.cells(outer)) {
        if (deletes && index++ % 2 === 1) {
          doomed.add(cell.inner)
          table.delete(cell)
          continue
        }
        cell.value.count++
        table.changed(cell)
      }
    }
    this.#forget(outer, (inner) => doomed.has(inner))
    for (const value of this.#model.get(outer)?.values() ?? []) value.count++
  }

  async #persist(): Promise<void> {
    if (this.#frozen === undefined) return
    const model = this.#frozen
    this.#frozen = undefined
    await this.#run.encode()
    const persisted = this.#run.store.persist()
    const { liveBytes } = this.#run.store.usage()
    const snapshot = await persisted
    this.#published = [{ snapshot, model }, ...this.#published].slice(0, 3)
    await this.#run.store.release(this.#published.map((each) => each.snapshot))
    const restored = await StoreRun.open<Value>(copyOfDisk(this.#fs), {
      parallelism: this.#run.parallelism,
      from: snapshot,
    })
    check(restored, model)
    expect(restored.store.usage().liveBytes).toBe(liveBytes)
    await restored.store.close()
  }
}

function check(run: StoreRun<Value>, model: Model): void {
  expect(run.content()).toEqual(run.tables().map((table) => expected(run, table, model)))
  const cells = [...model.values()].reduce((sum, each) => sum + each.size, 0)
  expect(run.store.usage().cells).toBe(cells)
}

/** The model of the groups of one subtask. */
function expected(run: StoreRun<Value>, table: StateTable<Value>, model: Model): Cells[] {
  const found: Cells[] = []
  for (const [outer, cells] of model) {
    const owned = [...cells].filter(([inner]) => run.tableOf(inner) === table)
    if (owned.length > 0) found.push([outer, owned])
  }
  // The order of outer tokens follows from their first cells, which the model does not track.
  const order = [...table.outers()]
  return found.sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]))
}

function copyOfDisk(fs: SimFs): SimFs {
  const copy = new SimFs()
  for (const path of fs.paths()) copy.put(path, fs.peek(path)!)
  return copy
}

function copyOf(model: Model): Model {
  return structuredClone(model)
}

const outer = fc.constantFrom<KeyToken>('w1', 'w2', 3, null)
const inner = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom<KeyToken>('', '__proto__', 7n, true))
const text = fc.oneof(
  fc.string({ maxLength: 9 }),
  fc.integer({ min: 100, max: 400 }).map((n) => 'y'.repeat(n)),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('set'), outer, inner, text }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('delete'), outer, inner }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deleteOuter'), outer, subtask: fc.nat(2) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('touch'), outer, deletes: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('burst'),
      outer,
      from: fc.integer({ min: 0, max: 100 }),
      count: fc.integer({ min: 1, max: 80 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constantFrom('freeze', 'persist', 'checkpoint') }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('slice') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart'),
      parallelism: fc.integer({ min: 1, max: 3 }),
      back: fc.integer({ min: 0, max: 2 }),
    }),
  },
)

test('EN-235 after any operations and any interruption, a restart at any parallelism restores the state of the freeze', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120, size: 'max' }), async (steps) => {
      const trial = new Trial()
      await trial.open(1)
      for (const each of steps) await trial.step(each)
      trial.check()
      await trial.step({ kind: 'checkpoint' })
      for (const parallelism of [1, 2, 3, 1]) {
        await trial.step({ kind: 'restart', parallelism, back: 0 })
        await trial.step({ kind: 'checkpoint' })
      }
    }),
    { numRuns: 300 },
  )
})
