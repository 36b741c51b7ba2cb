import { maskLogins } from '@millrace/core'
import type { Finding } from '../contract/happenings.ts'
import { subtasksOf } from '../job/figures.ts'
import { shareText, wholeText } from '../job/texts.ts'
import type { JobView } from '../job/job-view.ts'
import { finding } from './finding.ts'

/** What limits the speed: the slowest task, a hot key, a waiting sink, the process itself. */
export function speedFindings(watched: JobView): readonly Finding[] {
  return [...bottlenecks(watched), ...hotKeys(watched), ...outages(watched), ...overload(watched)]
}

function bottlenecks(watched: JobView): readonly Finding[] {
  const { graph } = watched
  return watched
    .figures()
    .tasks.filter(({ isBottleneck }) => isBottleneck)
    .map(({ task, shares, queued }) => {
      const { kind, subtasks } = graph.tasks.find((each) => each.task === task)!
      const waits = `'${task}' is the bottleneck: ${shareText(shares.busy)} busy, and everything before it waits (${wholeText(queued)} records are queued).`
      return finding('bottleneck', 'warning', waits, { operator: task, advice: adviceFor(kind, subtasks) })
    })
}

function adviceFor(kind: 'source' | 'chain' | 'async' | 'sink', subtasks: number): string {
  if (kind === 'sink') {
    return 'The system behind the sink is slower than its input: give it more, write larger batches, or raise parallelism.'
  }
  if (kind === 'async') return 'Raise its concurrency, as far as the system that it calls allows.'
  return subtasks === 1
    ? 'Do less work for each record there, or raise parallelism.'
    : 'Do less work for each record there, or raise parallelism further if there are free cores.'
}

/** One subtask of a keyed task gets so much more than the mean. */
const hotFrom = 2
/** Fewer records say nothing about the keys. */
const leastRecords = 1_000

function hotKeys({ graph, interval }: JobView): readonly Finding[] {
  return graph.tasks.flatMap(({ task, subtasks }) => {
    const isKeyed = graph.edges.some(({ to, exchange }) => to === task && exchange === 'key')
    if (!isKeyed || subtasks < 2) return []
    const shares = subtasksOf(task, interval).map(({ now, before }) => ({
      subtask: now.subtask,
      records: now.recordsIn - (before?.recordsIn ?? 0),
    }))
    const total = shares.reduce((sum, { records }) => sum + records, 0)
    const [most] = shares.toSorted((a, b) => b.records - a.records)
    if (most === undefined || total < leastRecords) return []
    const share = most.records / total
    if (share < hotFrom / subtasks || share < 0.5) return []
    const sentence = `Subtask ${most.subtask} of '${task}' gets ${shareText(share)} of the records of its ${subtasks} subtasks: a few keys have most of them.`
    const advice =
      'Aggregate in two stages (first by key and a part of it, then by key), or choose a key that divides the records more evenly.'
    return [finding('hot-key', 'warning', sentence, { operator: task, advice })]
  })
}

function outages(watched: JobView): readonly Finding[] {
  const flights = new Map(watched.figures().operators.map(({ operator, inFlight }) => [operator, inFlight]))
  return watched.job.status().outages.map(({ part, since, reason, breaker }) => {
    const waiting = flights.get(part) ?? 0
    const rest = waiting === 0 ? '' : ` ${wholeText(waiting)} records wait for it.`
    const isOpen = breaker === 'open' || breaker === 'half-open'
    const cause = isOpen ? 'its circuit breaker is open, because' : 'because'
    return finding(
      isOpen ? 'breaker-open' : 'outage',
      'problem',
      `'${part}' waits: ${cause} the system behind it fails (${maskLogins(reason)}).${rest}`,
      {
        operator: part,
        since,
        advice: 'Look at that system. The job tries again by itself, and nothing is lost.',
      },
    )
  })
}

/** The loop is late by this many milliseconds, or the heap is so full. */
const lateFromMs = 200
const heapFrom = 0.9

function overload({ runtime }: JobView): readonly Finding[] {
  const findings: Finding[] = []
  if (runtime.eventLoopDelayMaxMs >= lateFromMs) {
    findings.push(
      finding(
        'blocked-loop',
        'warning',
        `The event loop was blocked for ${Math.round(runtime.eventLoopDelayMaxMs)} ms: a function takes long without waiting.`,
        {
          advice: 'Find it with millrace profile; move long work into mapAsync with a worker.',
        },
      ),
    )
  }
  const share = runtime.heapUsedBytes / runtime.heapLimitBytes
  if (share >= heapFrom) {
    findings.push(
      finding('heap-full', 'problem', `The heap is ${shareText(share)} full.`, {
        advice: 'Give Node more with NODE_OPTIONS=--max-old-space-size, or let state expire sooner.',
      }),
    )
  }
  return findings
}
