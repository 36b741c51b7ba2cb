import type { ByteReader, Codec } from '@millrace/core'
import type { OpenStateStore, StateStore, TableSpec } from '@millrace/core/store'

/** A task does one unit of its work also when the turn is due, and a timer may belong to any of several operators of it. */
const slack = 4

/**
 * Counts what the engine does between two steps of a simulated world, apart from what it says itself: cells that are
 * restored and saved, and timers that fire. A loop over all of them that lets nothing else happen breaks a promise,
 * whatever comes out.
 */
export class WorkWatch {
  readonly #most: number
  readonly #exceeded: (what: string) => void
  readonly #counts = new Map<string, number>()
  readonly #reported = new Set<string>()
  #isOver = false

  /** With the work that the engine may do per turn of the event loop; `exceeded` learns of each kind of work once. */
  constructor(workPerTurn: number, exceeded: (what: string) => void) {
    this.#most = 2 * workPerTurn + slack
    this.#exceeded = exceeded
  }

  /** Something else could happen. */
  stepped(): void {
    this.#counts.clear()
  }

  /** The engine has done its work: what is read now is read to judge it. */
  end(): void {
    this.#isOver = true
  }

  /** One unit of such work was done. */
  count(work: string): void {
    if (this.#isOver) return
    const count = (this.#counts.get(work) ?? 0) + 1
    this.#counts.set(work, count)
    if (count <= this.#most || this.#reported.has(work)) return
    this.#reported.add(work)
    this.#exceeded(
      `the event loop was held: ${work}, more than ${this.#most} times before anything else could happen`,
    )
  }

  /** The store, with its cells counted. */
  store(store: StateStore): StateStore {
    return {
      kind: store.kind,
      open: async (options) => this.#counted(await store.open(options)),
    }
  }

  #counted(open: OpenStateStore): OpenStateStore {
    /** Whose cells are saved now. Records that need a cell early save it in their own time. */
    let saving: string | undefined
    return {
      table: <T>(spec: TableSpec<T>) =>
        open.table({
          ...spec,
          codec: countedCodec(spec.codec, {
            read: () => this.count('a cell was restored'),
            written: () => {
              if (saving !== undefined) this.count(`a cell of ${saving} was saved`)
            },
          }),
        }),
      load: () => open.load(),
      freeze: (owner, subtask) => open.freeze(owner, subtask),
      encode: (owner, subtask, slicing) => {
        saving = `'${owner}', subtask ${subtask},`
        try {
          return open.encode(owner, subtask, slicing)
        } finally {
          saving = undefined
        }
      },
      persist: () => open.persist(),
      release: (retained) => open.release(retained),
      usage: () => open.usage(),
      close: () => open.close(),
    }
  }
}

function countedCodec<T>(codec: Codec<T>, note: { read(): void; written(): void }): Codec<T> {
  const counted: Codec<T> = {
    id: codec.id,
    version: codec.version,
    encode: (value, out) => {
      note.written()
      codec.encode(value, out)
    },
    decode: (input, version) => {
      note.read()
      return codec.decode(input, version)
    },
  }
  if (codec.reader === undefined) return counted
  return {
    ...counted,
    reader: (id, version) => {
      const read = codec.reader!(id, version)
      return (
        read &&
        ((input: ByteReader) => {
          note.read()
          return read(input)
        })
      )
    },
  }
}
