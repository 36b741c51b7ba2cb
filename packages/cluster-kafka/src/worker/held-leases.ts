import type { KafkaPort } from '@millrace/connector-kafka/port'
import { describeError } from '@millrace/core'
import type { Lease, LeaseEnd, LeaseStatus } from '../lease/lease.ts'
import { openLease } from '../lease/open-lease.ts'
import { openStandby } from '../lease/open-standby.ts'
import { readNote } from '../replica/image.ts'
import type { Standby } from '../replica/standby.ts'
import { graphOfLease } from '../shuffle/graph-of-lease.ts'
import type { WorkerSettings } from './worker-options.ts'

/** What the leases of a worker need. */
export interface HeldLeasesParts {
  readonly settings: WorkerSettings
  /** The name of the job. */
  readonly job: string
  readonly port: KafkaPort
  /** Called when the input of a lease has ended, or its job has failed. */
  readonly ended: (lease: number, end: Extract<LeaseEnd, { outcome: 'finished' | 'failed' }>) => void
}

/** The leases that this worker runs, and those of others whose state it copies. */
export class HeldLeases {
  readonly #parts: HeldLeasesParts
  readonly #running = new Map<number, Lease>()
  readonly #copies = new Map<number, Promise<Standby | undefined>>()
  /** By lease: settles when what has used its directory here last is closed. */
  readonly #closed = new Map<number, Promise<unknown>>()
  /** By lease: up to which offset of the changelog its state is on the disk. */
  readonly #cached = new Map<number, number>()
  readonly #ending = new AbortController()

  private constructor(parts: HeldLeasesParts) {
    this.#parts = parts
  }

  /** Looks what is on the disk. */
  static async open(parts: HeldLeasesParts): Promise<HeldLeases> {
    const leases = new HeldLeases(parts)
    for (let lease = 0; lease < parts.settings.leases; lease++) await leases.#look(lease)
    return leases
  }

  /** What is on the disk, as offsets of the changelog. */
  get cached(): readonly (readonly [lease: number, offset: number])[] {
    return [...this.#cached]
  }

  get statuses(): readonly { readonly lease: number; readonly status: LeaseStatus }[] {
    return [...this.#running].map(([lease, { status }]) => ({ lease, status }))
  }

  /** Runs a lease, in a run of the job. */
  async gain(lease: number, run: string): Promise<void> {
    const { settings, job, port, ended } = this.#parts
    const { observer, leases } = settings
    const { platform, store, keyGroups, ...options } = settings.job
    await this.#endCopy(lease)
    observer({ kind: 'gained', lease })
    const opened = openLease({
      port,
      platform,
      store,
      directory: this.#directory(lease),
      job,
      lease,
      run,
      options: { ...options, keyGroups },
      graphOf: (transaction, isRunContinued) =>
        graphOfLease(settings.graphOf(), {
          job,
          lease,
          leases,
          keyGroups,
          port,
          transaction,
          isRunContinued,
        }),
      onEvent: (event) => {
        if (event.kind === 'status') observer({ kind: 'lease', lease, status: event.status })
        else if (event.kind === 'job') observer({ kind: 'job', lease, event: event.event })
        else observer({ kind: 'warning', message: `lease ${lease}: ${event.message}` })
      },
    })
    this.#running.set(lease, opened)
    this.#closed.set(lease, opened.ended)
    void opened.ended.then((end) => {
      if (end.outcome === 'finished' || end.outcome === 'failed') ended(lease, end)
    })
  }

  /** Ends a lease with a last checkpoint. */
  async release(lease: number): Promise<void> {
    const { observer } = this.#parts.settings
    observer({ kind: 'releasing', lease })
    const end = await this.#running.get(lease)?.release()
    if (end?.outcome === 'released') observer({ kind: 'leaseEnded', lease, end })
    this.#running.delete(lease)
    await this.#look(lease)
  }

  /** Ends all leases with a last checkpoint, and all copies. */
  async releaseAll(): Promise<void> {
    this.#ending.abort()
    await Promise.all([...this.#running.values()].map((lease) => lease.release()))
    await Promise.all([...this.#copies.keys()].map((lease) => this.#endCopy(lease)))
  }

  /** Ends all leases: nothing is committed from now on. */
  async lose(reason: string): Promise<void> {
    const lost = [...this.#running.values()]
    this.#running.clear()
    await Promise.all(lost.map((lease) => lease.lost(reason)))
  }

  /** Copies the state of just these leases. */
  copy(leases: readonly number[]): void {
    const wanted = new Set(leases)
    for (const lease of this.#copies.keys()) if (!wanted.has(lease)) void this.#endCopy(lease)
    for (const lease of wanted) if (!this.#copies.has(lease)) this.#copies.set(lease, this.#beginCopy(lease))
  }

  async #beginCopy(lease: number): Promise<Standby | undefined> {
    const { settings, job, port } = this.#parts
    const { observer } = settings
    const warn = (message: string): void =>
      observer({ kind: 'warning', message: `copy of lease ${lease}: ${message}` })
    try {
      // One that was ended before, or the lease itself.
      await this.#closed.get(lease)
      const { platform } = settings.job
      const { signal } = this.#ending
      return await openStandby({
        port,
        platform,
        directory: this.#directory(lease),
        job,
        lease,
        signal,
        warn,
      })
    } catch (error) {
      if (!this.#ending.signal.aborted) warn(describeError(error))
      return undefined
    }
  }

  /** Resolves when no copy uses the directory of a lease. */
  async #endCopy(lease: number): Promise<void> {
    const copy = this.#copies.get(lease)
    this.#copies.delete(lease)
    if (copy !== undefined) this.#closed.set(lease, this.#close(lease, copy))
    await this.#closed.get(lease)
  }

  async #close(lease: number, copy: Promise<Standby | undefined>): Promise<void> {
    await (await copy)?.close()
    await this.#look(lease)
  }

  async #look(lease: number): Promise<void> {
    const note = await readNote(this.#parts.settings.job.platform.fs, this.#directory(lease))
    if (note === undefined) this.#cached.delete(lease)
    else this.#cached.set(lease, note.offset)
  }

  #directory(lease: number): string {
    return `${this.#parts.settings.job.directory}/${lease}`
  }
}
