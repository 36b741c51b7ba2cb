import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startJob, type JobOptions } from '@millrace/core/job'
import type { DeadLetter } from '@millrace/core/operator'
import { rehearsalOf, type KeptLetter } from '@millrace/flow'

/** What came of a rehearsal. */
export interface RehearsalResult {
  /** How many records each sink has received, by name. */
  readonly written: ReadonlyMap<string, number>
  readonly failed: readonly DeadLetter[]
  /** The error of the job, if a letter ended it. */
  readonly error: unknown
}

/** Runs letters through a pipeline on a copy of its data directory, which is removed afterwards. */
export async function rehearse(
  options: JobOptions,
  letters: readonly KeptLetter[],
): Promise<RehearsalResult> {
  const copy = await mkdtemp(path.join(tmpdir(), 'millrace-rehearsal-'))
  try {
    const owner = path.join(options.directory, 'owner')
    await cp(options.directory, copy, { recursive: true, filter: (from) => from !== owner })
    const { graph, read, written, failed } = rehearsalOf(options.graph, letters)
    const job = startJob({ ...options, graph, directory: copy, isBounded: false, restart: { kind: 'none' } })
    void read.then(() => job.stop())
    const result = await job.ended
    return { written, failed, error: result.outcome === 'failed' ? result.error : undefined }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}
