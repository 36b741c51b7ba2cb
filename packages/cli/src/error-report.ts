import { describeError, isMillraceError } from '@millrace/core'

/** An error as the command reports it, whatever was thrown. */
export interface ErrorReport {
  readonly code: string
  /** What happened, where, and what to do. */
  readonly message: string
  /** Where in the user's program it was thrown; undefined for one that Millrace raised on purpose, or that the disk did. */
  readonly stack: string | undefined
}

/** Describes an error for the person who runs the job. */
export function reportOf(error: unknown): ErrorReport {
  const stack = stackOf(error)
  if (isMillraceError(error)) return { code: error.code, message: error.message, stack }
  return { code: 'INTERNAL', message: describeError(error), stack }
}

/** The stack of what started it all, if it was not raised on purpose. */
function stackOf(error: unknown): string | undefined {
  if (isMillraceError(error)) {
    const isOfDisk = error.code.startsWith('FS_')
    return error.cause === undefined || isOfDisk ? undefined : stackOf(error.cause)
  }
  if (!(error instanceof Error)) return undefined
  // The first line repeats the message.
  const lines = error.stack?.split('\n').map((line) => line.trim()) ?? []
  const frames = lines.filter((line) => line.startsWith('at '))
  return frames.length === 0 ? undefined : frames.join('\n')
}
