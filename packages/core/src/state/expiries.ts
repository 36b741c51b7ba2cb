import type { ExpiringTable } from './expiring-table.ts'
import type { ExpiryClock } from './time-to-live.ts'

/** The tables of one operator whose cells expire. */
export class Expiries {
  readonly #tables: Readonly<Record<ExpiryClock, ExpiringTable<unknown>[]>> = { event: [], processing: [] }

  add<T>(table: ExpiringTable<T>): void {
    this.#tables[table.ttl.clock].push(table as unknown as ExpiringTable<unknown>)
  }

  /** When the next cell may have expired; infinity if none will. */
  next(clock: ExpiryClock): number {
    let next = Number.POSITIVE_INFINITY
    for (const table of this.#tables[clock]) next = Math.min(next, table.nextSweep)
    return next
  }

  /** Removes one cell that has expired at `upTo`, or takes another small step. False if nothing is due. */
  sweep(clock: ExpiryClock, upTo: number): boolean {
    return this.#tables[clock].some((table) => table.sweep(upTo))
  }

  /** Finds out when the restored cells expire. Yields after each. */
  *rebuild(): Generator<undefined> {
    for (const tables of Object.values(this.#tables)) for (const table of tables) yield* table.rebuild()
  }
}
