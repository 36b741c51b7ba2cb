import type { TimeHolder } from '../contract/figures.ts'
import type { Finding } from '../contract/happenings.ts'
import { roundedDuration, shareText, timeText, wholeText } from '../job/texts.ts'
import type { JobView } from '../job/job-view.ts'
import { finding } from './finding.ts'

/** Shorter waits are normal, in milliseconds. */
const waitFromMs = 10_000

/** Why event time does not advance, so that windows do not fire; and why records are late. */
export function eventTimeFindings(watched: JobView): readonly Finding[] {
  return [
    ...waits(watched),
    ...pausedSources(watched),
    ...lateRecords(watched),
    ...strangeTimes(watched),
    ...neverFiring(watched),
  ]
}

function waits(watched: JobView): readonly Finding[] {
  const { now } = watched
  return watched
    .figures()
    .holders.filter(({ since, source }) => now - since >= waitFromMs && !watched.job.paused.includes(source))
    .map((holder) => {
      const { source, split, since, sentence } = holder
      return finding('idle-split', 'problem', `${sentence} Windows after it do not fire.`, {
        operator: source,
        split,
        since,
        advice: adviceFor(holder),
      })
    })
}

function adviceFor({ split, isQuiet, idleAfterMs }: TimeHolder): string {
  if (split === null) return 'Wait until they are read, or raise maxOpenReaders.'
  if (!isQuiet) return 'Its records are older than those of the others: it is behind, or its times are wrong.'
  return idleAfterMs === null
    ? 'Set idleAfter in withTimestamps, so that a split that brings nothing is not waited for.'
    : `It is waited for until it has been quiet for ${roundedDuration(idleAfterMs)}, the idleAfter of withTimestamps; set less.`
}

function pausedSources({ job }: JobView): readonly Finding[] {
  return job.paused.map((source) =>
    finding('paused-source', 'note', `Source '${source}' is paused, and event time waits for it.`, {
      operator: source,
      advice: `millrace resume lets it read again.`,
    }),
  )
}

/** From this share of the input on, late records are no exception. */
const lateFrom = 0.01

function lateRecords(watched: JobView): readonly Finding[] {
  return watched.figures().operators.flatMap(({ operator, late, recordsIn }) => {
    if (late === 0) return []
    const share = late / Math.max(1, recordsIn)
    const isMany = share >= lateFrom
    return [
      finding(
        'late-records',
        isMany ? 'warning' : 'note',
        `${wholeText(late)} records came too late for '${operator}' (${shareText(share)} of its input).`,
        {
          operator,
          advice: isMany
            ? 'Records are more out of order than maxOutOfOrderness in withTimestamps allows: raise it, or set allowedLateness on the window.'
            : '',
        },
      ),
    ]
  })
}

/** A clock is rarely wrong by more, in milliseconds. */
const futureFromMs = 60_000
/** Splits that differ by more have different clocks or a backlog. */
const skewFromMs = 3_600_000

/** Times in the future carry event time away, and make all other records late. */
function strangeTimes({ interval, graph }: JobView): readonly Finding[] {
  const { splits, at } = interval.now
  const findings: Finding[] = []
  for (const { id } of graph.operators.filter(({ kind }) => kind === 'source')) {
    const own = splits.filter(({ source, newest }) => source === id && Number.isFinite(newest) && newest > 0)
    const ahead = own.toSorted((a, b) => b.newest - a.newest)[0]
    if (ahead === undefined) continue
    if (ahead.newest - at > futureFromMs) {
      findings.push(
        finding(
          'future-time',
          'warning',
          `Split '${ahead.label}' of source '${id}' has a record of ${timeText(ahead.newest)}, ${roundedDuration(ahead.newest - at)} in the future: event time follows it, and other records are late.`,
          {
            operator: id,
            split: ahead.label,
            advice:
              'Correct the clock of the producer, the unit of the times, or drop such records in a filter before withTimestamps.',
          },
        ),
      )
    }
    const behind = own.filter(({ state }) => state !== 'idle').toSorted((a, b) => a.newest - b.newest)[0]
    if (behind !== undefined && ahead.newest - behind.newest > skewFromMs) {
      findings.push(
        finding(
          'time-skew',
          'note',
          `Split '${behind.label}' of source '${id}' is ${roundedDuration(ahead.newest - behind.newest)} behind split '${ahead.label}' in event time, and windows wait for it.`,
          {
            operator: id,
            split: behind.label,
            advice:
              'If it is a backlog, set maxDrift in withTimestamps, so that the others do not fill state; if a clock is wrong, correct it.',
          },
        ),
      )
    }
  }
  return findings
}

/** An operator with timers that has received so many records and emitted nothing. */
const recordsFrom = 1_000

function neverFiring(watched: JobView): readonly Finding[] {
  const { operators, holders } = watched.figures()
  if (holders.length > 0) return []
  const types = new Map(watched.graph.operators.map(({ id, type }) => [id, type]))
  return operators.flatMap(({ operator, recordsIn, recordsOut, watermark, stateCells }) => {
    if (types.get(operator) !== 'window' || recordsIn < recordsFrom || recordsOut > 0 || stateCells === 0)
      return []
    const where = watermark === null ? 'event time has not begun' : `event time is at ${timeText(watermark)}`
    return [
      finding(
        'silent-window',
        'warning',
        `Window '${operator}' has taken in ${wholeText(recordsIn)} records and emitted nothing: ${where}, before the end of its first window.`,
        {
          operator,
          advice:
            'Wait until event time has passed the end of the window; if it is much longer than intended, check its size and the unit of the times.',
        },
      ),
    ]
  })
}
