import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { performance } from 'node:perf_hooks'
import { kill, pid } from 'node:process'
import type { ProcessFacts } from '@millrace/core'
import { systemCode } from './fs-failure.ts'

/**
 * The facts of this process.
 *
 * Linux tells when any process started, as ticks since the boot; with the id of the boot this names a
 * process for good. Elsewhere a process knows only its own start, so of another one with the same id
 * `isRunning` says that it runs: a lock is then kept too long rather than taken too early.
 */
export const nodeProcessFacts: ProcessFacts = {
  id: pid,
  host: hostname(),
  get startedAt() {
    return startOf(pid) ?? ownStart()
  },
  isRunning(id, startedAt) {
    return Promise.resolve(isRunning(id, startedAt))
  },
}

function isRunning(id: number, startedAt: string): boolean {
  if (startOf(pid) !== undefined) return startOf(id) === startedAt
  if (id === pid) return startedAt === ownStart()
  try {
    kill(id, 0)
    return true
  } catch (error) {
    // Anything but "no such process" means that there is one, under another user.
    return systemCode(error) !== 'ESRCH'
  }
}

function ownStart(): string {
  return `at:${Math.round(performance.timeOrigin)}`
}

/** When a process started, as /proc tells it; undefined if it does not run or there is no /proc. */
function startOf(id: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const start = startInStat(readFileSync(`/proc/${id}/stat`, 'utf8'))
    return start && `${boot}:${start}`
  } catch {
    // No such process, or no such system: the callers tell the two apart by asking about themselves.
    return undefined
  }
}

/**
 * The start in a line of /proc/<id>/stat (proc(5)), or undefined for a process that is dead and waits to
 * be reaped. The second field is a command's name in parentheses and may hold spaces and parentheses.
 */
export function startInStat(line: string): string | undefined {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const state = fields[0]
  return state === 'Z' || state === 'X' ? undefined : fields[19]
}
