import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import type { Codec } from '../codec/codec.ts'
import type { KeyToken } from '../record/key-token.ts'
import type { StateTable } from './state-store.ts'
import { TransientTable } from './transient-table.ts'

/** A table that is the same in every subtask. The store saves the one of subtask 0. */
interface Family {
  readonly codec: Codec<unknown>
  saved: StateTable<unknown> | undefined
  readonly copies: TransientTable<unknown>[]
}

/** One value of such a table, as bytes. */
export interface SavedReplica {
  /** The operator and the table. */
  readonly id: string
  readonly outer: KeyToken
  readonly inner: KeyToken
  readonly group: number
  readonly bytes: Uint8Array
}

/**
 * Tables that are the same in every subtask of an operator, because each handles the same records in the same
 * order. Subtask 0 saves its table, and the others begin with copies of what was restored there.
 */
export class Replicas {
  /** By operator and table. */
  readonly #families = new Map<string, Family>()

  /** The table of one subtask; `open` opens one in the store. */
  table<T>(
    owner: string,
    spec: { readonly name: string; readonly codec: Codec<T> },
    subtask: number,
    open: () => StateTable<T>,
  ): StateTable<T> {
    const id = JSON.stringify([owner, spec.name])
    let family = this.#families.get(id)
    if (family === undefined) {
      family = { codec: spec.codec, saved: undefined, copies: [] }
      this.#families.set(id, family)
    }
    if (subtask === 0) {
      const table = open()
      family.saved = table
      return table
    }
    const copy = new TransientTable<unknown>()
    family.copies.push(copy)
    return copy as unknown as StateTable<T>
  }

  /** What was restored and is saved here, for the subtasks of this worker and of others. */
  *saved(): Generator<SavedReplica> {
    for (const [id, { codec, saved }] of this.#families) {
      if (saved === undefined) continue
      for (const outer of saved.outers()) {
        for (const { inner, group, value } of saved.cells(outer)) {
          const out = new ByteWriter()
          codec.encode(value, out)
          yield { id, outer, inner, group, bytes: out.written().slice() }
        }
      }
    }
  }

  /** Gives every copy what `saved` returned. Called once, when state is loaded. Yields after each value. */
  *fill(replicas: readonly SavedReplica[]): Generator<undefined> {
    for (const { id, outer, inner, group, bytes } of replicas) {
      const family = this.#families.get(id)
      for (const copy of family?.copies ?? []) {
        const { codec } = family!
        copy.create(outer, inner, group, codec.decode(new ByteReader(bytes), codec.version))
        yield
      }
    }
  }
}
