import { describeError, isMillraceError } from '@millrace/core'
import { promised } from './broken-promise.ts'
import type { Case } from './cases.ts'
import { emptyBeginning } from './crash-points.ts'
import { live, type Life, type LifeOptions } from './life.ts'
import { OutputReader } from './output-reader.ts'
import { requireCalm, requireFinished } from './recovery.ts'

/** Starts the job a second time in another process while the first runs. */
export function* secondProcesses(options: LifeOptions = {}): Generator<Case> {
  yield { name: 'a second process', run: () => startTwice(options) }
}

/** The second fails with a message that the directory is in use, and the first is not affected. */
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
      ? `a second process could start; it ended as ${result.outcome}`
      : `a second process failed with something else: ${describeError(error)}`,
  )
  requireCalm(first)
  requireFinished(fs, reader)
  return 'refused'
}
