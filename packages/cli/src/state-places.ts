import { MillraceError, type Key } from '@millrace/core'
import { stateEntry } from '@millrace/control/state'
import type { StateAnswer, StateEntry, StateList, StatePage } from '@millrace/control/contract'
import {
  readCheckpoint,
  type StateQuery,
  type StateRow,
  type StoredOperator,
  type StoredState,
  type StoredStateOptions,
} from '@millrace/core/job'
import { storedForms } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import type { JobClient } from './job-client.ts'
import { printable } from './printable.ts'
import { bytesText, dateText, whole } from './status-text.ts'
import { storeOf } from './store-choice.ts'

/** Which state to read. */
export interface StateSelection {
  readonly operator: string
  readonly table: string | undefined
  readonly prefix: string | undefined
  readonly limit: number
}

/** A key as it was given: as text, or as JSON. */
export type GivenKey = { readonly text: string } | { readonly json: string }

/** Where state is read from: a running job or a checkpoint. */
export interface StatePlace {
  /** The operators with state, as JSON and as lines of text. */
  list(): Promise<{ readonly json: unknown; readonly lines: readonly string[] }>
  ofKey(selection: StateSelection, key: GivenKey): Promise<StateAnswer>
  /** Everything that is selected, in pages. */
  pages(selection: StateSelection): AsyncGenerator<readonly StateEntry[]>
}

const pageRows = 1_000

/** The state of a running job; with `isCommitted` that of its newest checkpoint. */
export class RunningState implements StatePlace {
  readonly #job: JobClient
  readonly #read: 'checkpoint' | undefined

  constructor(job: JobClient, isCommitted: boolean) {
    this.#job = job
    this.#read = isCommitted ? 'checkpoint' : undefined
  }

  async list(): Promise<{ readonly json: unknown; readonly lines: readonly string[] }> {
    const json = await this.#job.get<StateList>('state')
    const lines = json.operators.map(({ operator, type, keeps, keys, tables }) => {
      const held = tables.map(({ table, cells }) => `${table} ${whole(cells)}`).join(', ')
      return `${operator} (${type}): ${keeps}${kindsText(keys)}; ${held}`
    })
    return { json, lines }
  }

  ofKey({ operator, table }: StateSelection, key: GivenKey): Promise<StateAnswer> {
    const [value, keyType] = 'text' in key ? [key.text, 'text'] : [key.json, 'json']
    return this.#job.get('stateOfKey', { operator, key: value }, { table, read: this.#read, keyType })
  }

  async *pages({ operator, table, prefix, limit }: StateSelection): AsyncGenerator<readonly StateEntry[]> {
    let left = limit
    let cursor: string | null = '0'
    while (cursor !== null && left > 0) {
      const query = { table, read: this.#read, prefix, limit: Math.min(left, pageRows), cursor }
      const page: StatePage = await this.#job.get<StatePage>('stateScan', { operator }, query)
      yield page.entries
      left -= page.entries.length
      cursor = page.next
    }
  }
}

/** The state in a checkpoint of a data directory. */
export class CheckpointedState implements StatePlace {
  readonly #directory: string
  readonly #checkpoint: number | undefined

  /** Without a number it is the newest checkpoint. */
  constructor(directory: string, checkpoint: number | undefined) {
    this.#directory = directory
    this.#checkpoint = checkpoint
  }

  /** Calls `use` with the checkpoint, and again with a newer one if a running job has removed it meanwhile. */
  reading<T>(use: (state: StoredState) => Promise<T>): Promise<T> {
    return readCheckpoint(readingOptions(this.#directory), this.#checkpoint, use)
  }

  list(): Promise<{ readonly json: unknown; readonly lines: readonly string[] }> {
    return this.reading(async (state) => {
      const { checkpoint, createdAt } = state.manifest
      const operators = await state.list()
      const head = `checkpoint ${checkpoint}, ${dateText(createdAt)} UTC`
      return { json: { checkpoint, createdAt, operators }, lines: [head, ...operators.map(operatorLine)] }
    })
  }

  ofKey({ operator, table }: StateSelection, key: GivenKey): Promise<StateAnswer> {
    const is = 'text' in key ? key.text : keyOfJson(key.json)
    return this.reading(async (state) => {
      const query = { operator, table, key: { is }, skip: 0, limit: Number.POSITIVE_INFINITY }
      const entries = await entriesOf(state, query)
      const { checkpoint } = state.manifest
      return { operator, key: is, read: 'checkpoint', checkpoint, entries }
    })
  }

  async *pages(selection: StateSelection): AsyncGenerator<readonly StateEntry[]> {
    const { type, rows } = await this.reading(async (state) => ({
      type: state.operator(selection.operator).type,
      rows: await state.read({ ...selection, skip: 0 }),
    }))
    for (let at = 0; at < rows.length; at += pageRows) {
      yield rows.slice(at, at + pageRows).map((row: StateRow) => stateEntry(row, type))
    }
  }
}

/** What `readCheckpoint` needs for any data directory. */
function readingOptions(directory: string): StoredStateOptions {
  return {
    fs: nodePlatform().fs,
    directory,
    forms: storedForms,
    storeOf: (kind) => {
      if (kind === 'memory' || kind === 'disk') return storeOf({ kind })
      throw new MillraceError(
        'CHECKPOINT_INCOMPATIBLE',
        `${directory} has its state in a store of kind '${kind}', which this command cannot read`,
      )
    },
  }
}

async function entriesOf(state: StoredState, query: StateQuery): Promise<readonly StateEntry[]> {
  const { type } = state.operator(query.operator)
  return (await state.read(query)).map((row) => stateEntry(row, type))
}

function keyOfJson(json: string): Key {
  try {
    return JSON.parse(json) as Key
  } catch {
    throw new MillraceError(
      'OPTION_INVALID',
      `--json-key ${json} is not JSON; write text in quotes ("c1"), or use --key`,
    )
  }
}

function kindsText(keys: readonly string[]): string {
  return keys.length === 0 ? '' : `, keys ${keys.join(' and ')}`
}

function operatorLine({ operator, type, keyKinds, keys, tables }: StoredOperator): string {
  const held = tables
    .filter(({ table, cells }) => cells > 0 || !table.startsWith('#'))
    .map(({ table, cells, bytes }) => {
      const size = bytes === undefined || cells === 0 ? '' : ` (${bytesText(bytes)})`
      return `${table.replace(/^#/, '')} ${whole(cells)}${size}`
    })
  const count = `${whole(keys)} ${keys === 1 ? 'key' : 'keys'}`
  const kinds = keyKinds.length === 0 ? '' : ` of type ${keyKinds.join(' and ')}`
  return printable(`${operator} (${type}): ${[`${count}${kinds}`, ...held].join('; ')}`)
}
