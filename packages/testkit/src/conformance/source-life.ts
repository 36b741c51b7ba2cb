import type { Json, RecordHeaders } from '@millrace/core'
import type { ConnectorContext, HeaderColumn, Poll, Source, SplitReader } from '@millrace/core/connector'
import type { SimFs } from '../sim-fs.ts'
import { check, checkEqual } from './check.ts'
import { ContractViolation } from './conformance-case.ts'
import { ConnectorLife } from './connector-life.ts'

/** A source under test, and the records it is expected to read. */
export interface SourceSubject<T> {
  /** Creates the source as a new process would: it shares only the outside world with earlier ones. */
  source(): Source<T>
  /** Every split by name, with its records in order. At least one has three records or more. */
  readonly splits: ReadonlyMap<string, readonly T[]>
  /** For the feature `failures`: the number of items of each split that cannot be decoded. */
  readonly failures?: ReadonlyMap<string, number>
  /** For a source with `hasHeaders`: those of each item of a split, in order: of records, and of what cannot be decoded. */
  readonly headers?: ReadonlyMap<string, HeaderColumn>
  /** For a source that receives: sends the records. Called once, when the splits are first open. */
  deliver?(): Promise<void>
  /** For the feature `grows`: adds records at the end of a split that is being read. */
  append?(split: string, records: readonly T[]): Promise<void>
  /** For the feature `grows`: the added records. */
  readonly more?: readonly T[]
  /** Converts a record to plain data for comparison. Needed where records are views with getters. */
  plain?(record: T): unknown
  /** Whether it waits for threads, sockets or other real I/O, which may take any time. */
  readonly worksOutside?: boolean
  /** Called at the end of the case. */
  close?(): Promise<void>
}

/** The features that only some sources have. */
export interface SourceFeatures {
  /** What the source claims: only positions of a `replayable` one are read again after a restart. */
  readonly durability: Source<unknown>['durability']
  /** Whether each split ends in a bounded job. */
  readonly ends: boolean
  /** Whether the subject has two splits or more. */
  readonly severalSplits: boolean
  /** Whether the subject contains items that cannot be decoded. */
  readonly failures: boolean
  /** Whether records can be added to a split while it is read. */
  readonly grows: boolean
  /** Whether readers have `acknowledge`. */
  readonly acknowledges: boolean
}

/** An item of a split: a record, or bytes that cannot be decoded. */
export type SourceItem =
  | { readonly record: unknown; readonly headers: RecordHeaders | undefined }
  | {
      readonly raw: Uint8Array
      readonly place: string
      readonly error: unknown
      readonly headers: RecordHeaders | undefined
    }

/** An upper bound on the items of a subject. */
const ITEMS_MAX = 100_000
/** How many times in a row a reader may wake its task without items. */
const WAITS_MAX = 100

/** One life of a process that reads a subject. */
export class SourceLife<T> extends ConnectorLife {
  readonly #subject: SourceSubject<T>
  readonly #readers: SplitReader<T>[] = []
  readonly source: Source<T>
  #isDelivered: boolean

  constructor(subject: SourceSubject<T>, fs: SimFs, isBounded: boolean, isDelivered: boolean) {
    super({ fs, isBounded, worksOutside: subject.worksOutside })
    this.#subject = subject
    this.source = subject.source()
    this.#isDelivered = isDelivered
  }

  /** Opens a split. A position passes through text, as in a manifest. */
  async open(split: string, from?: Json): Promise<SplitReader<T>> {
    const position = from === undefined ? undefined : (JSON.parse(JSON.stringify(from)) as Json)
    const opening = this.source.open(split, position, this.context)
    const reader = await this.settled(opening, `open of ${split} does not settle`)
    this.#readers.push(reader)
    return reader
  }

  /** Opens every split at its beginning. */
  async openAll(): Promise<ReadonlyMap<string, SplitReader<T>>> {
    const readers = new Map<string, SplitReader<T>>()
    await this.settled(this.source.discover(this.context), 'discover does not settle')
    for (const split of this.#subject.splits.keys()) readers.set(split, await this.open(split))
    if (!this.#isDelivered) await this.#subject.deliver?.()
    this.#isDelivered = true
    return readers
  }

  /** Reads until it has `count` items, or to the end of bounded input, or until the reader has caught up. */
  async read(
    reader: SplitReader<T>,
    limit: number,
    count: number = Infinity,
  ): Promise<readonly SourceItem[]> {
    const items: SourceItem[] = []
    while (items.length < count) {
      const poll = await this.#poll(reader, limit, this.context.isBounded ? 'news' : 'caught up')
      if (poll.kind !== 'records') break
      items.push(...this.#itemsOf(poll))
      check(items.length < ITEMS_MAX, `the reader has brought ${ITEMS_MAX} items and continues`)
    }
    return items
  }

  /** Reads to the end of bounded input; returns whether the split has ended for good. */
  async readToEnd(reader: SplitReader<T>): Promise<boolean> {
    for (let polls = 0; polls < ITEMS_MAX; polls++) {
      const poll = await this.#poll(reader, 10, 'news')
      if (poll.kind === 'end') return poll.isFinal === true
    }
    throw new ContractViolation(`the reader was polled ${ITEMS_MAX} times and has not ended`)
  }

  async close(): Promise<void> {
    for (const reader of this.#readers.splice(0)) {
      await this.settled(reader.close(), 'close of a reader does not settle')
    }
    const closing = this.source.close?.()
    if (closing !== undefined) await this.settled(closing, 'close of the source does not settle')
  }

  /** Polls until records or the end arrive, or, on request, until the reader has caught up. */
  async #poll(reader: SplitReader<T>, limit: number, until: 'caught up' | 'news'): Promise<Poll<T>> {
    for (let wait = 0; wait < WAITS_MAX; wait++) {
      const poll = reader.poll(limit)
      checkShape(poll, limit)
      if (poll.kind !== 'pending' || (poll.isCaughtUp && until === 'caught up')) return poll
      const missing = poll.isCaughtUp ? 'the split has not ended' : 'the reader has not caught up'
      await this.settled(reader.ready(), `ready does not resolve though ${missing}`)
    }
    throw new ContractViolation(`ready has resolved ${WAITS_MAX} times, and poll still has nothing`)
  }

  #itemsOf(poll: Extract<Poll<T>, { kind: 'records' }>): SourceItem[] {
    const items: SourceItem[] = []
    const failures = [...(poll.failures ?? [])]
    for (let index = 0; index <= poll.values.length; index++) {
      while (failures[0]?.index === index) {
        const { raw, place, error, headers } = failures.shift()!
        items.push({ raw, place, error, headers })
      }
      if (index === poll.values.length) break
      items.push({ record: this.#plain(poll.values[index]!), headers: poll.headers?.[index] })
    }
    checkEqual(
      failures.map(({ index }) => index),
      [],
      `the index of failures out of order or beyond the ${poll.values.length} values`,
    )
    return items
  }

  #plain(record: T): unknown {
    return this.#subject.plain === undefined ? record : this.#subject.plain(record)
  }
}

/** Reads the content of a split as plain data. */
export function recordsOf<T>(subject: SourceSubject<T>, records: readonly T[]): readonly unknown[] {
  return records.map((record) => (subject.plain === undefined ? record : subject.plain(record)))
}

/** Returns the records among items. */
export function recordsIn(items: readonly SourceItem[]): readonly unknown[] {
  return items.flatMap((item) => ('record' in item ? [item.record] : []))
}

/** Returns an item without the parts that may differ between two reads. */
export function essence(item: SourceItem): unknown {
  return 'record' in item ? item : { raw: item.raw, headers: item.headers }
}

function checkShape(poll: Poll<unknown>, limit: number): void {
  const { kind } = poll
  check(['records', 'pending', 'end'].includes(kind), `poll returned ${String(kind)}: it must answer at once`)
  if (poll.kind !== 'records') return
  const count = poll.values.length
  check(count <= limit, `poll(${limit}) handed out ${count} records`)
  check(count > 0 || (poll.failures?.length ?? 0) > 0, 'poll handed out nothing and called it records')
}

/** Throws if a poll has an origin that does not match its records. */
export function checkOrigin(poll: Poll<unknown>, split: string, context: ConnectorContext): void {
  if (poll.kind !== 'records' || poll.origin === undefined) return
  const { origin, values } = poll
  checkEqual([origin.source, origin.split], [context.name, split], 'source and split of the origin')
  const places = values.map((_value, index) => origin.place(index))
  check(!places.includes(''), 'a place is empty')
  checkEqual(new Set(places).size, places.length, 'the number of different places')
  for (const index of values.keys()) {
    const raw = origin.raw(index)
    check(raw === undefined || raw instanceof Uint8Array, `raw(${index}) is neither bytes nor undefined`)
  }
}
