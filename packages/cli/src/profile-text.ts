import type { FunctionProfile, JobProfile } from '@millrace/control/contract'
import { columns } from './columns.ts'
import { printable } from './printable.ts'
import { bytesText, whole } from './status-text.ts'

/** What each part of a pipeline costs, what else the process does, and what its subtasks do. */
export function profileText(profile: JobProfile): string {
  const { durationMs, cpuMs, operators, others, subtasks, threads } = profile
  const seconds = (durationMs / 1_000).toFixed(1)
  const head = `${whole(cpuMs)} ms of CPU in ${seconds} s, in ${threads.length === 1 ? '1 thread' : `${threads.length} threads`}`
  const rows = operators.map((each) => [
    each.operator,
    `${whole(each.cpuMs)} ms`,
    shareText(each.share),
    whole(each.records),
    each.nsPerRecord === null ? '' : `${whole(each.nsPerRecord)} ns`,
    each.stateBytes === null || each.stateBytes === 0 ? '' : bytesText(each.stateBytes),
    functionText(each.functions),
  ])
  const rest = others.map(({ name, cpuMs: own, functions }) => [
    name,
    `${whole(own)} ms`,
    shareText(cpuMs === 0 ? 0 : own / cpuMs),
    '',
    '',
    '',
    functionText(functions),
  ])
  const tasks = subtasks.map(({ task, subtask, doing, busy, queued }) => [
    `${task}/${subtask}`,
    doing,
    shareText(busy),
    whole(queued),
  ])
  return `${[
    head,
    '',
    ...columns([['operator', 'cpu', 'share', 'records', 'each', 'state', 'most in'], ...rows, ...rest]),
    '',
    ...columns([['subtask', 'doing', 'busy', 'queued'], ...tasks]),
  ]
    .map(printable)
    .join('\n')}\n`
}

function shareText(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

function functionText([most]: readonly FunctionProfile[]): string {
  if (most === undefined) return ''
  return most.place === '' ? most.name : `${most.name} ${most.place.split('/').at(-1)!}`
}
