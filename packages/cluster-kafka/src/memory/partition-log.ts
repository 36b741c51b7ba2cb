import type { KafkaRecord } from '@millrace/connector-kafka/port'

/** What becomes of the records of one transaction in one partition. */
interface Part {
  readonly producer: number
  readonly first: number
  fate: 'open' | 'committed' | 'aborted'
}

/** An offset of the log: that of a record, or of the mark that ends a transaction. */
interface Entry {
  readonly offset: number
  readonly record: KafkaRecord | undefined
  /** Undefined for a record outside of transactions. */
  readonly part: Part | undefined
}

/** What can be read from an offset on: the records that are committed, and the offset behind them. */
export interface ReadRecords {
  readonly records: readonly KafkaRecord[]
  readonly next: number
}

/**
 * The log of one partition. Readers get records of committed transactions, up to the last stable offset: that of the first
 * record whose transaction is open. Marks of transactions, records of aborted ones and those that were compacted have offsets
 * that no reader gets.
 *
 * Invariants between any two calls: the entries are in the order of their offsets, all of them from `first` to before `next`.
 */
export class PartitionLog {
  first = 0
  next = 0
  #entries: Entry[] = []
  readonly #open = new Map<number, Part>()
  readonly #watching = new Set<() => void>()

  /** The offset behind the last record that readers of committed records get. */
  get lastStable(): number {
    let stable = this.next
    for (const { first } of this.#open.values()) stable = Math.min(stable, first)
    return stable
  }

  /** Appends records of the open transaction of a producer, or of none. Their own offsets are ignored. */
  append(records: readonly KafkaRecord[], producer?: number): void {
    const part = producer === undefined ? undefined : this.#part(producer)
    for (const record of records) {
      const offset = this.next++
      this.#entries.push({ offset, record: { ...record, offset }, part })
    }
    this.#changed()
  }

  /** Appends the mark that ends the transaction of a producer. */
  mark(producer: number, fate: 'committed' | 'aborted'): void {
    const part = this.#open.get(producer)
    if (part !== undefined) part.fate = fate
    this.#open.delete(producer)
    this.#entries.push({ offset: this.next++, record: undefined, part: undefined })
    this.#changed()
  }

  /** The records from an offset on, at most so many. */
  read(from: number, limit: number): ReadRecords {
    const stable = this.lastStable
    const records: KafkaRecord[] = []
    for (let at = this.#indexOf(from); at < this.#entries.length; at++) {
      const { offset, record, part } = this.#entries[at]!
      if (offset >= stable) break
      if (record === undefined || part?.fate === 'aborted') continue
      records.push(record)
      if (records.length === limit) return { records, next: offset + 1 }
    }
    return { records, next: Math.max(from, stable) }
  }

  /** Deletes the records before an offset. */
  deleteBefore(offset: number): void {
    if (offset <= this.first) return
    this.first = offset
    this.#entries = this.#entries.slice(this.#indexOf(offset))
    this.#changed()
  }

  /**
   * Removes what a broker removes when it cleans a log: records of aborted transactions, marks, and records whose key has a
   * later one, and tombstones if that is said. It changes nothing from the last stable offset on.
   */
  compact(tombstones: 'kept' | 'removed'): void {
    const stable = this.lastStable
    const newest = new Map<string, number>()
    const isOpen = ({ offset }: Entry): boolean => offset >= stable
    for (const entry of this.#entries) {
      const { offset, record, part } = entry
      if (isOpen(entry) || record === undefined || part?.fate === 'aborted') continue
      newest.set(nameOf(record), offset)
    }
    this.#entries = this.#entries.filter((entry) => {
      const { offset, record } = entry
      if (isOpen(entry)) return true
      if (record === undefined || newest.get(nameOf(record)) !== offset) return false
      return record.value !== null || tombstones === 'kept'
    })
  }

  /** Calls back after each change, until it is disposed. */
  watch(changed: () => void): Disposable {
    this.#watching.add(changed)
    return { [Symbol.dispose]: () => void this.#watching.delete(changed) }
  }

  #part(producer: number): Part {
    let part = this.#open.get(producer)
    if (part === undefined) {
      part = { producer, first: this.next, fate: 'open' }
      this.#open.set(producer, part)
    }
    return part
  }

  /** The index of the first entry from an offset on. */
  #indexOf(offset: number): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#entries[middle]!.offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }

  #changed(): void {
    for (const changed of this.#watching) changed()
  }
}

/** The key as text that is another for other bytes. A record without a key has no other with its key. */
function nameOf({ key, offset }: KafkaRecord): string {
  return key === null ? `offset ${offset}` : `key ${String.fromCharCode(...key)}`
}
