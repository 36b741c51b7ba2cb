import type { ByteReader, Codec } from '@millrace/core'
import type { OpenStateStore, StateStore, TableSpec } from '@millrace/core/store'

/**
 * The tolerance: a task does one more unit of work when a turn is due, and a timer may belong to any of its operators.
 */
const slack = 4

/**
 * Counts the work of the engine between two steps of a simulated world, independently of the engine: restored and saved
 * cells, and fired timers. A loop over all of them without a turn breaks a guarantee.
 */
export class WorkWatch {
  readonly #most: number
  readonly #exceeded: (what: string) => void
  readonly #counts = new Map<string, number>()
  readonly #reported = new Set<string>()
  #isOver = false

  /**
   * `workPerTurn` is the work that the engine may do per turn of the event loop; `exceeded` is called once for each
   * kind of work.
   */
  constructor(workPerTurn: number, exceeded: (what: string) => void) {
    this.#most = 2 * workPerTurn + slack
    this.#exceeded = exceeded
  }

  /** Called when another task could run. */
  stepped(): void {
    this.#counts.clear()
  }

  /** Called when the engine has finished: later reads belong to the verdict. */
  end(): void {
    this.#isOver = true
  }

  /** Counts one unit of work. */
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
      restores: store.restores ?? [],
      files: (snapshot) => store.files(snapshot),
      open: async (options) => this.#counted(await store.open(options)),
    }
  }

  #counted(open: OpenStateStore): OpenStateStore {
    /** The operator whose cells are being saved. A record that needs a cell earlier saves it within its own work. */
    let saving: string | undefined
    /** A record that needs a cell later reads it within its own work. */
    let isLoading = false
    return {
      table: <T>(spec: TableSpec<T>) =>
        open.table({
          ...spec,
          codec: countedCodec(spec.codec, {
            read: () => {
              if (isLoading) this.count('a cell was restored')
            },
            written: () => {
              if (saving !== undefined) this.count(`a cell of ${saving} was saved`)
            },
          }),
        }),
      load: async () => {
        isLoading = true
        await open.load()
        isLoading = false
      },
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
      tableUsage: () => open.tableUsage(),
      opened: () => open.opened(),
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
