/**
 * Applies the changes of a simulated file system: numbers them, and makes them fail or crash.
 *
 * A change takes effect atomically, some microtasks after its call, and is numbered at that moment. So a crash cancels
 * all pending changes, and some seed detects a caller that does not wait for one change before the next.
 */
import { seededRandom } from '@millrace/world'
import type { Random } from '@millrace/world'
import { MillraceError } from '@millrace/core'
import type { OperationKind } from './operation-log.ts'
import { OperationLog } from './operation-log.ts'
import { SimulatedCrash } from './simulated-crash.ts'

/** What a crash leaves of the change that it interrupts: nothing, a part, or all of it without a report. */
export type CrashStyle = 'before' | 'during' | 'after'

/** A change on the disk. */
export interface Change<T> {
  readonly kind: OperationKind
  readonly path: string
  /** Makes the change, or throws. */
  whole(): T
  /** Applies what a crash in the middle leaves. Absent: the change is atomic. */
  part?(random: Random): void
  /** Applies what an I/O error leaves. Absent: nothing. */
  failed?(): void
  /** The text for the log. */
  detail?(result: T): string
}

/** Whether a change is to fail. Called once for each change, so it may count. */
type Fault = (kind: OperationKind, operation: number) => boolean

export interface SimDiskOptions {
  /** Absent: a change takes one microtask, and partial changes follow a fixed sequence. */
  readonly random: Random | undefined
  /** Absent: one millisecond passes with each change. */
  readonly now: (() => number) | undefined
  /** Returns how many more bytes fit; called before each write. */
  readonly freeBytes: () => number
}

const settled: Promise<void> = Promise.resolve()

export class SimDisk {
  /** The maximum number of bytes of one write. */
  writeBytesMax: number = Number.POSITIVE_INFINITY
  /** Whether changes are rejected. */
  isReadOnly = false
  /** The number of changes that were made or have failed. */
  operations = 0
  log: OperationLog = new OperationLog()
  readonly #random: Random | undefined
  readonly #chance: Random
  readonly #now: (() => number) | undefined
  readonly #freeBytes: () => number
  #crash: { readonly at: number; readonly style: CrashStyle } | undefined
  #crashedAt: number | undefined
  readonly #faults: Fault[] = []

  constructor(options: SimDiskOptions) {
    this.#random = options.random
    this.#chance = options.random ?? seededRandom(0)
    this.#now = options.now
    this.#freeBytes = options.freeBytes
  }

  /** The clock for modification times. */
  now(): number {
    return this.#now === undefined ? this.operations : this.#now()
  }

  get hasCrashed(): boolean {
    return this.#crashedAt !== undefined
  }

  crashAt(operation: number, style: CrashStyle): void {
    this.#crash = { at: operation, style }
  }

  crash(): void {
    this.#crashedAt ??= this.operations
  }

  /** Cancels every fault and crash that has not occurred yet. */
  heal(): void {
    this.#faults.length = 0
    this.#crash = undefined
    this.writeBytesMax = Number.POSITIVE_INFINITY
    this.isReadOnly = false
  }

  failAt(operation: number): void {
    this.#faults.push((_kind, number) => number === operation)
  }

  failNext(kind: OperationKind, nth: number): void {
    let seen = 0
    this.#faults.push((each) => each === kind && ++seen === nth)
  }

  /** Returns how many of `wanted` bytes are written; the first `held` of them overwrite existing bytes. */
  roomFor(wanted: number, held: number, path: string): number {
    const room = Math.min(wanted, this.writeBytesMax, held + this.#freeBytes())
    if (room > 0 || wanted === 0) return room
    throw new MillraceError('FS_FULL', `${path}: the simulated disk is full; free some space`, {
      isTransient: true,
    })
  }

  /** Reads the disk once the earlier changes have taken effect. */
  async look<T>(view: () => T): Promise<T> {
    await this.#pause()
    this.#requireAlive()
    return view()
  }

  async change<T>(change: Change<T>): Promise<T> {
    await this.#pause()
    return this.changeNow(change)
  }

  /** Makes a change without waiting first, for a caller that has just read the disk. */
  changeNow<T>(change: Change<T>): T {
    this.#requireAlive()
    const operation = ++this.operations
    if (this.#crash?.at === operation) throw this.#crashDuring(change, this.#crash.style)
    try {
      this.#requirePossible(change, operation)
      const result = change.whole()
      this.log.add(operation, change.kind, change.path, change.detail?.(result) ?? '')
      return result
    } catch (error) {
      this.log.add(operation, change.kind, change.path, `failed: ${(error as Error).message}`)
      throw error
    }
  }

  #requirePossible(change: Change<unknown>, operation: number): void {
    const { kind, path } = change
    const isSync = kind === 'sync' || kind === 'syncDirectory'
    if (this.#faults.filter((fault) => fault(kind, operation)).length > 0) {
      change.failed?.()
      throw isSync
        ? new MillraceError('FS_SYNC_FAILED', `${path}: simulated failure of a sync; do not trust the file`)
        : new MillraceError('FS_IO', `${path}: simulated input/output error; check the disk`)
    }
    if (this.isReadOnly && !isSync) {
      throw new MillraceError('FS_READ_ONLY', `${path}: the simulated disk is read-only; make it writable`)
    }
  }

  #crashDuring<T>(change: Change<T>, style: CrashStyle): SimulatedCrash {
    const { kind, path } = change
    const operation = this.operations
    const isWhole = style === 'after' || (style === 'during' && !change.part && this.#chance.int(2) === 0)
    try {
      if (isWhole) change.whole()
      else if (style === 'during') change.part?.(this.#chance)
    } catch {
      // A change that is impossible leaves nothing; the crash comes all the same.
    }
    this.#crashedAt = operation
    this.log.add(operation, kind, path, `crash ${style} it`)
    return new SimulatedCrash(operation)
  }

  #requireAlive(): void {
    if (this.#crashedAt !== undefined) throw new SimulatedCrash(this.#crashedAt)
  }

  async #pause(): Promise<void> {
    for (let hops = this.#random?.int(4) ?? 0; hops >= 0; hops--) await settled
  }
}
