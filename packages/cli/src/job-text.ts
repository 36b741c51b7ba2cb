import type {
  Diagnosis,
  EventRow,
  JobFigures,
  JobList,
  JobOverview,
  LogRow,
  PartList,
} from '@millrace/control/contract'
import { columns } from './columns.ts'
import { printable } from './printable.ts'
import { bytesText, dateText, roundedDuration, whole } from './status-text.ts'

/** The state of a job, and a line for each operator. */
export function overviewText(overview: JobOverview, { operators, tasks, holders }: JobFigures): string {
  const { job, phase, readiness, inRate, outRate, lastCheckpoint, totals, restarts } = overview
  const lines = [`${job}: ${phase}   ${whole(inRate)} in/s   ${whole(outRate)} out/s   restarts ${restarts}`]
  lines.push(...readiness.reasons, ...holders.map(({ sentence }) => sentence))
  if (lastCheckpoint !== null) {
    const { checkpoint, durationMs, at } = lastCheckpoint
    lines.push(`checkpoint ${checkpoint} at ${dateText(at)} UTC took ${whole(durationMs)} ms`)
  }
  lines.push(`state ${whole(totals.stateCells)} values, ${bytesText(totals.stateBytes)}`, '')
  const busy = new Map(tasks.map(({ task, shares }) => [task, shares.busy]))
  const rows = operators.map((each) => [
    each.operator,
    whole(each.recordsIn),
    whole(each.recordsOut),
    `${whole(each.inRate)}/s`,
    busy.has(each.operator) ? `${Math.round(busy.get(each.operator)! * 100)} %` : '',
    each.watermarkLagMs === null ? '' : roundedDuration(each.watermarkLagMs),
    whole(each.stateCells),
  ])
  return `${[...lines, ...columns([['operator', 'in', 'out', 'rate', 'busy', 'lag', 'state'], ...rows])].map(printable).join('\n')}\n`
}

/** Where the parts of a job are that several workers run, and what those do that are here. */
export function partsText({ job, workers, parts }: PartList, jobs: JobList['jobs']): string {
  const here = new Map(jobs.map((each) => [each.job, each]))
  const rows = parts.map(({ part, address }) => {
    const own = here.get(part)
    if (own === undefined)
      return [part, '', '', '', address ?? 'on its way, or at a worker without --control']
    return [part, own.phase, whole(own.inRate), whole(own.outRate), 'here']
  })
  const head = `${job}: ${whole(workers)} ${workers === 1 ? 'worker' : 'workers'}, ${whole(parts.length)} ${parts.length === 1 ? 'lease' : 'leases'}`
  const table = columns([['lease', 'phase', 'in/s', 'out/s', 'worker'], ...rows])
  return `${[head, '', ...table].map(printable).join('\n')}\n`
}

/** The findings of the doctor, each with what helps. */
export function diagnosisText({ findings }: Diagnosis): string {
  if (findings.length === 0) return 'nothing is wrong\n'
  return findings
    .map(
      ({ severity, sentence, advice }) => `${severity}: ${sentence}${advice === '' ? '' : `\n  ${advice}`}\n`,
    )
    .map((text) => text.split('\n').map(printable).join('\n'))
    .join('\n')
}

/** An event as a line. */
export function eventText({ at, kind, level, text, by, asked }: EventRow): string {
  const mark = level === 'warning' || level === 'error' ? `${level}: ` : ''
  const who = by === null ? '' : ` (${by}: ${asked})`
  return printable(`${dateText(at)}  ${kind}  ${mark}${text}${who}`)
}

/** A line of the log as it is printed. */
export function lineText({ at, level, text }: LogRow): string {
  const mark = level === 'info' ? '' : `${level}: `
  return printable(`${dateText(at)}  ${mark}${text}`)
}
