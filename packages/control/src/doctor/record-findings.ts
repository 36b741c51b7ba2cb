import type { Finding } from '../contract/happenings.ts'
import { shareText, sizeText, wholeText } from '../job/texts.ts'
import type { JobView } from '../job/job-view.ts'
import { finding } from './finding.ts'

/** What becomes of records: none come, they fail, one split is behind, or state grows with each of them. */
export function recordFindings(watched: JobView): readonly Finding[] {
  return [...rejected(watched), ...silentSources(watched), ...slowSplits(watched), ...growingState(watched)]
}

function rejected(watched: JobView): readonly Finding[] {
  return watched.figures().operators.flatMap(({ operator, skipped, deadLettered, recordsIn }) => {
    const failed = skipped + deadLettered
    if (failed === 0) return []
    const share = failed / Math.max(1, recordsIn)
    const what = skipped > 0 ? 'skipped' : 'sent to the dead letters'
    return [
      finding(
        'rejected-records',
        share >= 0.05 ? 'problem' : 'note',
        `${wholeText(failed)} records of '${operator}' failed and were ${what} (${shareText(share)} of its input).`,
        {
          operator,
          advice:
            deadLettered > 0
              ? 'millrace dlq group shows why; dlq redrive sends them through again.'
              : 'Use deadLetter instead of skip to see why.',
        },
      ),
    ]
  })
}

function silentSources(watched: JobView): readonly Finding[] {
  const { phase } = watched.job.status()
  if (phase !== 'running') return []
  return watched.figures().operators.flatMap(({ operator, splits, recordsIn }) => {
    if (splits === null || recordsIn > 0 || splits > 0) return []
    const isBounded = watched.options.isBounded === true
    if (isBounded) return []
    return [
      finding('no-splits', 'warning', `Source '${operator}' has found nothing to read.`, {
        operator,
        advice: 'Check its path, topic or address; it looks again by itself.',
      }),
    ]
  })
}

/** A split has so many times the lag of the others together, and at least so much. */
const slowFrom = 4
const leastLagRecords = 1_000
const leastLagBytes = 1_000_000

function slowSplits({ interval, graph }: JobView): readonly Finding[] {
  return graph.operators.flatMap(({ id, kind }) => {
    const own = kind === 'source' ? (interval.now.bySource.get(id) ?? []) : []
    if (own.length < 2) return []
    for (const [unit, least] of [
      ['records', leastLagRecords],
      ['bytes', leastLagBytes],
    ] as const) {
      const sorted = own.toSorted((a, b) => (b.lag?.[unit] ?? 0) - (a.lag?.[unit] ?? 0))
      const most = sorted[0]!
      const lag = most.lag?.[unit] ?? 0
      const others = sorted.slice(1).reduce((sum, each) => sum + (each.lag?.[unit] ?? 0), 0)
      if (lag < least || lag < slowFrom * Math.max(1, others)) continue
      const amount = unit === 'bytes' ? sizeText(lag) : `${wholeText(lag)} records`
      const all = unit === 'bytes' ? sizeText(others) : wholeText(others)
      return [
        finding(
          'slow-split',
          'warning',
          `Split '${most.label}' of source '${id}' is ${amount} behind, the other ${own.length - 1} together ${all}.`,
          {
            operator: id,
            split: most.label,
            advice:
              'It gets more records than the others: divide its data over more splits, or raise parallelism.',
          },
        ),
      ]
    }
    return []
  })
}

/** State of an operator without expiry is worth a word from this size on. */
const largeCells = 100_000
/** And from this number of cells for each record on, it grows with the input. */
const growthFrom = 0.5

function growingState(watched: JobView): readonly Finding[] {
  const keeps = new Map(watched.graph.operators.map((each) => [each.id, each]))
  return watched.figures().operators.flatMap(({ operator, stateCells, stateBytes, recordsIn }) => {
    const node = keeps.get(operator)!
    if (node.kind !== 'operator' || stateCells < largeCells || stateCells < growthFrom * recordsIn) return []
    const size = stateBytes === null ? '' : ` (${sizeText(stateBytes)})`
    return [
      finding(
        'growing-state',
        'warning',
        `'${operator}' keeps ${wholeText(stateCells)} values${size} of ${wholeText(recordsIn)} records: its state grows with each record. It keeps ${node.keeps ?? 'state of each key'}.`,
        { operator, advice: 'Set ttl on its state, a shorter window, or a key with fewer values.' },
      ),
    ]
  })
}
