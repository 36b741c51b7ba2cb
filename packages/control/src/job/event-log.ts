import type { EventRow } from '../contract/happenings.ts'

/** How many events of each class are kept. */
const kept = 2_000

/**
 * The newest events, numbered from 1. Events are added and never changed. Those of level `debug`, as completed checkpoints, come with
 * every second, so they are counted apart: a failure of last night is there in the morning. So are actions that were
 * refused, of which a caller may send many.
 */
export class EventLog {
  readonly #notable: EventRow[] = []
  readonly #routine: EventRow[] = []
  readonly #refused: EventRow[] = []
  #last = 0
  /** The number of the newest event that is not kept any more, or 0. */
  #dropped = 0

  /** The number of the newest event, or 0. */
  get last(): number {
    return this.#last
  }

  /** The oldest first. */
  get entries(): readonly EventRow[] {
    return [...this.#notable, ...this.#routine, ...this.#refused].toSorted((a, b) => a.id - b.id)
  }

  /** Adds what `make` returns for the number of the new event. */
  add(make: (id: number) => EventRow): EventRow {
    const row = Object.freeze(make(++this.#last))
    const rows = this.#rowsLike(row)
    rows.push(row)
    // Twice the number at most, so that an event costs no copy of all others.
    if (rows.length >= 2 * kept) {
      const removed = rows.splice(0, rows.length - kept)
      this.#dropped = Math.max(this.#dropped, removed.at(-1)!.id)
    }
    return row
  }

  #rowsLike({ kind, level }: EventRow): EventRow[] {
    if (kind === 'actionFailed') return this.#refused
    return level === 'debug' ? this.#routine : this.#notable
  }

  /** Up to `limit` events after number `after`, the oldest first, and whether others after it were dropped. */
  after(
    after: number,
    limit: number,
    isWanted: (row: EventRow) => boolean = () => true,
  ): { readonly entries: readonly EventRow[]; readonly isCut: boolean } {
    const wanted = this.entries.filter((row) => row.id > after && isWanted(row))
    return { entries: wanted.slice(0, limit), isCut: after < this.#dropped }
  }
}
