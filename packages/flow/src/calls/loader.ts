import { MillraceError } from '@millrace/core'
import type { CallScope } from '@millrace/core/graph'

/** A key of rows in an outside system. */
export type LookupKey = string | number | bigint

/** What a loader loads, and what it keeps. */
interface LoaderParts {
  /** The operator, for errors. */
  readonly name: string
  readonly load: (keys: readonly LookupKey[], signal: AbortSignal) => Promise<ReadonlyMap<LookupKey, unknown>>
  readonly batchSize: number
  /** 0: keeps nothing. */
  readonly maxEntries: number
  readonly ttlMs: number
}

interface Kept {
  /** Undefined: there is no such row. */
  readonly row: unknown
  readonly until: number
}

/** Keys that are loaded together. */
interface Batch {
  readonly keys: LookupKey[]
  readonly rows: Promise<ReadonlyMap<LookupKey, unknown>>
}

/**
 * Loads rows by key for one subtask of a lookup. Keys that are asked for in one turn of the event loop are loaded by
 * one call, and a key that is being loaded is not loaded twice. (The idea is that of Facebook's DataLoader.)
 *
 * True between any two calls: `#kept` is in the order of last use, and has at most `maxEntries` entries.
 */
export class Loader {
  readonly #parts: LoaderParts
  readonly #clock: CallScope['clock']
  readonly #kept = new Map<LookupKey, Kept>()
  readonly #loading = new Map<LookupKey, Batch>()
  /** The batch that still takes keys. */
  #open: Batch | undefined

  constructor(parts: LoaderParts, clock: CallScope['clock']) {
    this.#parts = parts
    this.#clock = clock
  }

  /** The row of a key, or undefined if there is none. Rejects with what `load` threw. */
  async row(key: LookupKey, signal: AbortSignal): Promise<unknown> {
    const kept = this.#kept.get(key)
    if (kept !== undefined) {
      this.#kept.delete(key)
      if (kept.until > this.#clock.monotonic()) {
        this.#kept.set(key, kept)
        return kept.row
      }
    }
    const batch = this.#loading.get(key) ?? this.#add(key, signal)
    return (await batch.rows).get(key)
  }

  #add(key: LookupKey, signal: AbortSignal): Batch {
    const batch = this.#open ?? this.#begin(signal)
    batch.keys.push(key)
    this.#loading.set(key, batch)
    if (batch.keys.length >= this.#parts.batchSize) this.#open = undefined
    return batch
  }

  /** `signal` is that of the first record. Those that join began in the same turn, so they time out together. */
  #begin(signal: AbortSignal): Batch {
    const keys: LookupKey[] = []
    // Every call that begins in this turn has asked for its row before this continues.
    const rows = Promise.resolve().then(() => {
      if (this.#open === batch) this.#open = undefined
      return this.#load(keys, signal)
    })
    const batch: Batch = { keys, rows }
    this.#open = batch
    return batch
  }

  async #load(keys: readonly LookupKey[], signal: AbortSignal): Promise<ReadonlyMap<LookupKey, unknown>> {
    const { name, load, maxEntries, ttlMs } = this.#parts
    try {
      const rows: unknown = await load(keys, signal)
      if (!(rows instanceof Map)) {
        throw new MillraceError(
          'OPERATOR_FAILED',
          `load of lookup '${name}' returned ${rows === null ? 'null' : typeof rows}; return a Map from key to row`,
        )
      }
      const until = this.#clock.monotonic() + ttlMs
      if (maxEntries > 0) for (const key of keys) this.#keep(key, { row: rows.get(key), until })
      return rows
    } finally {
      for (const key of keys) this.#loading.delete(key)
    }
  }

  #keep(key: LookupKey, kept: Kept): void {
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    if (this.#kept.size <= this.#parts.maxEntries) return
    const [oldest] = this.#kept.keys()
    this.#kept.delete(oldest!)
  }
}
