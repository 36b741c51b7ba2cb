import type { ConnectPort } from '@millrace/connector-kafka/port'
import { MillraceError } from '@millrace/core'
import type { Graph } from '@millrace/core/graph'
import type { JobEvent, JobOptions } from '@millrace/core/job'
import { defaultKeyGroups } from '@millrace/core/store'
import type { LeaseEnd, LeaseStatus } from '../lease/lease.ts'
import type { JobEnding } from '../placement/messages.ts'

/** How a worker runs a job together with others. Durations are in milliseconds. */
export interface WorkerOptions {
  /** The job as it would start on one machine. Its directory is this worker's cache of the leases that it holds. */
  readonly job: Omit<
    JobOptions,
    'graph' | 'parallelism' | 'threads' | 'workers' | 'workerTimeoutMs' | 'owner' | 'ownership' | 'observer'
  >
  /** Builds the graph, with sources of its own: it is called for each lease. */
  readonly graphOf: () => Graph
  /** Connects to the Kafka cluster that places the work. */
  readonly connect: ConnectPort
  /**
   * Into how many parts the work is divided: the maximum number of workers. Fixed for the life of the state; all workers give the
   * same number. Default 16.
   */
  readonly leases?: number
  /**
   * Names this worker in its group, so that a restart within `sessionMs` moves nothing. No two workers have the same name. Default:
   * no name, and a restart moves its leases.
   */
  readonly name?: string | undefined
  /** Where other workers reach this one, to ask for the state that it has. Default: they do not. */
  readonly address?: string | undefined
  /** How many other workers keep a copy of the state of each lease, to take it over quickly. Default 0. */
  readonly standbys?: number
  /** After so long without a sign of life others take over what the worker holds. Default 10,000. */
  readonly sessionMs?: number
  readonly observer?: WorkerObserver
}

/** The options with defaults applied. */
export type WorkerSettings = Required<WorkerOptions> & {
  readonly job: WorkerOptions['job'] & { readonly keyGroups: number }
}

/** Is called with each event of a worker. Must not throw. */
export type WorkerObserver = (event: WorkerEvent) => void

/** What happens in a worker. */
export type WorkerEvent =
  /** It is a member of the group, which is formed of so many workers. */
  | { readonly kind: 'joined'; readonly workers: number }
  /** It may run a lease from now on. */
  | { readonly kind: 'gained'; readonly lease: number }
  /** The group wants to give a lease to another worker, which gets it after a last checkpoint here. */
  | { readonly kind: 'releasing'; readonly lease: number }
  | { readonly kind: 'lease'; readonly lease: number; readonly status: LeaseStatus }
  | { readonly kind: 'leaseEnded'; readonly lease: number; readonly end: LeaseEnd }
  /** An event of the job of a lease. */
  | { readonly kind: 'job'; readonly lease: number; readonly event: JobEvent }
  /** The job is to end, in all workers. */
  | { readonly kind: 'ending'; readonly how: JobEnding }
  /** The group has removed this worker, which stops all leases at once and joins again. */
  | { readonly kind: 'removed'; readonly reason: string }
  | { readonly kind: 'outage'; readonly reason: string }
  | { readonly kind: 'recovered' }
  | { readonly kind: 'warning'; readonly message: string }

/** How a worker ended. */
export type WorkerResult =
  /** The bounded input of the whole job was read to its end, and all is committed. */
  | { readonly outcome: 'finished' }
  /** It was stopped. Everything that it has read is committed, and others continue with what it held. */
  | { readonly outcome: 'stopped' }
  /** It failed; nothing after the last checkpoints of its leases was committed. */
  | { readonly outcome: 'failed'; readonly error: unknown }

const leasesByDefault = 16
/** How many leases a job may have. */
const leasesMax = 1024

/** Applies defaults. Throws `OPTION_INVALID`, naming the option. */
export function workerSettingsOf(options: WorkerOptions): WorkerSettings {
  const settings: WorkerSettings = {
    leases: leasesByDefault,
    name: undefined,
    address: undefined,
    standbys: 0,
    sessionMs: 10_000,
    observer: () => {},
    ...options,
    job: { keyGroups: defaultKeyGroups(options.leases ?? leasesByDefault), ...options.job },
  }
  whole('leases', settings.leases, 1, leasesMax)
  whole('standbys', settings.standbys, 0, settings.leases)
  whole('sessionMs', settings.sessionMs, 100, 1_800_000)
  return settings
}

function whole(name: string, value: number, least: number, most: number): void {
  if (Number.isInteger(value) && value >= least && value <= most) return
  throw new MillraceError(
    'OPTION_INVALID',
    `${name} is ${value}; it must be a whole number from ${least} to ${most}`,
  )
}
