import type { TaskSample, TimeSpent } from '@millrace/core/job'
import type {
  JobFigures,
  OperatorFigures,
  Shares,
  StateTableRow,
  SubtaskFigures,
  TaskFigures,
} from '../contract/figures.ts'
import type { GraphOperator, GraphTask, JobGraph } from '../contract/graph.ts'
import type { Sample } from './sampling.ts'
import { epochTime, lagOf, leastKnown, sumOf, sumOfKnown } from './sums.ts'

/** A moment and an earlier one: figures per second are computed between them. */
export interface Interval {
  readonly now: Sample
  readonly before: Sample
}

/** By operator: the state of its circuit breaker, for those whose system cannot be reached. */
export type Breakers = ReadonlyMap<string, OperatorFigures['breaker']>

/** The figures of every operator and task. */
export function figuresOf(
  graph: JobGraph,
  interval: Interval,
  breakers: Breakers,
): Omit<JobFigures, 'holders'> {
  const tasks = graph.tasks.map((task) => taskFigures(task, interval))
  const slow = bottlenecks(tasks, graph)
  return {
    at: interval.now.at,
    operators: operatorFigures(graph, interval, breakers),
    tasks: tasks.map((task) => ({ ...task, isBottleneck: slow.has(task.task) })),
  }
}

/** A task counts as one that waits for others from this share of its time on. */
const waitsFrom = 0.3
/** A task that others wait for and that is so little back-pressured itself is the cause. */
const waitsBelow = 0.2

/** The tasks that tasks before them wait for, while they themselves do not wait. */
function bottlenecks(tasks: readonly TaskFigures[], graph: JobGraph): ReadonlySet<string> {
  const shares = new Map(tasks.map((each) => [each.task, each.shares]))
  const taskOf = new Map(graph.operators.map(({ id, task }) => [id, task]))
  const found = new Set<string>()
  for (const { from, to, isInsideTask } of graph.edges) {
    const [before, task] = [taskOf.get(from)!, taskOf.get(to)!]
    if (isInsideTask || shares.get(before)!.backPressured < waitsFrom) continue
    if (shares.get(task)!.backPressured < waitsBelow) found.add(task)
  }
  return found
}

/** The subtasks of one task, with the same subtasks earlier. */
export function subtasksOf(
  task: string,
  { now, before }: Interval,
): readonly { readonly now: TaskSample; readonly before: TaskSample | undefined }[] {
  const earlier = before.byTask.get(task) ?? []
  return (now.byTask.get(task) ?? []).map((each) => ({
    now: each,
    before: earlier.find(({ subtask }) => subtask === each.subtask),
  }))
}

function taskFigures({ task }: GraphTask, interval: Interval): TaskFigures {
  const subtasks = subtasksOf(task, interval)
  const shares = subtasks.map((each) => sharesOf(each.now.times, each.before?.times))
  const busiest = shares.reduce(
    (most, { busy }, at) => (busy > most.busy ? { subtask: subtasks[at]!.now.subtask, busy } : most),
    { subtask: 0, busy: 0 },
  )
  return {
    task,
    shares: meanOf(shares),
    busiest,
    queued: sumOf(subtasks, (each) => each.now.queued),
    isBottleneck: false,
  }
}

/** What a subtask did between two moments. */
function sharesOf(now: TimeSpent, before: TimeSpent | undefined): Shares {
  const since = before === now || before === undefined ? noTime : before
  const busy = now.busyMs - since.busyMs
  const backPressured = now.backPressuredMs - since.backPressuredMs
  const idle = now.idleMs - since.idleMs
  const waiting = now.waitingMs - since.waitingMs
  const total = busy + backPressured + idle + waiting
  if (total <= 0) return { busy: 0, backPressured: 0, idle: 1, waiting: 0 }
  return {
    busy: busy / total,
    backPressured: backPressured / total,
    idle: idle / total,
    waiting: Math.max(0, waiting / total),
  }
}

const noTime: TimeSpent = { busyMs: 0, backPressuredMs: 0, idleMs: 0, waitingMs: 0 }

function meanOf(shares: readonly Shares[]): Shares {
  if (shares.length === 0) return { busy: 0, backPressured: 0, idle: 1, waiting: 0 }
  const mean = (of: (each: Shares) => number): number => sumOf(shares, of) / shares.length
  return {
    busy: mean((each) => each.busy),
    backPressured: mean((each) => each.backPressured),
    idle: mean((each) => each.idle),
    waiting: mean((each) => each.waiting),
  }
}

/** Everything that is counted by the name of an operator, so that each sample is read once. */
interface ByOperator {
  readonly recordsIn: number
  readonly recordsOut: number
  readonly metrics: ReadonlyMap<string, number>
}

function byOperator(tasks: readonly TaskSample[]): ReadonlyMap<string, ByOperator> {
  const found = new Map<string, { recordsIn: number; recordsOut: number; metrics: Map<string, number> }>()
  const of = (operator: string): { recordsIn: number; recordsOut: number; metrics: Map<string, number> } => {
    let counts = found.get(operator)
    if (counts === undefined)
      found.set(operator, (counts = { recordsIn: 0, recordsOut: 0, metrics: new Map() }))
    return counts
  }
  for (const task of tasks) {
    for (const { operator, recordsIn, recordsOut } of task.operators) {
      const counts = of(operator)
      counts.recordsIn += recordsIn
      counts.recordsOut += recordsOut
    }
    for (const { operator, metric, count } of task.counts) {
      const { metrics } = of(operator)
      metrics.set(metric, (metrics.get(metric) ?? 0) + count)
    }
  }
  return found
}

function operatorFigures(
  graph: JobGraph,
  { now, before }: Interval,
  breakers: Breakers,
): readonly OperatorFigures[] {
  const counts = byOperator(now.tasks)
  const earlier = byOperator(before.tasks)
  const seconds = (now.monotonic - before.monotonic) / 1_000
  // What was not there yet had counted nothing.
  const rate = (value: number, old = 0): number => (seconds <= 0 ? 0 : Math.max(0, (value - old) / seconds))
  return graph.operators.map(({ id, task, kind }) => {
    const own = counts.get(id) ?? { recordsIn: 0, recordsOut: 0, metrics: new Map<string, number>() }
    const old = earlier.get(id)
    const subtasks = now.byTask.get(task) ?? []
    const read = kind === 'source' ? (now.bySource.get(id) ?? []) : []
    // Steps of a source's task are other operators.
    const moves = kind === 'source' || kind === 'sink'
    const bytes = moves ? sumOfKnown(subtasks, (each) => each.bytes) : null
    const bytesBefore = sumOfKnown(before.byTask.get(task) ?? [], (each) => each.bytes)
    const watermark = leastKnown(subtasks, ({ watermark: time }) => epochTime(time))
    return {
      operator: id,
      recordsIn: own.recordsIn,
      recordsOut: own.recordsOut,
      inRate: rate(own.recordsIn, old?.recordsIn),
      outRate: rate(own.recordsOut, old?.recordsOut),
      bytes,
      bytesRate: bytes === null ? null : rate(bytes, bytesBefore ?? undefined),
      late: own.metrics.get('late') ?? 0,
      skipped: own.metrics.get('skipped') ?? 0,
      deadLettered: own.metrics.get('deadLettered') ?? 0,
      retries: own.metrics.get('retried') ?? 0,
      breaker: breakers.get(id) ?? null,
      inFlight: kind === 'async' ? sumOf(subtasks, ({ calls }) => calls?.inFlight ?? 0) : 0,
      ...stateOf(id, now),
      watermark,
      watermarkLagMs: lagOf(watermark, now.at),
      lagBytes: sumOfKnown(read, (split) => split.lag?.bytes),
      lagRecords: sumOfKnown(read, (split) => split.lag?.records),
      splits: kind === 'source' ? read.length : null,
    }
  })
}

function stateOf(
  operator: string,
  { byOwner }: Sample,
): Pick<OperatorFigures, 'stateCells' | 'stateBytes' | 'timers'> {
  const own = byOwner.get(operator) ?? []
  const isTimers = ({ name }: { readonly name: string }): boolean => name === timersTable
  return {
    stateCells: sumOf(
      own.filter((table) => !isTimers(table)),
      ({ cells }) => cells,
    ),
    stateBytes: own.length === 0 ? 0 : sumOfKnown(own, ({ bytes }) => bytes),
    timers: sumOf(own.filter(isTimers), ({ cells }) => cells),
  }
}

/** The name under which the engine keeps timers. */
export const timersTable = '#timers'

/** The pieces of state of an operator, over all its subtasks; timers are counted by themselves. */
export function tablesOf(operator: string, { byOwner }: Sample): readonly StateTableRow[] {
  const pieces = (byOwner.get(operator) ?? []).filter(({ name }) => name !== timersTable)
  return [...new Set(pieces.map(({ name }) => name))].map((table) => {
    const own = pieces.filter(({ name }) => name === table)
    return {
      operator,
      table,
      cells: sumOf(own, ({ cells }) => cells),
      bytes: sumOfKnown(own, ({ bytes }) => bytes),
    }
  })
}

/** The figures of every subtask of an operator. */
export function subtaskFigures(operator: GraphOperator, interval: Interval): readonly SubtaskFigures[] {
  const { now, before } = interval
  const seconds = (now.monotonic - before.monotonic) / 1_000
  return subtasksOf(operator.task, interval).map(({ now: own, before: old }) => {
    const flow = own.operators.find((each) => each.operator === operator.id)
    const flowBefore = old?.operators.find((each) => each.operator === operator.id)
    const rate = (value: number, earlier = 0): number =>
      seconds <= 0 ? 0 : Math.max(0, (value - earlier) / seconds)
    const watermark = epochTime(own.watermark)
    const tables = (now.byOwner.get(operator.id) ?? []).filter(
      ({ subtask, name }) => subtask === own.subtask && name !== timersTable,
    )
    return {
      subtask: own.subtask,
      recordsIn: flow?.recordsIn ?? 0,
      recordsOut: flow?.recordsOut ?? 0,
      inRate: rate(flow?.recordsIn ?? 0, flowBefore?.recordsIn),
      outRate: rate(flow?.recordsOut ?? 0, flowBefore?.recordsOut),
      shares: sharesOf(own.times, old?.times),
      queued: own.queued,
      watermark,
      watermarkLagMs: lagOf(watermark, now.at),
      stateCells: sumOf(tables, ({ cells }) => cells),
    }
  })
}
