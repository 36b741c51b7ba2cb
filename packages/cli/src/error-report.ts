import path from 'node:path'
import { describeError, isMillraceError } from '@millrace/core'

/** Where the packages of Millrace are. */
const ownPackages = path.resolve(import.meta.dirname, '../..')

/** An error as the command reports it, whatever was thrown. */
export interface ErrorReport {
  readonly code: string
  /** What happened, where, and what to do. */
  readonly message: string
  /** Where in the user's program it was thrown, or the line of that program that called Millrace; undefined if none did. */
  readonly stack: string | undefined
}

/** Describes an error for the person who runs the job. */
export function reportOf(error: unknown): ErrorReport {
  const stack = stackOf(error)
  if (isMillraceError(error)) return { code: error.code, message: error.message, stack }
  return { code: 'INTERNAL', message: describeError(error), stack }
}

/** The stack of the first cause; of an error that Millrace raised on purpose, only the line of the user's program. */
function stackOf(error: unknown): string | undefined {
  if (isMillraceError(error)) {
    if (error.code.startsWith('FS_')) return undefined
    return error.cause === undefined ? framesOf(error).find(isOfUser) : stackOf(error.cause)
  }
  const frames = framesOf(error)
  return frames.length === 0 ? undefined : frames.join('\n')
}

function framesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  // The first line repeats the message.
  const lines = error.stack?.split('\n').map((line) => line.trim()) ?? []
  return lines.filter((line) => line.startsWith('at '))
}

function isOfUser(frame: string): boolean {
  const own = frame.indexOf(ownPackages)
  const isOwn =
    own >= 0 && /^[/\\][\w-]+[/\\](?:dist|src|bin)[/\\]/.test(frame.slice(own + ownPackages.length))
  return !isOwn && !/node:|\bnode_modules\b|<anonymous>\)?$/.test(frame)
}
