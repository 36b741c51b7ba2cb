import type { KafkaPort } from '@millrace/connector-kafka/port'
import { describeError } from '@millrace/core'
import type { Platform } from '@millrace/core/disk'
import { Standby } from '../replica/standby.ts'
import { lockDirectory } from './local-lock.ts'

/** What a standby of a lease is opened with. */
export interface StandbyLeaseOptions {
  readonly port: KafkaPort
  readonly platform: Platform
  /** The directory of the lease on this machine, as for `openLease`. */
  readonly directory: string
  readonly job: string
  readonly lease: number
  /** Ends the wait for another process that uses the directory. */
  readonly signal: AbortSignal
  readonly warn: (message: string) => void
  /** Called once, when the copy has all that was committed before it was opened. */
  readonly current?: (() => void) | undefined
}

/**
 * Opens a standby: it keeps the directory of a lease up to date while another worker holds it. Close it before the lease is
 * opened here: `openLease` then reads only what is missing. Rejects with `DIRECTORY_LOCKED` if another process uses the
 * directory.
 */
export async function openStandby(options: StandbyLeaseOptions): Promise<Standby> {
  const { platform, directory, signal, warn } = options
  const ending = new AbortController()
  const lost = (error: unknown): void => {
    warn(describeError(error))
    ending.abort()
  }
  const lock = await lockDirectory({ platform, directory, signal, lost, warn })
  const standby = new Standby({ ...options, lock })
  ending.signal.addEventListener('abort', () => void standby.close(), { once: true })
  return standby
}
