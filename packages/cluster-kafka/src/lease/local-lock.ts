import type { HeldDirectory, Platform } from '@millrace/core/disk'
import { DirectoryLock } from '@millrace/core/job'

/** What the lock on the directory of a lease reports. */
export interface LocalLockOptions {
  readonly platform: Platform
  readonly directory: string
  /** Ends the wait for another process. */
  readonly signal: AbortSignal
  readonly lost: (error: unknown) => void
  readonly warn: (message: string) => void
}

/** Keeps other processes of this machine from using the directory of a lease. Rejects with `DIRECTORY_LOCKED`. */
export function lockDirectory(options: LocalLockOptions): Promise<HeldDirectory> {
  const { platform, directory, signal, lost, warn } = options
  return DirectoryLock.take({
    platform,
    data: directory,
    directory: `${directory}/owner`,
    options: { leaseMs: 30_000, heartbeatMs: 5_000 },
    signal,
    waiting: (owner, leaseMs) =>
      warn(
        `${directory} may be in use by ${owner}; it can be used if that shows no sign of life for ${leaseMs} ms`,
      ),
    lost,
    warn,
  })
}
