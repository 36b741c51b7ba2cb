import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import { kill, pid } from 'node:process'
import type { ProcessFacts, ProcessIdentity } from '@millrace/core/disk'
import { systemCode } from './fs-failure.ts'

/**
 * Facts about this process.
 *
 * Linux reports the start time of each process, in ticks since the boot, and identifies the boot and the
 * namespace of process ids. Together they identify a process uniquely, for processes in the same namespace.
 * On other systems the fate of a process is known only if it is this one, or if no process on this machine
 * has its id.
 */
export const nodeProcessFacts: ProcessFacts = {
  get self() {
    return (own ??= identify())
  },
  fateOf: (process) => Promise.resolve(fateOf(process)),
}

let own: ProcessIdentity | undefined

function fateOf(process: ProcessIdentity): 'running' | 'gone' | 'unknown' {
  const { self } = nodeProcessFacts
  if (isSame(process, self)) return 'running'
  if (process.boot !== self.boot || process.pidNamespace !== self.pidNamespace) return 'unknown'
  if (self.pidNamespace !== undefined) {
    return startOf(process.pid) === process.startedAt ? 'running' : 'gone'
  }
  if (process.host !== self.host || self.boot !== undefined) return 'unknown'
  return process.pid !== self.pid && isPresent(process.pid) ? 'unknown' : 'gone'
}

function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return (
    a.pid === b.pid &&
    a.host === b.host &&
    a.startedAt === b.startedAt &&
    a.boot === b.boot &&
    a.pidNamespace === b.pidNamespace
  )
}

function identify(): ProcessIdentity {
  const host = hostname()
  const atOrigin = `at:${Math.round(performance.timeOrigin)}`
  const boot = textOf(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim())
  const startedAt = startOf('self')
  if (boot === undefined || startedAt === undefined) return { pid, host, startedAt: atOrigin }
  // In a new namespace /proc may still be that of the old one, and then says nothing about the processes in
  // this one.
  const isOwn = textOf(() => readlinkSync('/proc/self')) === String(pid)
  const pidNamespace = isOwn ? textOf(() => readlinkSync('/proc/self/ns/pid')) : undefined
  return { pid, host, startedAt, boot, pidNamespace }
}

/** Whether any process has this id now. */
function isPresent(id: number): boolean {
  try {
    kill(id, 0)
    return true
  } catch (error) {
    // Any error but "no such process" means that one exists, under another user.
    return systemCode(error) !== 'ESRCH'
  }
}

/** The start time of a process from /proc; undefined if it does not run or there is no /proc. */
function startOf(id: number | 'self'): string | undefined {
  return textOf(() => startInStat(readFileSync(`/proc/${id}/stat`, 'utf8')))
}

function textOf(read: () => string | undefined): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}

/**
 * Parses the start time from /proc/<id>/stat (proc(5)); undefined for a process that is dead and waits to be
 * reaped. The second field is the command's name in parentheses and may contain spaces and parentheses.
 */
export function startInStat(line: string): string | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}
