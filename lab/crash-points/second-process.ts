import { describeError, isMillraceError } from '@millrace/core'
import { promised } from './broken-promise.ts'
import type { Case } from './cases.ts'
import { emptyBeginning } from './crash-points.ts'
import { live, type Life, type LifeOptions } from './life.ts'
import { OutputReader } from './output-reader.ts'
import { requireCalm, requireFinished } from './recovery.ts'

/** The job, started a second time by another process while the first is at work. */
export function* secondProcesses(options: LifeOptions = {}): Generator<Case> {
  yield { name: 'a second process', run: () => startTwice(options) }
}

/** The second is told that the directory is taken, and the first does not notice. */
async function startTwice(options: LifeOptions): Promise<string> {
  const fs = emptyBeginning(options).disk()
  const reader = OutputReader.new()
  let second: Promise<Life> | undefined
  const onEvent: LifeOptions['onEvent'] = ({ kind }) => {
    if (kind === 'checkpointCompleted') second ??= live(fs, OutputReader.new(), { ...options, seed: 99 })
  }
  const first = await live(fs, reader, { ...options, onEvent })
  const { result } = await second!
  const error = result.outcome === 'failed' ? result.error : undefined
  promised(isMillraceError(error, 'DIRECTORY_LOCKED'), () =>
    error === undefined
      ? `a second process was let in; it ended as ${result.outcome}`
      : `a second process failed with something else: ${describeError(error)}`,
  )
  requireCalm(first)
  requireFinished(fs, reader)
  return 'refused'
}
