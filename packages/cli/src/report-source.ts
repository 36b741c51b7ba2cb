// Loaded with every command: imports only small modules.
import process from 'node:process'
import { fileURLToPath } from 'node:url'

/** Set for a command whose parent watches the files that it loads. */
export const watchedVariable = 'MILLRACE_WATCHED'

/** What a watched command sends to its parent. */
export interface SourceReport {
  readonly millraceSource: string
}

/** Whether a parent watches the files that this command loads. */
export function isWatched(): boolean {
  return process.env[watchedVariable] !== undefined && process.send !== undefined
}

/** Stops this process when the parent that watches it is gone, as SIGTERM does. */
export function stopWithParent(): void {
  if (process.env[watchedVariable] === undefined || process.channel === undefined) return
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  process.channel.unref()
}

/** Reports a module to the parent of this process, if it watches: its own file, not one of a package. */
export function reportSource(url: string): void {
  if (!isWatched()) return
  if (!url.startsWith('file:') || url.includes('/node_modules/')) return
  const report: SourceReport = { millraceSource: fileURLToPath(url.replace(/[?#].*$/, '')) }
  process.send?.(report)
}
