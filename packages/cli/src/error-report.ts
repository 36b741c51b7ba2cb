import path from 'node:path'
import { describeError, isMillraceError } from '@millrace/core'

/** The directories that contain Millrace's packages. */
const ownPackages = path.resolve(import.meta.dirname, '../..')

/** An error as the command prints it. */
export interface ErrorReport {
  readonly code: string
  /** What happened, where, and what to do. */
  readonly message: string
  /**
   * The position in the user's program where it was thrown, or where that program called Millrace; undefined
   * if unknown.
   */
  readonly stack: string | undefined
  /** The address of what the documentation says about it; undefined for an error of another kind. */
  readonly docs: string | undefined
}

/** Describes any thrown value for the person who runs the job. */
export function reportOf(error: unknown): ErrorReport {
  const stack = stackOf(error)
  if (isMillraceError(error)) return { code: error.code, message: error.message, stack, docs: error.docs }
  return { code: 'INTERNAL', message: describeError(error), stack, docs: undefined }
}

/**
 * Returns the stack of the first cause; for an error that Millrace throws on purpose, only the line of the
 * user's program.
 */
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

/** The error as text: code and message, the position in the user's program, and the page that explains it. */
export function reportText({ code, message, stack, docs }: ErrorReport): string {
  const lines = [`${code}: ${message}`, stack, docs === undefined ? undefined : `see ${docs}`]
  return lines.filter((line) => line !== undefined).join('\n')
}

function isOfUser(frame: string): boolean {
  const own = frame.indexOf(ownPackages)
  const isOwn =
    own >= 0 && /^[/\\][\w-]+[/\\](?:dist|src|bin)[/\\]/.test(frame.slice(own + ownPackages.length))
  return !isOwn && !/node:|\bnode_modules\b|<anonymous>\)?$/.test(frame)
}
