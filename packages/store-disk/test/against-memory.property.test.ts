import { structuredCodec } from '@millrace/core'
import type {
  KeyToken,
  OpenStateStore,
  Pacing,
  StateStore,
  StateTable,
  StoreSnapshot,
} from '@millrace/core/store'
import { keyGroup } from '@millrace/core/store'
import { memoryStore } from '@millrace/store-memory'
import { SimFs } from '@millrace/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { diskStore } from '../src/index.ts'

interface Value {
  count: number
  readonly text: string
}

type Step =
  | {
      readonly kind: 'set' | 'add' | 'delete'
      readonly outer: KeyToken
      readonly inner: KeyToken
      readonly size: number
    }
  | { readonly kind: 'burst'; readonly outer: KeyToken; readonly from: number; readonly count: number }
  | { readonly kind: 'deleteOuter' | 'touch'; readonly outer: KeyToken }
  | { readonly kind: 'turn' | 'freeze' | 'slice' | 'persist' }
  | { readonly kind: 'restart'; readonly crosses: boolean }

const unhurried: Pacing = { spend: () => false, turn: async () => {} }
const groups = { first: 0, last: 127 }

/** A store with one table, and its files. */
class Life {
  fs = new SimFs()
  kind: StateStore
  store!: OpenStateStore
  table!: StateTable<Value>
  snapshot: StoreSnapshot | undefined = undefined

  constructor(kind: StateStore) {
    this.kind = kind
  }

  async open(): Promise<void> {
    const retained = this.snapshot === undefined ? [] : [this.snapshot]
    const directory = '/state'
    const options = { fs: this.fs, budget: unhurried, directory, from: this.snapshot, retained }
    this.store = await this.kind.open(options)
    this.table = this.store.table({
      owner: 'op',
      subtask: 0,
      name: 'state',
      codec: structuredCodec(),
      groups,
    })
    await this.store.load()
  }

  set(outer: KeyToken, inner: KeyToken, text: string): void {
    const cell = this.table.find(outer, inner)
    if (cell === undefined) {
      this.table.create(outer, inner, keyGroup(inner, 128), { count: 0, text })
      return
    }
    cell.value = { count: 0, text }
    this.table.changed(cell)
  }

  content(): unknown {
    const content: unknown[] = []
    for (const outer of this.table.outers()) {
      const cells = Array.from(this.table.cells(outer), ({ inner, group, value }) => [
        inner,
        group,
        { ...value },
      ])
      content.push([outer, this.table.count(outer), cells])
    }
    return [this.table.size, content]
  }

  async persist(): Promise<void> {
    while (!this.store.encode('op', 0, { spend: () => false })) await Promise.resolve()
    this.snapshot = await this.store.persist()
    await this.store.release([this.snapshot])
  }

  step(step: Step): void | Promise<void> {
    switch (step.kind) {
      case 'set':
        return this.set(step.outer, step.inner, 'x'.repeat(step.size))
      case 'burst':
        for (let i = 0; i < step.count; i++) this.set(step.outer, step.from + i, 'y'.repeat(i))
        return
      case 'add': {
        const cell = this.table.find(step.outer, step.inner)
        if (cell === undefined) return
        cell.value.count++
        return this.table.changed(cell)
      }
      case 'delete': {
        const cell = this.table.find(step.outer, step.inner)
        return cell && this.table.delete(cell)
      }
      case 'deleteOuter':
        return this.table.deleteOuter(step.outer)
      case 'touch':
        for (const cell of this.table.cells(step.outer)) {
          cell.value.count++
          this.table.changed(cell)
        }
        return
      case 'freeze':
        return this.store.freeze('op', 0)
      case 'slice': {
        let left = 5
        this.store.encode('op', 0, { spend: (units = 1) => (left -= units) <= 0 })
        return
      }
      default:
    }
  }
}

/** Does the same to both stores, and compares what they hold. */
async function compare(steps: readonly Step[], memoryBytes: number): Promise<void> {
  const disk = new Life(diskStore({ memoryBytes, segmentBytes: 4096 }))
  const memory = new Life(memoryStore({ segmentBytes: 4096 }))
  for (const life of [disk, memory]) await life.open()
  let isFrozen = false
  for (const step of steps) {
    if (step.kind === 'turn') await new Promise((resolve) => setImmediate(resolve))
    else if (step.kind === 'persist') {
      for (const life of [disk, memory]) {
        if (!isFrozen) life.store.freeze('op', 0)
        await life.persist()
      }
      isFrozen = false
    } else if (step.kind === 'restart') {
      for (const life of [disk, memory]) await life.store.close()
      // The files of one store are opened by the other.
      if (step.crosses) [disk.fs, memory.fs] = [memory.fs, disk.fs]
      if (step.crosses) [disk.snapshot, memory.snapshot] = [memory.snapshot, disk.snapshot]
      for (const life of [disk, memory]) {
        life.fs = life.fs.afterPowerLoss()
        await life.open()
      }
      isFrozen = false
      expect(disk.content()).toEqual(memory.content())
    } else {
      if (step.kind === 'freeze') isFrozen = true
      for (const life of [disk, memory]) void life.step(step)
    }
    expect(disk.table.size).toBe(memory.table.size)
  }
  expect(disk.content()).toEqual(memory.content())
}

const outer = fc.constantFrom<KeyToken>('w1', 'w2', 3, null)
const inner = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constantFrom<KeyToken>('', '__proto__', 7n, true))
const size = fc.integer({ min: 0, max: 300 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('set', 'add', 'add', 'delete'), outer, inner, size }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('burst'),
      outer,
      from: fc.integer({ min: 0, max: 100 }),
      count: fc.integer({ min: 1, max: 40 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('deleteOuter', 'touch'), outer }) },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('turn', 'turn', 'freeze', 'slice', 'persist') }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart'), crosses: fc.boolean() }) },
)

test.each([4096, 65_536, 16 * 1024 * 1024])(
  'with %i bytes of memory the disk store holds what the memory store holds, whatever happens',
  async (memoryBytes) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 100, size: 'max' }), (steps) =>
        compare(steps, memoryBytes),
      ),
      { numRuns: 100 },
    )
  },
  60_000,
)
