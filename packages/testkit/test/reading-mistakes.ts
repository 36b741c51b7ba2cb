import type { StoreBend } from './plain-store.ts'
import { inStore } from './store-bends.ts'

/** Mistakes in what a restart reads, and with which codec. */
export const readingMistakes: Readonly<Record<string, StoreBend>> = {
  'any codec will do': inStore((store) => ({
    table(spec) {
      const { content } = store
      store.content = new Uint8Array(8)
      const table = Object.getPrototypeOf(store).table.call(store, spec) as never
      store.content = content
      return table
    },
  })),
  'state that was left out is restored': inStore(() => ({ isDiscarded: () => false })),
  'with one table the others of its owner are left out': inStore((store) => ({
    isDiscarded: (owner) => store.discard.some((each) => each.owner === owner),
  })),
  'a reader for another codec is not asked': inStore((store) => {
    const reader = store.reader.bind(store)
    return { reader: (spec, id, version) => (id === spec.codec.id ? reader(spec, id, version) : undefined) }
  }),
  'what a reader read is kept as it was written': inStore((store) => {
    const load = store.load.bind(store)
    return {
      async load() {
        await load()
        store.readTables((owner, name, codec, _version, seq, _group, outer, inner, bytes) => {
          const table = store.tables.find(({ spec }) => spec.owner === owner && spec.name === name)
          const cell = table?.find(outer, inner)
          if (table === undefined || cell?.seq !== seq || codec === table.spec.codec.id) return
          table.dirty.delete(cell)
          table.saved.set(cell, bytes)
        })
      },
    }
  }),
  'values are decoded by the present version': inStore((store) => {
    const table = store.table.bind(store)
    return {
      table(spec) {
        const { codec } = spec
        const decode = (input: Parameters<typeof codec.decode>[0]): ReturnType<typeof codec.decode> =>
          codec.decode(input, codec.version)
        return table({
          ...spec,
          codec: {
            id: codec.id,
            version: codec.version,
            encode: (value, out) => codec.encode(value, out),
            decode,
          },
        })
      },
    }
  }),
}
