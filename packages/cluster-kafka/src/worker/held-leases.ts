import type { KafkaPort } from '@millrace/connector-kafka/port'
import { describeError } from '@millrace/core'
import type { Job } from '@millrace/core/job'
import { sleep } from '@millrace/world'
import type { Lease, LeaseEnd, LeaseStatus } from '../lease/lease.ts'
import { openLease } from '../lease/open-lease.ts'
import { openStandby } from '../lease/open-standby.ts'
import { readNote } from '../replica/image.ts'
import { dataOf } from '../replica/local-copy.ts'
import type { Standby } from '../replica/standby.ts'
import { graphOfLease } from '../shuffle/graph-of-lease.ts'
import type { WorkerSettings } from './worker-options.ts'

/** What the leases of a worker need. */
export interface HeldLeasesParts {
  readonly settings: WorkerSettings
  /** The name of the job. */
  readonly job: string
  /** The names of the sources of the job. */
  readonly sources: readonly string[]
  readonly port: KafkaPort
  /** Called when another copy is up to date. */
  readonly copied: () => void
  /** Called when the input of a lease has ended, or its job has failed. */
  readonly ended: (lease: number, end: Extract<LeaseEnd, { outcome: 'finished' | 'failed' }>) => void
}

/** A copy of the data directory of a lease, which another worker runs. */
export interface LeaseCopy {
  /** Its directory: a data directory whose newest checkpoint can be read at any time. */
  readonly directory: string
  /** How many offsets of the changelog it is behind; undefined before the cluster has answered. */
  readonly behind: number | undefined
}

/** A copy in the making. */
interface Copying {
  readonly ending: AbortController
  /** Resolves when nothing of it runs any more. */
  over: Promise<void>
  /** Undefined before it follows the lease, and after. */
  standby: Standby | undefined
  /** Whether it has all that was committed before it began to follow. */
  isCurrent: boolean
}

/** The pause before a copy that has failed is begun again, in milliseconds. */
const copyAgainMs = 10_000

/** The leases that this worker runs, and those of others whose state it copies. */
export class HeldLeases {
  readonly #parts: HeldLeasesParts
  readonly #running = new Map<number, Lease>()
  readonly #copies = new Map<number, Copying>()
  #isDraining = false
  /** Whether all leases end, and none begins any more. */
  #isEnding = false
  /** By lease: up to which offset of the changelog its state is on the disk. */
  readonly #cached = new Map<number, number>()

  private constructor(parts: HeldLeasesParts) {
    this.#parts = parts
  }

  /** Ends the input of all leases, also of those that are gained later: windows and timers fire, then they end. */
  drain(): void {
    this.#isDraining = true
    for (const { job } of this.#running.values()) if (job !== undefined) this.#endInput(job)
  }

  #endInput(job: Job): void {
    // What was sent to this lease is read to its end: that comes when all leases have ended.
    for (const source of this.#parts.sources) job.endInput(source)
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

  /** The leases of others whose copy here is up to date. */
  get current(): readonly number[] {
    return [...this.#copies].filter(([, { isCurrent }]) => isCurrent).map(([lease]) => lease)
  }

  get statuses(): readonly { readonly lease: number; readonly status: LeaseStatus }[] {
    return [...this.#running].map(([lease, { status }]) => ({ lease, status }))
  }

  copyOf(lease: number): LeaseCopy | undefined {
    const { standby } = this.#copies.get(lease) ?? {}
    return standby && { directory: dataOf(this.#directory(lease)), behind: standby.behind }
  }

  /** Runs a lease, in a run of the job. */
  async gain(lease: number, run: string): Promise<void> {
    const { settings, job, port, ended } = this.#parts
    const { observer, leases } = settings
    const { platform, store, keyGroups, ...options } = settings.job
    await this.#endCopy(lease)
    // The group may give it another lease while it makes its last checkpoints.
    if (this.#isEnding) return
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
        if (event.kind === 'status') this.#became(lease, event.status)
        else if (event.kind === 'job') observer({ kind: 'job', lease, event: event.event })
        else observer({ kind: 'warning', message: `lease ${lease}: ${event.message}` })
      },
    })
    this.#running.set(lease, opened)
    void opened.ended.then((end) => {
      if (end.outcome === 'finished' || end.outcome === 'failed') ended(lease, end)
    })
  }

  #became(lease: number, status: LeaseStatus): void {
    if (this.#isDraining && status.phase === 'running') this.#endInput(status.job)
    this.#parts.settings.observer({ kind: 'lease', lease, status })
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
    this.#isEnding = true
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
    for (const lease of wanted) {
      const copying = this.#copies.get(lease)
      if (copying === undefined || copying.ending.signal.aborted) this.#beginCopy(lease, copying?.over)
    }
  }

  #beginCopy(lease: number, before: Promise<void> = Promise.resolve()): void {
    const copying: Copying = {
      ending: new AbortController(),
      over: before,
      standby: undefined,
      isCurrent: false,
    }
    this.#copies.set(lease, copying)
    copying.over = before.then(() => this.#copy(lease, copying))
  }

  /** Copies the state of a lease until that is not wanted any more. What fails is tried again after a pause. */
  async #copy(lease: number, copying: Copying): Promise<void> {
    const { platform } = this.#parts.settings.job
    const { signal } = copying.ending
    // It may be on its way from here to another worker.
    await this.#running.get(lease)?.ended
    while (!signal.aborted) {
      const failure = await this.#follow(lease, copying).catch((error: unknown) => error)
      copying.standby = undefined
      copying.isCurrent = false
      if (signal.aborted) return
      this.#warnOfCopy(lease, `${describeError(failure)}; it is begun again in ${copyAgainMs / 1_000} s`)
      await sleep(platform.clock, copyAgainMs, signal).catch(() => {})
    }
  }

  /** Follows a lease until that is not wanted any more, or resolves with what has failed. */
  async #follow(lease: number, copying: Copying): Promise<unknown> {
    const { settings, job, port } = this.#parts
    const { platform } = settings.job
    const { signal } = copying.ending
    const directory = this.#directory(lease)
    const warn = (message: string): void => this.#warnOfCopy(lease, message)
    const current = (): void => {
      copying.isCurrent = true
      this.#parts.copied()
    }
    const standby = await openStandby({ port, platform, directory, job, lease, signal, warn, current })
    copying.standby = standby
    if (signal.aborted) void standby.close()
    return (await standby.ended).error
  }

  #warnOfCopy(lease: number, message: string): void {
    this.#parts.settings.observer({ kind: 'warning', message: `copy of lease ${lease}: ${message}` })
  }

  /** Resolves when nothing of the copy runs any more, also if it is being ended already. */
  async #endCopy(lease: number): Promise<void> {
    const copying = this.#copies.get(lease)
    if (copying === undefined) return
    copying.ending.abort()
    copying.isCurrent = false
    await copying.standby?.close()
    await copying.over
    if (this.#copies.get(lease) === copying) this.#copies.delete(lease)
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
