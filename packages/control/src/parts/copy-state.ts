import type { Clock } from '@millrace/world'
import { isMillraceError } from '@millrace/core'
import {
  readCheckpoint,
  type StateQuery,
  type StateRow,
  type StoredState,
  type StoredStateOptions,
} from '@millrace/core/job'
import { storedForms } from '@millrace/flow'
import type { JobGraph } from '../contract/graph.ts'
import type { StateAnswer, StateCopy, StateList, StatePage } from '../contract/state.ts'
import type { KeyRequest, PageRequest, StateSource } from '../state/state-source.ts'
import { entriesOf, shownKey } from '../state/state-view.ts'
import { partMoves } from './moving.ts'

/** What a cursor begins with that is a place in a copy: the worker that has the state counts in another way. */
const copyMark = 'c'

/** Whether a cursor is a place in a copy. */
export function isOfCopy(cursor: string): boolean {
  return cursor.startsWith(copyMark)
}

/** A copy of a part that this worker keeps. */
export interface CopiedPart {
  readonly part: string
  readonly stored: StoredStateOptions
  readonly graph: JobGraph
  readonly clock: Clock
}

/** The state of a part as of the newest checkpoint that its copy has. Each request loads the state of the operator from disk. */
export class CopyState implements StateSource {
  readonly #of: CopiedPart

  constructor(of: CopiedPart) {
    this.#of = of
  }

  get graph(): JobGraph {
    return this.#of.graph
  }

  async list(): Promise<StateList> {
    const { value } = await this.#reading((state) => state.list())
    const operators = value.map(({ operator, type, keyKinds, tables }) => ({
      operator,
      type,
      keeps: this.graph.operators.find(({ id }) => id === operator)?.keeps ?? '',
      keys: keyKinds,
      tables: tables
        .filter(({ table }) => !table.startsWith('#'))
        .map(({ table, cells }) => ({ table, cells })),
    }))
    return { operators }
  }

  async ofKey({ operator, table, key, form }: KeyRequest): Promise<StateAnswer> {
    const query = { operator, table, key: { is: key }, skip: 0, limit: Number.POSITIVE_INFINITY }
    const { value, checkpoint, copy } = await this.#rows(query)
    const entries = entriesOf(this.graph, operator, value, form)
    return { operator, key: shownKey(key, form), read: 'checkpoint', checkpoint, entries, copy }
  }

  async page({ operator, table, prefix, range, cursor, limit, form }: PageRequest): Promise<StatePage> {
    const skip = isOfCopy(cursor) ? Number(cursor.slice(copyMark.length)) : 0
    const query = { operator, table, prefix, range, skip, limit: limit + 1 }
    const { value, checkpoint, copy } = await this.#rows(query)
    const entries = entriesOf(this.graph, operator, value.slice(0, limit), form)
    const next = value.length > limit ? `${copyMark}${skip + limit}` : null
    return { operator, read: 'checkpoint', checkpoint, entries, next, copy }
  }

  #rows(query: StateQuery): Promise<Read<readonly StateRow[]>> {
    // A checkpoint does not name an operator of a newer program.
    return this.#reading(async (state) => (hasOperator(state, query.operator) ? state.read(query) : []))
  }

  async #reading<T>(use: (state: StoredState) => Promise<T>): Promise<Read<T>> {
    const { stored, part, clock } = this.#of
    try {
      return await readCheckpoint({ ...stored, forms: storedForms }, undefined, async (state) => {
        const { checkpoint, createdAt } = state.manifest
        const copy = { at: createdAt, ageMs: Math.max(0, clock.now() - createdAt) }
        return { value: await use(state), checkpoint, copy }
      })
    } catch (error) {
      // It has no checkpoint yet, or is in the middle of the next one.
      const isUnfinished =
        isMillraceError(error, 'FS_NOT_FOUND') || isMillraceError(error, 'CHECKPOINT_CORRUPT')
      throw isUnfinished ? partMoves(part) : error
    }
  }
}

interface Read<T> {
  readonly value: T
  readonly checkpoint: number
  readonly copy: StateCopy
}

function hasOperator({ manifest }: StoredState, operator: string): boolean {
  return manifest.operators.some(({ name }) => name === operator)
}
