import { CheckpointStorage } from '../checkpoint/checkpoint-storage.ts'
import type { Manifest, OperatorEntry } from '../checkpoint/manifest.ts'
import type { Fs } from '../disk/fs.ts'
import { readOnlyFs } from '../disk/read-only-fs.ts'
import type { Pacing } from '../disk/yield-budget.ts'
import { describeError, isMillraceError, MillraceError, type ErrorCode } from '../errors/errors.ts'
import { nearest } from '../errors/nearest.ts'
import { keyGroupRange } from '../record/key-group.ts'
import { TokenMap } from '../record/token-map.ts'
import { anyCodec, countingCodec, type StoredForm } from '../state/any-codec.ts'
import { callsInFlight } from '../state/calls-in-flight.ts'
import { recordsToRetry } from '../state/records-to-retry.ts'
import { keysOfCells, readState, type StateQuery, type StateRow } from '../state/state-reading.ts'
import type { OpenStateStore, StateStore } from '../state/state-store.ts'
import type { Codec } from '../codec/codec.ts'
import { DataDirectory } from './data-directory.ts'

/** Where checkpoints lie, and what is needed to read them. */
export interface StoredStateOptions {
  readonly fs: Fs
  /** The data directory, or a savepoint. */
  readonly directory: string
  /** The store of a kind that a manifest names. Throws for one that it does not know. */
  readonly storeOf: (kind: string) => StateStore
  /** How values of codecs are read that are not of core. Default: none; such values are `EncodedValue`s. */
  readonly forms?: readonly StoredForm[]
}

/** What one operator keeps in a checkpoint. */
export interface StoredOperator {
  readonly operator: string
  readonly type: string
  /** The kinds of its keys: "string", "object {card, shop}". */
  readonly keyKinds: readonly string[]
  /** How many keys have state, besides timers. */
  readonly keys: number
  readonly tables: readonly StoredTable[]
}

/** One piece of state in a checkpoint. */
export interface StoredTable {
  /** Its name, or `#timers`, `#retry` or `#in-flight`. */
  readonly table: string
  readonly cells: number
  /** Bytes of its cells; undefined if the store does not count them. */
  readonly bytes: number | undefined
}

/**
 * Reads a checkpoint of a data directory, without the program and without its lock: it changes nothing, and may be used
 * beside the running job. `use` is called again with a newer checkpoint if the job has removed the newest one meanwhile.
 *
 * Rejects with `CHECKPOINT_CORRUPT` for a damaged checkpoint, and with `FS_NOT_FOUND` if there is none, or no longer.
 *
 * @example
 * await readCheckpoint({ fs, directory: '.millrace/fraud', storeOf: () => memoryStore() }, undefined, (state) => state.list())
 */
export async function readCheckpoint<T>(
  options: StoredStateOptions,
  checkpoint: number | undefined,
  use: (state: StoredState) => Promise<T>,
): Promise<T> {
  const fs = readOnlyFs(options.fs)
  const storage = new CheckpointStorage(fs, new DataDirectory(options.directory).checkpoints)
  for (;;) {
    const numbers = await storage.list()
    const number = checkpoint ?? numbers[0]
    if (number === undefined || !numbers.includes(number)) throw missing(options.directory, number, numbers)
    try {
      const manifest = await storage.read(number)
      return await use(new StoredState({ ...options, fs }, manifest))
    } catch (error) {
      if (!unreadable.some((code) => isMillraceError(error, code))) throw error
      const left = await storage.list()
      if (left.includes(number)) throw damaged(options.directory, number, left, error)
      if (checkpoint !== undefined) throw missing(options.directory, number, left)
      // The job has made newer checkpoints and removed this one.
    }
  }
}

/** What a file that is missing or damaged leads to. */
const unreadable: readonly ErrorCode[] = ['CHECKPOINT_CORRUPT', 'FS_NOT_FOUND', 'CODEC_FAILED']

/** Reads everything in one turn of the event loop: no job runs in this process. */
const unhurried: Pacing = { spend: () => false, turn: async () => {} }

/** The state in one checkpoint. */
export class StoredState {
  readonly manifest: Manifest
  readonly #options: StoredStateOptions

  constructor(options: StoredStateOptions, manifest: Manifest) {
    this.#options = options
    this.manifest = manifest
  }

  /** What each operator keeps: its keys, its pieces of state and their sizes. */
  async list(): Promise<readonly StoredOperator[]> {
    const entries = this.manifest.operators.filter((entry) => tablesOf(entry).length > 0)
    const counts = entries.map(() => ({ keys: new TokenMap<true>(), tables: new Map<string, StoredTable>() }))
    await this.#eachPart(entries, countingCodec, (store) => {
      for (const [i, entry] of entries.entries()) count(store, entry, counts[i]!)
    })
    return entries.map(({ name, type, keys }, i) => ({
      operator: name,
      type,
      keyKinds: keys,
      keys: counts[i]!.keys.size,
      tables: [...counts[i]!.tables.values()],
    }))
  }

  /**
   * Values of an operator, in the order of creation within each worker of the job. Rejects with `OPTION_INVALID` for
   * an operator or a piece that the checkpoint does not have.
   */
  async read(query: StateQuery): Promise<readonly StateRow[]> {
    const entry = this.operator(query.operator)
    const tables = tablesOf(entry).filter((name) => !name.startsWith('#'))
    if (query.table !== undefined && !tables.includes(query.table)) {
      throw unknown(
        `'${entry.name}' of checkpoint ${this.manifest.checkpoint} has no state`,
        query.table,
        tables,
      )
    }
    const rows: StateRow[] = []
    const wanted = query.skip + query.limit
    await this.#eachPart([entry], anyCodec(this.#options.forms ?? []), async (store) => {
      const limit = wanted - rows.length
      if (limit <= 0) return
      const part = { ...query, skip: 0, limit }
      for (const row of await readState(store.opened(), kindsOf(entry), part, unhurried)) rows.push(row)
    })
    return rows.slice(query.skip, wanted)
  }

  /** What the checkpoint knows of an operator. Throws `OPTION_INVALID` if it has none of that name with state. */
  operator(name: string): OperatorEntry {
    const { operators, checkpoint } = this.manifest
    const known = operators.filter((entry) => tablesOf(entry).length > 0)
    const entry = known.find((each) => each.name === name)
    if (entry !== undefined) return entry
    const what = operators.some((each) => each.name === name) ? 'no state for' : 'no operator'
    const names = known.map((each) => each.name)
    throw unknown(`checkpoint ${checkpoint} of ${this.#options.directory} has ${what}`, name, names)
  }

  async #eachPart(
    entries: readonly OperatorEntry[],
    codec: Codec<unknown>,
    use: (store: OpenStateStore) => Promise<void> | void,
  ): Promise<void> {
    const { fs, directory, storeOf } = this.#options
    const { keyGroups, store } = this.manifest
    for (const part of store.parts) {
      const path = new DataDirectory(directory).statePart(part)
      if ((await fs.stat(path)) === undefined) {
        // A copy has no directories without files.
        if (storeOf(store.kind).files(part.snapshot).length === 0) continue
        throw new MillraceError('CHECKPOINT_CORRUPT', `${path} is missing, which holds its state`)
      }
      const opened = await storeOf(store.kind).open({
        fs,
        budget: unhurried,
        directory: path,
        // Every file is of a later epoch, so none is removed.
        epoch: 0,
        from: part.snapshot,
        retained: [part.snapshot],
      })
      try {
        for (const entry of entries) {
          const groups = keyGroupRange(0, 1, keyGroups)
          for (const name of tablesOf(entry))
            opened.table({ owner: entry.name, subtask: 0, name, codec, groups })
        }
        await opened.load()
        await use(opened)
      } finally {
        await opened.close()
      }
    }
  }
}

function count(
  store: OpenStateStore,
  entry: OperatorEntry,
  counts: { readonly keys: TokenMap<true>; readonly tables: Map<string, StoredTable> },
): void {
  const kinds = kindsOf(entry)
  for (const { spec, table } of store.opened()) {
    if (spec.owner !== entry.name) continue
    const { name } = spec
    const bytes = store.tableUsage().find((each) => each.owner === spec.owner && each.name === name)?.bytes
    const before = counts.tables.get(name)
    counts.tables.set(name, {
      table: name,
      cells: (before?.cells ?? 0) + table.size,
      bytes: bytes === undefined ? undefined : (before?.bytes ?? 0) + bytes,
    })
    const kind = kinds.get(name)
    if (kind === undefined || kind.startsWith('broadcast ')) continue
    for (const token of keysOfCells(table, kind)) if (!counts.keys.get(token)) counts.keys.add(token, true)
  }
}

/** The tables that an operator may have: what it names, and what the engine keeps for it. */
function tablesOf({ kind, pieces }: OperatorEntry): readonly string[] {
  const named = pieces.filter(({ role, name }) => role === 'state' && name !== recordsToRetry.name)
  const own = pieces.some(({ name }) => name === recordsToRetry.name) ? [recordsToRetry.name] : []
  if (kind === 'async') return [callsInFlight.name]
  return kind === 'operator' ? [...named.map(({ name }) => name), ...own, '#timers'] : own
}

/** The kinds of the pieces of an operator's state, by name. */
function kindsOf({ kind, pieces }: OperatorEntry): ReadonlyMap<string, string> {
  const named = pieces.filter(({ role, name }) => role === 'state' && !name.startsWith('#'))
  return new Map(kind === 'operator' ? named.map(({ name, kind: of }) => [name, of]) : [])
}

function unknown(what: string, name: string, known: readonly string[]): MillraceError {
  const meant = nearest(name, known)
  const advice = meant === undefined ? `It has ${known.join(', ') || 'none'}` : `Did you mean '${meant}'?`
  return new MillraceError('OPTION_INVALID', `${what} '${name}'. ${advice}`)
}

function missing(
  directory: string,
  checkpoint: number | undefined,
  numbers: readonly number[],
): MillraceError {
  const there = numbers.length === 0 ? 'none' : numbers.join(', ')
  return new MillraceError(
    'FS_NOT_FOUND',
    checkpoint === undefined
      ? `${directory} has no checkpoint; give the data directory of a job, as in its --data-dir, or a savepoint`
      : `${directory} has no checkpoint ${checkpoint}; it has ${there}. A running job keeps the newest ones only`,
  )
}

function damaged(
  directory: string,
  checkpoint: number,
  left: readonly number[],
  cause: unknown,
): MillraceError {
  const others = left.filter((number) => number !== checkpoint)
  const advice = others.length === 0 ? '' : `. Other checkpoints there: ${others.join(', ')}`
  return new MillraceError(
    'CHECKPOINT_CORRUPT',
    `checkpoint ${checkpoint} of ${directory} is damaged: ${describeError(cause)}${advice}`,
    { cause },
  )
}
