import type {
  CheckpointRow,
  JobFigures,
  JobHistory,
  JobOverview,
  OperatorDetail,
  OperatorFigures,
  Shares,
  SplitRow,
  TaskFigures,
} from '@millrace/control/contract'
import type { MadeUpPipeline } from './pipelines.ts'

/** 14:03:20 on a day in May, wherever the test runs. */
export const startOfDay: number = new Date(2026, 4, 12, 14, 3, 20).getTime()
const secondsBefore = 600
const checkpointEvery = 10

/** A number between 0 and 1 that depends on its arguments only, so that pictures are the same in each run. */
export function chance(...seeds: readonly number[]): number {
  let hash = 2_166_136_261
  for (const seed of seeds) hash = Math.imul(hash ^ (seed + 0x9e37), 16_777_619)
  hash ^= hash >>> 13
  return (Math.imul(hash, 0x85ebca6b) >>> 0) / 2 ** 32
}

/** How many records per second are read, in the second number `tick`. */
function rateAt(tick: number): number {
  return 12_000 + 2_200 * Math.sin(tick / 40) + 900 * chance(tick, 1)
}

function lagAt(tick: number): number {
  return 2_400 + 900 * Math.sin(tick / 25) + 400 * chance(tick, 2)
}

export function overviewAt(
  { graph }: MadeUpPipeline,
  tick: number,
  changed: Partial<JobOverview> = {},
): JobOverview {
  const now = startOfDay + tick * 1_000
  return {
    job: graph.job,
    phase: 'running',
    inRate: rateAt(tick),
    outRate: rateAt(tick) * 0.31,
    restarts: 1,
    readiness: { isReady: true, reasons: [] },
    directory: '.millrace/shop',
    parallelism: 4,
    isBounded: false,
    startedAt: startOfDay - 11_531_000,
    outcome: null,
    failure: null,
    restoredFrom: 1_102,
    checkpointEveryMs: checkpointEvery * 1_000,
    lastCheckpoint: checkpointsAt(tick)[0]!,
    totals: {
      recordsIn: 138_201_442 + tick * 12_000,
      recordsOut: 42_790_013 + tick * 3_720,
      bytesIn: 31_000_000_000,
      bytesOut: 9_000_000_000,
      late: 214,
      skipped: 0,
      deadLettered: 37,
      retries: 1_204,
      stateCells: 1_204_551,
      stateBytes: 312_400_000,
      diskBytes: 498_000_000,
      watermark: now - lagAt(tick),
      watermarkLagMs: lagAt(tick),
      lagBytes: null,
      lagRecords: 48_210,
    },
    runtime: {
      eventLoopDelayMs: 1.8,
      eventLoopDelayMaxMs: 14,
      eventLoopUtilization: 0.63,
      gcMs: 91_000,
      gcRuns: 20_112,
      residentBytes: 612_000_000,
      heapUsedBytes: 402_000_000,
      heapLimitBytes: 4_300_000_000,
      cpuMs: 7_200_000,
    },
    pausedSources: [],
    logLevel: 'info',
    ...changed,
  }
}

export function figuresAt(pipeline: MadeUpPipeline, tick: number): JobFigures {
  const { graph, bottleneck } = pipeline
  const now = startOfDay + tick * 1_000
  const upstream = bottleneck === undefined ? new Set<string>() : before(pipeline, bottleneck)
  const sources = graph.operators.filter(({ kind }) => kind === 'source').length
  return {
    at: now,
    operators: graph.operators.map((each, index) =>
      operatorAt(pipeline, index, tick, rateAt(tick) / sources),
    ),
    tasks: graph.tasks.map(({ task }, index) => taskAt(task, index, tick, bottleneck, upstream)),
    holders:
      bottleneck === undefined
        ? []
        : [
            {
              source: graph.operators[0]!.id,
              subtask: 2,
              split: `${pipeline.text}p7`,
              isQuiet: true,
              idleAfterMs: null,
              watermark: now - 9_000,
              ahead: now - 2_000,
              since: now - 74_000,
              sentence: `Event time waits for split \`${pipeline.text === '' ? 'orders/7' : pipeline.text}\`: it has returned all its data, and no idle time is set.`,
            },
          ],
  }
}

function operatorAt(
  { graph }: MadeUpPipeline,
  index: number,
  tick: number,
  perSource: number,
): OperatorFigures {
  const { id, kind, hasState } = graph.operators[index]!
  const rate = perSource * (0.8 + 0.4 * chance(index, tick >> 2)) * (kind === 'sink' ? 0.3 : 1)
  const isSource = kind === 'source'
  return {
    operator: id,
    recordsIn: isSource ? 0 : Math.round(rate * (11_000 + tick)),
    recordsOut: kind === 'sink' ? 0 : Math.round(rate * (11_000 + tick)),
    inRate: isSource ? 0 : rate,
    outRate: kind === 'sink' ? 0 : rate,
    bytes: isSource || kind === 'sink' ? rate * 2_400_000 : null,
    bytesRate: isSource || kind === 'sink' ? rate * 240 : null,
    late: hasState ? 107 : 0,
    skipped: 0,
    deadLettered: kind === 'async' ? 37 : 0,
    retries: kind === 'async' ? 1_204 : 0,
    breaker: kind === 'async' ? 'closed' : null,
    stateCells: hasState ? 301_137 : 0,
    stateBytes: hasState ? 78_100_000 : null,
    timers: hasState ? 4_120 : 0,
    inFlight: kind === 'async' ? 64 : 0,
    watermark: startOfDay + tick * 1_000 - lagAt(tick),
    watermarkLagMs: lagAt(tick) + index * 12,
    lagBytes: null,
    lagRecords: isSource ? 16_070 : null,
    splits: isSource ? 8 : null,
  }
}

function taskAt(
  task: string,
  index: number,
  tick: number,
  bottleneck: string | undefined,
  upstream: ReadonlySet<string>,
): TaskFigures {
  const isBottleneck = task === bottleneck
  const busy = isBottleneck
    ? 0.97
    : upstream.has(task)
      ? 0.18 + 0.1 * chance(index, tick)
      : 0.25 + 0.3 * chance(index)
  const backPressured = upstream.has(task) ? 0.74 : 0
  const shares: Shares = { busy, backPressured, waiting: 0.01, idle: 0.99 - busy - backPressured }
  return {
    task,
    shares,
    busiest: { subtask: 0, busy },
    queued: isBottleneck ? 4_096 : upstream.has(task) ? 2_048 : Math.round(40 * chance(index, tick)),
    isBottleneck,
  }
}

function before({ graph }: MadeUpPipeline, operator: string): Set<string> {
  const found = new Set<string>()
  const visit = (id: string): void => {
    for (const { from, to } of graph.edges) {
      if (to !== id || found.has(from)) continue
      found.add(from)
      visit(from)
    }
  }
  visit(operator)
  return found
}

export function historyAt(pipeline: MadeUpPipeline, tick: number): JobHistory {
  const ticks = Array.from({ length: secondsBefore }, (_, index) => tick - secondsBefore + index)
  return {
    everyMs: 1_000,
    at: ticks.map((each) => startOfDay + each * 1_000),
    inRate: ticks.map(rateAt),
    outRate: ticks.map((each) => rateAt(each) * 0.31),
    watermarkLagMs: ticks.map(lagAt),
    checkpointMs: ticks.map(() => 140),
    stateBytes: ticks.map(() => 312_400_000),
    residentBytes: ticks.map(() => 612_000_000),
    eventLoopDelayMs: ticks.map(() => 1.8),
    operators: [],
  }
}

/** The newest first. */
export function checkpointsAt(tick: number): CheckpointRow[] {
  const newest = Math.floor(tick / checkpointEvery) + 1_140
  return Array.from({ length: 40 }, (_, index): CheckpointRow => {
    const checkpoint = newest - index
    const isAborted = checkpoint % 23 === 7
    const durationMs = Math.round(120 + 90 * chance(checkpoint) + (isAborted ? 2_000 : 0))
    return {
      checkpoint,
      outcome: isAborted ? 'aborted' : 'completed',
      kind: checkpoint % 31 === 5 ? 'savepoint' : 'checkpoint',
      at: startOfDay + (checkpoint - 1_140) * checkpointEvery * 1_000 - 2_000,
      durationMs,
      alignAndEncodeMs: isAborted ? null : Math.round(durationMs * 0.7),
      bytes: isAborted ? null : Math.round(4_100_000 + 900_000 * chance(checkpoint, 3)),
      reason: isAborted ? 'Subtask 3 of `enrich` did not reach its barrier within 2 s.' : null,
      slowest: [
        { task: 'enrich', subtask: 3, alignedMs: Math.round(durationMs * 0.6), encodeMs: 9 },
        { task: 'per-card', subtask: 1, alignedMs: Math.round(durationMs * 0.3), encodeMs: 41 },
        { task: 'joined', subtask: 0, alignedMs: Math.round(durationMs * 0.2), encodeMs: 33 },
      ],
      cause: isAborted
        ? null
        : "its barrier reached 'enrich' only after 120 ms, because of the records before it",
      largest: isAborted ? [] : [{ operator: 'per-card', bytes: 41_200_000 }],
    }
  })
}

export function splitsOf(pipeline: MadeUpPipeline, tick: number): SplitRow[] {
  const sources = pipeline.graph.operators.filter(({ kind }) => kind === 'source')
  return Array.from({ length: pipeline.splits }, (_, index): SplitRow => {
    const source = sources[index % sources.length]!.id
    const lag = Math.round(2_000 + 6_000 * chance(index, 9) ** 3 * (1 + chance(index, tick)))
    return {
      source,
      split: `${index}`,
      label: `${index < 3 ? pipeline.text : ''}${source.slice(0, 100)}/${Math.floor(index / sources.length)}`,
      subtask: index % 4,
      recordsOut: 6_900_000 + tick * 600 + index,
      bytes: 1_550_000_000,
      lagBytes: null,
      lagRecords: Math.round(4_000 * chance(index, 4)),
      watermark: startOfDay + tick * 1_000 - lag,
      watermarkLagMs: lag,
      newest: startOfDay + tick * 1_000 - lag + 500,
      skewMs: Math.round(3_000 * chance(index, 5)),
      state: index === 3 ? 'quiet' : 'reading',
      holdsTime: index === 3 && pipeline.bottleneck !== undefined,
    }
  })
}

export function detailOf(
  pipeline: MadeUpPipeline,
  operator: string,
  tick: number,
): OperatorDetail | undefined {
  const { graph } = pipeline
  const figures = figuresAt(pipeline, tick)
  const own = figures.operators.find((each) => each.operator === operator)
  const task = figures.tasks.find((each) => each.task === operator)
  if (own === undefined || task === undefined) return undefined
  const { subtasks } = graph.tasks.find((each) => each.task === operator)!
  return {
    figures: own,
    task,
    subtasks: Array.from({ length: subtasks }, (_, subtask) => ({
      subtask,
      recordsIn: own.recordsIn / subtasks,
      recordsOut: own.recordsOut / subtasks,
      inRate: own.inRate / subtasks,
      outRate: own.outRate / subtasks,
      shares: task.shares,
      queued: Math.round(task.queued / subtasks),
      watermark: own.watermark,
      watermarkLagMs: (own.watermarkLagMs ?? 0) + subtask * 30,
      stateCells: Math.round(own.stateCells / subtasks),
    })),
    tables:
      own.stateCells === 0
        ? []
        : [{ operator, table: 'total', cells: own.stateCells, bytes: own.stateBytes }],
  }
}
