import type { KeyToken } from '../record/key-token.ts'
import { ExpiringCell } from './expiring-cell.ts'
import { ExpiryBuckets } from './expiry-buckets.ts'
import type { Cell, StateTable } from './state-store.ts'
import type { TimeToLive } from './time-to-live.ts'
import type { Participant, Transaction } from './transaction.ts'

/** What a table with a time to live needs from its operator. */
export interface ExpirySurroundings {
  /** The time of the table's clock at the current record or timer. Infinite or `NaN`: not known yet. */
  now(): number
  /** Something expires at `time`, and nothing that is known to the chain did before. */
  noteExpiry(time: number): void
  /** Undefined for an operator that stops the task when it fails. */
  readonly transaction: Transaction | undefined
}

/**
 * A table whose cells expire. An expired cell is never returned: the time decides, not whether it has been
 * removed. It is removed when it is looked up, or by `sweep`.
 *
 * Every kind of keyed state is built on this table to expire. The stamps are part of the stored values.
 */
export class ExpiringTable<T> implements StateTable<T>, Participant {
  readonly ttl: TimeToLive
  readonly #table: StateTable<ExpiringCell<T>>
  readonly #around: ExpirySurroundings
  readonly #buckets = new ExpiryBuckets()
  /** Cells that the open transaction has made and deleted. */
  readonly #made: ExpiringCell<T>[] = []
  readonly #deleted: ExpiringCell<T>[] = []
  /** Called for each cell that was removed because it has expired. */
  whenExpired: ((cell: Cell<T>) => void) | undefined
  /** Called for each cell that was restored. */
  whenRestored: ((cell: Cell<T>) => void) | undefined

  constructor(table: StateTable<ExpiringCell<T>>, ttl: TimeToLive, around: ExpirySurroundings) {
    this.#table = table
    this.ttl = ttl
    this.#around = around
    around.transaction?.join(this)
  }

  /** How many cells are stored, some of which may have expired. */
  get size(): number {
    return this.#table.size
  }

  /** When `sweep` is due; infinity if nothing expires. */
  get nextSweep(): number {
    return this.#buckets.next
  }

  find(outer: KeyToken, inner: KeyToken): Cell<T> | undefined {
    const stored = this.#table.find(outer, inner)
    if (stored === undefined) return undefined
    const cell = attached(stored)
    const now = this.#around.now()
    if (this.#hasExpired(cell, now)) {
      this.#expire(cell)
      return undefined
    }
    this.#read(cell, now)
    return cell
  }

  /** `ownLifeMs`: how long the value lives, in place of the time to live of the table. */
  create(outer: KeyToken, inner: KeyToken, group: number, value: T, ownLifeMs?: number): Cell<T> {
    const now = this.#around.now()
    const cell = new ExpiringCell(value, Number.isFinite(now) ? now : Number.NaN, ownLifeMs)
    cell.stored = this.#table.create(outer, inner, group, cell)
    this.#file(cell)
    if (this.#around.transaction?.isOpen === true) this.#made.push(cell)
    return cell
  }

  changed(cell: Cell<T>): void {
    const own = cell as ExpiringCell<T>
    if (this.ttl.refresh !== 'create') this.#begin(own, undefined)
    this.#table.changed(own.stored)
  }

  /** Says that `cell.value` was written and lives that long from now on, whatever refreshes it. */
  changedFor(cell: Cell<T>, ownLifeMs: number): void {
    const own = cell as ExpiringCell<T>
    this.#begin(own, ownLifeMs)
    this.#table.changed(own.stored)
  }

  /** Refreshes a cell that `cells` has returned and that counts as read. */
  read(cell: Cell<T>): void {
    this.#read(cell as ExpiringCell<T>, this.#around.now())
  }

  /** Stamps a cell, also with an earlier time or infinity: for owners that decide when a value expires. */
  stamp(cell: Cell<T>, time: number): void {
    const own = cell as ExpiringCell<T>
    own.stamp = time
    this.#table.changed(own.stored)
    this.#buckets.remove(own)
    this.#file(own)
  }

  delete(cell: Cell<T>): void {
    const own = cell as ExpiringCell<T>
    this.#table.delete(own.stored)
    this.#forget(own)
  }

  /** Deletes every cell under `outer`, one by one. */
  deleteOuter(outer: KeyToken): void {
    for (const stored of this.#table.cells(outer)) this.#forget(attached(stored))
    this.#table.deleteOuter(outer)
  }

  /** The live cells. They do not count as read. */
  *cells(outer: KeyToken): Iterable<Cell<T>> {
    for (const stored of this.#table.cells(outer)) {
      const cell = attached(stored)
      if (this.#hasExpired(cell, this.#around.now())) this.#expire(cell)
      else yield cell
    }
  }

  /** Counts live cells, in a time that grows with their number. */
  count(outer: KeyToken): number {
    let count = 0
    for (const _ of this.cells(outer)) count++
    return count
  }

  *outers(): Iterable<KeyToken> {
    for (const outer of this.#table.outers()) {
      for (const _ of this.cells(outer)) {
        yield outer
        break
      }
    }
  }

  /** Removes one cell that has expired at `upTo`, or finds that one has not. False if nothing is due. */
  sweep(upTo: number): boolean {
    const due = this.#buckets.take(upTo)
    if (due === undefined) return false
    const stored = this.#table.find(due.outer, due.inner)
    // It may have been replaced.
    if (stored === undefined || stored.value !== due) return true
    const cell = attached(stored)
    if (Number.isNaN(cell.stamp)) {
      cell.stamp = upTo
      this.#table.changed(stored)
    }
    if (this.#hasExpired(cell, upTo)) this.#expire(cell)
    else this.#file(cell)
    return true
  }

  /** Finds out when the restored cells expire. Yields after each. */
  *rebuild(): Generator<undefined> {
    for (const outer of this.#table.outers()) {
      for (const stored of this.#table.cells(outer)) {
        const cell = attached(stored)
        this.whenRestored?.(cell)
        this.#file(cell)
        yield
      }
    }
  }

  commit(): void {
    for (const cell of this.#deleted) this.#buckets.remove(cell)
    this.#made.length = 0
    this.#deleted.length = 0
  }

  rollback(): void {
    for (const cell of this.#made) this.#buckets.remove(cell)
    this.#made.length = 0
    this.#deleted.length = 0
  }

  #lifeOf(cell: ExpiringCell<T>): number {
    return cell.ownLifeMs ?? this.ttl.afterMs
  }

  #hasExpired(cell: ExpiringCell<T>, now: number): boolean {
    return cell.stamp + this.#lifeOf(cell) <= now
  }

  /** A cell begins a life, which may be shorter than the one before. */
  #begin(cell: ExpiringCell<T>, ownLifeMs: number | undefined): void {
    const before = this.#lifeOf(cell)
    stampAt(cell, this.#around.now())
    cell.ownLifeMs = ownLifeMs
    if (this.#lifeOf(cell) >= before) return
    this.#buckets.remove(cell)
    this.#file(cell)
  }

  #expire(cell: ExpiringCell<T>): void {
    this.delete(cell)
    this.whenExpired?.(cell)
  }

  #read(cell: ExpiringCell<T>, now: number): void {
    if (this.ttl.refresh === 'read' && stampAt(cell, now)) this.#table.changed(cell.stored)
  }

  #forget(cell: ExpiringCell<T>): void {
    if (this.#around.transaction?.isOpen === true) this.#deleted.push(cell)
    else this.#buckets.remove(cell)
  }

  #file(cell: ExpiringCell<T>): void {
    const due = this.#buckets.add(cell, cell.stamp, this.#lifeOf(cell))
    if (due !== undefined) this.#around.noteExpiry(due)
  }
}

function attached<T>(stored: Cell<ExpiringCell<T>>): ExpiringCell<T> {
  const cell = stored.value
  cell.stored = stored
  return cell
}

/** Stamps a cell unless its stamp is later; whether it did. */
function stampAt(cell: ExpiringCell<unknown>, now: number): boolean {
  if (!Number.isFinite(now) || cell.stamp >= now) return false
  cell.stamp = now
  return true
}
