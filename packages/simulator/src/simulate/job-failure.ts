import { isMillraceError } from '@millrace/core'
import { OperatorError } from '@millrace/core/operator'
import type { BrokenPromise } from './run-plan.ts'

/** The operator or sink that changed a record, if that is why a job failed. */
export function mutationIn(error: unknown): BrokenPromise | undefined {
  for (let at = error; isMillraceError(at); at = at.cause) {
    if (at.code !== 'RECORD_MUTATED') continue
    const where = at instanceof OperatorError ? at.operator : ''
    return { kind: 'mutation', where, what: at.message }
  }
  return undefined
}

/** Codes of errors that mean that the data directory cannot be used; a lock counts if it names an unknown process. */
const loud: ReadonlySet<string> = new Set([
  'CHECKPOINT_CORRUPT',
  'CHECKPOINT_INCOMPATIBLE',
  'DIRECTORY_LOCKED',
])

/** Whether an error reports that the data directory cannot be used because it is damaged. */
export function isLoud(error: unknown): boolean {
  for (let at = error; isMillraceError(at); at = at.cause) {
    if (loud.has(at.code)) return true
  }
  return false
}
