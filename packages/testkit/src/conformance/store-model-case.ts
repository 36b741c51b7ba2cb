import { seededRandom } from '@millrace/world'
import type { Random } from '@millrace/world'
import { describeError } from '@millrace/core'
import type { Json } from '@millrace/core'
import type { KeyToken, StateTable } from '@millrace/core/store'
import { checkEqual } from './check.ts'
import { ContractViolation } from './conformance-case.ts'
import { contentOf, find, sliceOf, sorted } from './store-life.ts'
import type { Content, StoreLife, Value } from './store-life.ts'
import type { StoreTrial } from './store-trial.ts'

/** A cell of the model, and its order of creation. */
interface ModelCell {
  readonly seq: number
  readonly inner: KeyToken
  readonly value: Value
}

/** The model of a table, made of maps: a store's table must be equal to it. */
class TableModel {
  readonly #outers = new Map<KeyToken, Map<KeyToken, ModelCell>>()
  #seq = 0

  clone(): TableModel {
    const copy = new TableModel()
    copy.#seq = this.#seq
    for (const [outer, cells] of this.#outers) {
      const own = Array.from(cells, ([inner, cell]): [KeyToken, ModelCell] => [
        inner,
        { ...cell, value: [...cell.value] },
      ])
      copy.#outers.set(outer, new Map(own))
    }
    return copy
  }

  /** Outer tokens in the order of their oldest cells, each with its cells in order. */
  content(): Content {
    const outers = [...this.#outers].filter(([, cells]) => cells.size > 0)
    return sorted(
      outers.map(([outer, cells]) => [
        outer,
        Array.from(cells.values(), ({ inner, value }) => [inner, [...value]]),
      ]),
    )
  }

  get(outer: KeyToken, inner: KeyToken): Value | undefined {
    return this.#outers.get(outer)?.get(inner)?.value
  }

  set(outer: KeyToken, inner: KeyToken, value: Value): void {
    const cells = this.#outers.get(outer) ?? new Map<KeyToken, ModelCell>()
    this.#outers.set(outer, cells.set(inner, { seq: this.#seq++, inner, value }))
  }

  delete(outer: KeyToken, inner: KeyToken): void {
    this.#outers.get(outer)?.delete(inner)
  }

  deleteOuter(outer: KeyToken): void {
    this.#outers.delete(outer)
  }
}

/** A snapshot and its expected content. */
interface Kept {
  readonly snapshot: Json
  readonly model: TableModel
}

/** The number of steps of one seed. */
const STEPS = 400

/**
 * Performs random operations of a job, in an order chosen by the seed, and compares with the model at every restart.
 */
export async function anything(trial: StoreTrial, seeds: number): Promise<void> {
  for (let seed = 0; seed < seeds; seed++) {
    try {
      await new RandomJob(trial, seededRandom(seed)).run()
    } catch (error) {
      throw new ContractViolation(`seed ${seed}: ${describeError(error)}`, { cause: error })
    }
  }
}

class RandomJob {
  readonly #trial: StoreTrial
  readonly #random: Random
  #life!: StoreLife
  #table!: StateTable<Value>
  #model = new TableModel()
  /** The content of the running snapshot, if there is one. */
  #frozen: TableModel | undefined
  #kept: readonly Kept[] = []

  constructor(trial: StoreTrial, random: Random) {
    this.#trial = trial
    this.#random = random
  }

  async run(): Promise<void> {
    this.#life = await this.#trial.live()
    this.#table = await this.#life.only()
    for (let step = 0; step < STEPS; step++) await this.#step(step)
    checkEqual(contentOf(this.#table), this.#model.content(), 'the table at the end')
  }

  async #step(step: number): Promise<void> {
    const dice = this.#random.int(100)
    if (dice < 84) await this.#change(step, dice)
    else if (dice < 90) this.#freeze()
    else if (dice < 93) this.#life.store.encode('op', 0, sliceOf(3))
    else if (dice < 97) await this.#persist()
    else if (dice < 98) await this.#life.store.release(this.#kept.map((each) => each.snapshot))
    else await this.#restart()
  }

  async #change(step: number, dice: number): Promise<void> {
    const outer = `o${this.#random.int(4)}`
    const inner = this.#random.int(12)
    const value = this.#model.get(outer, inner)
    const cell = await find(this.#table, outer, inner)
    checkEqual(cell?.value, value, `cell ${outer}/${inner} at step ${step}`)
    if (cell === undefined) {
      this.#table.create(outer, inner, inner, [step])
      this.#model.set(outer, inner, [step])
    } else if (dice < 30) {
      this.#table.delete(cell)
      this.#model.delete(outer, inner)
    } else if (dice < 36) {
      this.#table.deleteOuter(outer)
      this.#model.deleteOuter(outer)
    } else {
      cell.value.push(step)
      this.#table.changed(cell)
      value!.push(step)
    }
  }

  /** A second freeze abandons the running snapshot. */
  #freeze(): void {
    this.#life.freeze()
    this.#frozen = this.#model.clone()
  }

  async #persist(): Promise<void> {
    if (this.#frozen === undefined) return
    await this.#life.encode()
    const fresh = { snapshot: await this.#life.persist(), model: this.#frozen }
    this.#frozen = undefined
    this.#kept = [fresh, ...this.#kept].slice(0, 3)
  }

  /** Resumes from any snapshot that is kept; the ones after it are dropped. */
  async #restart(): Promise<void> {
    if (this.#kept.length === 0) return
    this.#kept = this.#kept.slice(this.#random.int(this.#kept.length))
    const [{ snapshot, model }] = this.#kept as readonly [Kept]
    const retained = this.#kept.map((each) => each.snapshot)
    this.#life = await this.#trial.next(this.#life, snapshot, retained)
    this.#table = await this.#life.only()
    checkEqual(contentOf(this.#table), model.content(), 'the table after a restart')
    this.#model = model.clone()
    this.#frozen = undefined
  }
}
