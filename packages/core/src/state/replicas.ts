import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import type { Codec } from '../codec/codec.ts'
import { assert } from '../errors/errors.ts'
import type { StateTable } from './state-store.ts'
import { TransientTable } from './transient-table.ts'

/** A table that is the same in every subtask. The store saves the one of subtask 0. */
interface Family {
  readonly codec: Codec<unknown>
  saved: StateTable<unknown> | undefined
  readonly copies: TransientTable<unknown>[]
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

  /** Copies what was restored. Called once, when state is loaded. Yields after each value. */
  *fill(): Generator<undefined> {
    for (const { codec, saved, copies } of this.#families.values()) {
      assert(saved !== undefined, 'there is a subtask 0')
      for (const outer of saved.outers()) {
        for (const { inner, group, value } of saved.cells(outer)) {
          const out = new ByteWriter()
          codec.encode(value, out)
          for (const copy of copies) {
            const own = codec.decode(new ByteReader(out.written()), codec.version)
            copy.create(outer, inner, group, own)
            yield
          }
        }
      }
    }
  }
}
