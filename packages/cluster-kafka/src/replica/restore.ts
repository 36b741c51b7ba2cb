import { describeError } from '@millrace/core'
import type { KafkaPort, OffsetRange } from '@millrace/connector-kafka/port'
import { changelogDamaged, CopyDamaged, LocalCopy, type CopyOptions } from './local-copy.ts'
import { readLog } from './log-reader.ts'
import type { RestoreProgress } from './restore-progress.ts'
import { unlessAborted } from './unless-aborted.ts'

/** After so many bytes the copy is noted, so that a restore that is interrupted continues there. */
const noteEveryBytes = 256 * 2 ** 20

/** What a restore uses and reports to. */
export interface RestoreOptions extends CopyOptions {
  readonly port: Pick<KafkaPort, 'range' | 'feed'>
  readonly signal: AbortSignal
  readonly progress: (progress: RestoreProgress) => void
  readonly warn: (message: string) => void
  /** Reads everything from the beginning, whatever is on the disk. */
  readonly isAnew?: boolean
}

/**
 * Brings the data directory of a lease to the end of its changelog. From then on it is exactly what was committed.
 *
 * Reads what came since its note; everything, if there is no note that can be used or if files are damaged. Rejects with
 * `CHECKPOINT_CORRUPT` if the changelog itself does not fit together.
 */
export async function restoreDirectory(options: RestoreOptions): Promise<LocalCopy> {
  const { port, of, warn, isAnew = false } = options
  const range = await unlessAborted(port.range(of), options.signal)
  let copy = isAnew ? await LocalCopy.anew(options, range) : await LocalCopy.open(options, range)
  if (!copy.isFresh) {
    try {
      await readToEnd(copy, options, range)
      return copy
    } catch (error) {
      await copy.close()
      if (!(error instanceof CopyDamaged)) throw error
      warn(`${options.directory} is restored from its beginning: ${describeError(error)}`)
      copy = await LocalCopy.anew(options, range)
    }
  }
  try {
    await readToEnd(copy, options, range)
    return copy
  } catch (error) {
    await copy.close()
    throw error instanceof CopyDamaged ? changelogDamaged(of, error) : error
  }
}

async function readToEnd(copy: LocalCopy, options: RestoreOptions, range: OffsetRange): Promise<void> {
  const { port, of, platform, signal, progress } = options
  const startedAt = platform.clock.monotonic()
  const from = copy.image.offset
  let bytes = 0
  let noted = 0
  for await (const { records, next, bytes: read } of readLog(port, of, { from, until: range.end, signal })) {
    await copy.apply(records, next)
    bytes += read
    if (bytes - noted >= noteEveryBytes) {
      await copy.save()
      noted = bytes
    }
    const part = Math.min(1, (next - from) / Math.max(1, range.end - from))
    const tookMs = platform.clock.monotonic() - startedAt
    const remainingMs = part > 0 ? Math.round((tookMs * (1 - part)) / part) : undefined
    progress({ bytes, ofBytes: Math.max(bytes, Math.round(bytes / (part || 1))), remainingMs })
  }
  await copy.complete()
}
