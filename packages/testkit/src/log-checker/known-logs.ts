import type { Anomaly, LogOperation } from './history.ts'

/** A value, and what is known of it. */
export interface KnownValue {
  readonly log: string
  readonly value: string
  /** Who has sent it; undefined if only readers know it. */
  sender: LogOperation | undefined
  /** Where it is. More than one offset is a duplicate. */
  readonly offsets: Set<number>
  readonly readers: Set<LogOperation>
}

/** What all operations of a history together say of each log. */
export class KnownLogs {
  readonly values: Map<string, KnownValue> = new Map()
  /** By log: the values at each offset. More than one is an inconsistency. */
  readonly offsets: Map<string, Map<number, Set<KnownValue>>> = new Map()
  /** By log: the highest offset that was polled. */
  readonly polledUpTo: Map<string, number> = new Map()
  /** Operations of which the outcome is not known, but of which something was read. */
  readonly #provenByReaders = new Set<LogOperation>()
  /** By log: the offsets that hold something that was read, in order. */
  readonly #readOffsets = new Map<string, readonly number[]>()

  constructor(history: readonly LogOperation[]) {
    for (const operation of history) {
      for (const step of operation.steps) {
        if (step.kind === 'send') {
          const known = this.#known(step.log, step.value)
          known.sender = operation
          if (step.offset !== undefined) this.#place(known, step.offset)
        } else if (step.kind === 'poll') {
          for (const [offset, value] of step.records) this.#read(operation, step.log, offset, value)
        }
      }
    }
    for (const { sender, readers } of this.values.values()) {
      if (sender?.outcome === 'unknown' && readers.size > 0) this.#provenByReaders.add(sender)
    }
    for (const [log, offsets] of this.offsets) {
      const read = [...offsets].filter(([, values]) => [...values].some(({ readers }) => readers.size > 0))
      this.#readOffsets.set(
        log,
        read.map(([offset]) => offset).toSorted((a, b) => a - b),
      )
    }
  }

  /** Whether an operation is known to have happened: a part of a transaction that was read proves the rest. */
  hasHappened(operation: LogOperation): boolean {
    return operation.outcome === 'ok' || this.#provenByReaders.has(operation)
  }

  of(log: string, value: string): KnownValue | undefined {
    return this.values.get(nameOf(log, value))
  }

  /** The first offset between two others that holds something that was read; undefined if there is none. */
  readBetween(log: string, after: number, before: number): number | undefined {
    const offsets = this.#readOffsets.get(log) ?? []
    let [low, high] = [0, offsets.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (offsets[middle]! > after) high = middle
      else low = middle + 1
    }
    const found = offsets[low]
    return found !== undefined && found < before ? found : undefined
  }

  /** What is wrong with offsets and values alone. */
  *contradictions(): Iterable<Anomaly> {
    for (const [log, offsets] of this.offsets) {
      for (const [offset, values] of offsets) {
        if (values.size < 2) continue
        const names = [...values].map(({ value }) => value).join(' and ')
        yield { kind: 'inconsistent-offsets', message: `${log}@${offset} holds ${names}` }
      }
    }
    for (const { log, value, offsets } of this.values.values()) {
      if (offsets.size > 1) {
        yield { kind: 'duplicate', message: `${log} holds ${value} at ${[...offsets].join(' and ')}` }
      }
    }
  }

  #read(operation: LogOperation, log: string, offset: number, value: string): void {
    const known = this.#known(log, value)
    known.readers.add(operation)
    this.#place(known, offset)
    this.polledUpTo.set(log, Math.max(offset, this.polledUpTo.get(log) ?? -1))
  }

  #known(log: string, value: string): KnownValue {
    const name = nameOf(log, value)
    let known = this.values.get(name)
    if (known === undefined) {
      known = { log, value, sender: undefined, offsets: new Set(), readers: new Set() }
      this.values.set(name, known)
    }
    return known
  }

  #place(known: KnownValue, offset: number): void {
    known.offsets.add(offset)
    const offsets = this.offsets.get(known.log) ?? new Map<number, Set<KnownValue>>()
    this.offsets.set(known.log, offsets)
    const there = offsets.get(offset) ?? new Set()
    there.add(known)
    offsets.set(offset, there)
  }
}

function nameOf(log: string, value: string): string {
  return `${log} ${value}`
}
