import { ByteReader, ByteWriter, isMillraceError, MillraceError } from '@millrace/core'
import { readToken, writeToken } from '@millrace/core/store'
import { crc32, makeDurableDirectory, publishFile, readWhole } from '@millrace/core/disk'
import type { Json } from '@millrace/core'
import type {
  Cell,
  DiscardedState,
  KeyToken,
  OpenStateStore,
  StateStore,
  StateStoreOptions,
  StateTable,
  StoreUsage,
  OpenedTable,
  TableUsage,
  TableSpec,
} from '@millrace/core/store'
import type { Fs } from '@millrace/core/disk'

/**
 * The simplest correct store: encodes at the freeze, and writes everything each time. `bend` can break the store and
 * each of its tables before it is read.
 */
export function plainStore(bend: StoreBend = {}): StateStore {
  return {
    kind: 'plain',
    async open(options) {
      const store = new OpenPlainStore(options, bend.table ?? (() => {}))
      bend.store?.(store)
      await store.start()
      return store
    },
    files: (snapshot) => [{ file: (snapshot as PlainSnapshot).file }],
  }
}

/** What to replace in a store and in its tables. */
export interface StoreBend {
  readonly store?: (store: OpenPlainStore) => void
  readonly table?: (table: PlainTable<unknown>) => void
}

/** The content of a manifest: a file and its checksum. */
type PlainSnapshot = { readonly file: string; readonly checksum: number; readonly number: number }

/** A cell, and its place in the order of creation. */
export class PlainCell<T> implements Cell<T> {
  readonly outer: KeyToken
  readonly inner: KeyToken
  readonly group: number
  value: T
  readonly seq: number

  constructor(outer: KeyToken, inner: KeyToken, group: number, value: T, seq: number) {
    this.outer = outer
    this.inner = inner
    this.group = group
    this.value = value
    this.seq = seq
  }
}

/** Cells in maps, and the content of the next snapshot. */
export class PlainTable<T> implements StateTable<T> {
  readonly spec: TableSpec<T>
  readonly nextSeq: () => number
  readonly live: Map<KeyToken, Map<KeyToken, PlainCell<T>>> = new Map()
  readonly dirty: Set<PlainCell<T>> = new Set()
  readonly dead: Set<PlainCell<T>> = new Set()
  /** Encoded at the last freeze. */
  readonly saved: Map<PlainCell<T>, Uint8Array> = new Map()

  constructor(spec: TableSpec<T>, nextSeq: () => number) {
    this.spec = spec
    this.nextSeq = nextSeq
  }

  get size(): number {
    return [...this.live.values()].reduce((sum, cells) => sum + cells.size, 0)
  }

  find(outer: KeyToken, inner: KeyToken): PlainCell<T> | undefined {
    return this.live.get(outer)?.get(inner)
  }

  create(outer: KeyToken, inner: KeyToken, group: number, value: T): PlainCell<T> {
    const cell = new PlainCell(outer, inner, group, value, this.nextSeq())
    this.add(cell)
    this.dirty.add(cell)
    return cell
  }

  changed(cell: Cell<T>): void {
    this.dirty.add(cell as PlainCell<T>)
  }

  delete(cell: Cell<T>): void {
    const own = cell as PlainCell<T>
    const cells = this.live.get(own.outer)
    // Another cell may have taken its place.
    if (cells?.get(own.inner) === own) cells.delete(own.inner)
    this.dirty.delete(own)
    this.dead.add(own)
  }

  deleteOuter(outer: KeyToken): void {
    for (const cell of this.cells(outer)) this.delete(cell)
  }

  cells(outer: KeyToken): Iterable<PlainCell<T>> {
    return this.live.get(outer)?.values() ?? []
  }

  count(outer: KeyToken): number {
    return this.live.get(outer)?.size ?? 0
  }

  outers(): KeyToken[] {
    const oldest = (cells: Map<KeyToken, PlainCell<T>>): number => cells.values().next().value!.seq
    return [...this.live]
      .filter(([, cells]) => cells.size > 0)
      .sort(([, a], [, b]) => oldest(a) - oldest(b))
      .map(([outer]) => outer)
  }

  freeze(): void {
    for (const cell of this.dead) this.saved.delete(cell)
    for (const cell of this.dirty) this.saved.set(cell, this.encoded(cell))
    this.dead.clear()
    this.dirty.clear()
  }

  encoded(cell: PlainCell<T>): Uint8Array {
    const out = new ByteWriter()
    this.spec.codec.encode(cell.value, out)
    return out.written().slice()
  }

  add(cell: PlainCell<T>): void {
    const cells = this.live.get(cell.outer) ?? new Map<KeyToken, PlainCell<T>>()
    this.live.set(cell.outer, cells.set(cell.inner, cell))
  }
}

/** One file per snapshot, which holds every cell of every table. */
export class OpenPlainStore implements OpenStateStore {
  readonly fs: Fs
  readonly directory: string
  readonly from: PlainSnapshot | undefined
  readonly retained: readonly PlainSnapshot[]
  readonly discard: readonly DiscardedState[]
  readonly tables: PlainTable<unknown>[] = []
  number: number
  seq = 0
  failure: unknown
  writtenBytes = 0
  content: Uint8Array = new Uint8Array(8)

  readonly bendTable: (table: PlainTable<unknown>) => void
  readonly budget: StateStoreOptions['budget']
  readonly epoch: number

  constructor(options: StateStoreOptions, bendTable: (table: PlainTable<unknown>) => void) {
    this.bendTable = bendTable
    this.fs = options.fs
    this.budget = options.budget
    this.directory = options.directory
    this.epoch = options.epoch ?? 1
    this.from = options.from as PlainSnapshot | undefined
    this.retained = options.retained as readonly PlainSnapshot[]
    this.discard = options.discard ?? []
    this.number = Math.max(0, ...this.retained.map(({ number }) => number))
  }

  makeDirectory(): Promise<void> {
    return makeDurableDirectory(this.fs, this.directory)
  }

  /** Creates the directory, reads the restored file and removes unnamed ones. */
  async start(): Promise<void> {
    await this.makeDirectory()
    await this.release(this.retained)
    if (this.from !== undefined) this.content = await this.read(this.from)
  }

  async read({ file, checksum }: PlainSnapshot): Promise<Uint8Array> {
    try {
      const bytes = await readWhole(this.fs, `${this.directory}/${file}`)
      if (crc32(bytes) === checksum) return bytes
    } catch (error) {
      if (!isMillraceError(error, 'FS_NOT_FOUND')) throw error
    }
    throw new MillraceError('CHECKPOINT_CORRUPT', `${file} is damaged; use an older checkpoint`)
  }

  table<T>(spec: TableSpec<T>): StateTable<T> {
    const table = new PlainTable(spec, () => ++this.seq)
    this.readTables((owner, name, codec, version) => {
      if (owner !== spec.owner || name !== spec.name) return
      if (this.isDiscarded(owner, name) || this.reader(spec, codec, version) !== undefined) return
      throw new MillraceError('CHECKPOINT_INCOMPATIBLE', `table ${name} was written by ${codec} ${version}`)
    })
    this.bendTable(table)
    this.tables.push(table)
    return table
  }

  async load(): Promise<void> {
    const cells: (readonly [PlainTable<unknown>, PlainCell<unknown>, Uint8Array])[] = []
    this.readTables((owner, name, codec, version, seq, group, outer, inner, bytes) => {
      this.seq = Math.max(this.seq, seq)
      if (this.isDiscarded(owner, name)) return
      for (const table of this.tables) {
        const { spec } = table
        const isMine = spec.owner === owner && spec.name === name
        if (!isMine || group < spec.groups.first || group > spec.groups.last) continue
        const value = this.reader(spec, codec, version)!(new ByteReader(bytes))
        cells.push([table, new PlainCell(outer, inner, group, value, seq), bytes])
      }
    })
    for (const [table, cell] of cells.sort(([, a], [, b]) => a.seq - b.seq)) {
      table.add(cell)
      // Written by an older version of the codec perhaps: the next snapshot names one version per table.
      table.dirty.add(cell)
      if (this.budget.spend()) await this.budget.turn()
    }
  }

  isDiscarded(owner: string, name: string): boolean {
    return this.discard.some((each) => each.owner === owner && (each.table ?? name) === name)
  }

  /** How a table reads values of a codec; undefined if it cannot. */
  reader<T>(
    { codec }: TableSpec<T>,
    id: string,
    version: number,
  ): ((input: ByteReader) => unknown) | undefined {
    if (id !== codec.id) return codec.reader?.(id, version)
    return version <= codec.version ? (input) => codec.decode(input, version) : undefined
  }

  freeze(owner: string, subtask: number): void {
    for (const table of this.tables) {
      if (table.spec.owner === owner && table.spec.subtask === subtask) table.freeze()
    }
  }

  encode(): boolean {
    return true
  }

  async persist(): Promise<Json> {
    if (this.failure !== undefined) throw this.failure as Error
    const bytes = this.write()
    this.writtenBytes += bytes.length
    const number = ++this.number
    const file = `snapshot-${number}.${this.epoch}`
    try {
      await publishFile(this.fs, this.directory, file, bytes)
    } catch (error) {
      this.failure = error
      throw error
    }
    return { file, checksum: crc32(bytes), number }
  }

  async release(retained: readonly Json[]): Promise<void> {
    const names = new Set((retained as readonly PlainSnapshot[]).map(({ file }) => file))
    for (const { name } of await this.fs.list(this.directory)) {
      const isLater = Number(/\.(\d+)$/.exec(name)?.[1]) > this.epoch
      if (!names.has(name) && !isLater) await this.fs.remove(`${this.directory}/${name}`)
    }
  }

  usage(): StoreUsage {
    const cells = this.tables.reduce((sum, table) => sum + table.size, 0)
    const bytes = this.write().length
    return { cells, liveBytes: bytes, diskBytes: bytes, writtenBytes: this.writtenBytes }
  }

  opened(): readonly OpenedTable[] {
    return this.tables.map((table) => ({ spec: table.spec, table }))
  }

  tableUsage(): readonly TableUsage[] {
    return this.tables.map(({ spec, size }) => ({
      owner: spec.owner,
      subtask: spec.subtask,
      name: spec.name,
      cells: size,
    }))
  }

  async close(): Promise<void> {}

  write(): Uint8Array {
    const out = new ByteWriter()
    out.float64(this.tables.reduce((sum, table) => sum + table.saved.size, 0))
    for (const { spec, saved } of this.tables) {
      for (const [cell, bytes] of saved) {
        for (const text of [spec.owner, spec.name, spec.codec.id]) out.text(text)
        for (const number of [spec.codec.version, cell.seq, cell.group]) out.varint(number)
        writeToken(cell.outer, out)
        writeToken(cell.inner, out)
        out.blob(bytes)
      }
    }
    return out.written().slice()
  }

  readTables(visit: CellVisitor): void {
    const input = new ByteReader(this.content)
    for (let left = input.float64(); left > 0; left--) {
      const [owner, name, codec] = [input.text(), input.text(), input.text()]
      const [version, seq, group] = [input.varint(), input.varint(), input.varint()]
      const [outer, inner] = [readToken(input), readToken(input)]
      visit(owner, name, codec, version, seq, group, outer, inner, input.blob())
    }
  }
}

type CellVisitor = (
  owner: string,
  name: string,
  codec: string,
  version: number,
  seq: number,
  group: number,
  outer: KeyToken,
  inner: KeyToken,
  bytes: Uint8Array,
) => void
