import type { Key } from '@millrace/core'
import {
  keyToken,
  tokenKey,
  type Cell,
  type KeyToken,
  type StateStore,
  type StateTable,
  type TableSpec,
} from '@millrace/core/store'
import type { OperatorNode } from '@millrace/core/graph'

/** A store that records its tables, so that a test can inspect the state of a running job. */
export class LiveState implements StateStore {
  readonly kind: string
  readonly #inner: StateStore
  /** Tables by operator and name of the piece, one for each subtask. */
  readonly #tables = new Map<string, StateTable<unknown>[]>()

  constructor(inner: StateStore) {
    this.kind = inner.kind
    this.#inner = inner
  }

  files(snapshot: Parameters<StateStore['files']>[0]): ReturnType<StateStore['files']> {
    return this.#inner.files(snapshot)
  }

  async open(options: Parameters<StateStore['open']>[0]): ReturnType<StateStore['open']> {
    this.#tables.clear()
    const opened = await this.#inner.open(options)
    const table = opened.table.bind(opened)
    opened.table = <T>(spec: TableSpec<T>) => {
      const made = table(spec)
      const name = `${spec.owner}/${spec.name}`
      this.#tables.set(name, [...(this.#tables.get(name) ?? []), made])
      return made
    }
    return opened
  }

  /** Returns the state of an operator for a key, with a field for each piece that has a value. */
  of({ name, type, fingerprint }: OperatorNode, key: Key): Readonly<Record<string, unknown>> {
    const token = keyToken(key)
    const pieces = (fingerprint?.pieces ?? []).map((piece) => {
      const tables = this.#tables.get(`${name}/${piece.name}`) ?? []
      return [piece.name, piece.kind === 'map' ? entriesOf(tables, token) : valueOf(tables, token)] as const
    })
    const known = pieces.filter(([, value]) => value !== undefined)
    // They keep their value in a box, under a name of their own.
    if (type === 'scan' || type === 'reduce') return (known[0]?.[1] ?? {}) as { readonly value?: unknown }
    return Object.fromEntries(known)
  }

  /** The number of values, lists, map entries, parts of windows and timers of an operator, over all keys. */
  sizeOf(operator: string): number {
    let size = 0
    for (const [name, tables] of this.#tables) {
      if (name.startsWith(`${operator}/`)) for (const table of tables) size += table.size
    }
    return size
  }
}

function valueOf(tables: readonly StateTable<unknown>[], token: KeyToken): unknown {
  return cellsOf(tables, 0).find(({ inner }) => inner === token)?.value
}

function entriesOf(
  tables: readonly StateTable<unknown>[],
  token: KeyToken,
): ReadonlyMap<Key, unknown> | undefined {
  const cells = cellsOf(tables, token)
  return cells.length === 0 ? undefined : new Map(cells.map(({ inner, value }) => [tokenKey(inner), value]))
}

function cellsOf(tables: readonly StateTable<unknown>[], outer: KeyToken): readonly Cell<unknown>[] {
  return tables.flatMap((table) => [...table.cells(outer)])
}
