import type { Platform } from '../disk/platform.ts'
import type { RecordTracer } from '../record/tracer.ts'
import { MillraceError } from '../errors/errors.ts'
import type { ByteLink } from '../exchange/byte-link.ts'
import { Crossing } from '../exchange/crossing.ts'
import type { Graph } from '../graph/node.ts'
import type { TaskCounters } from '../observe/metrics.ts'
import { planGraph } from '../plan/plan.ts'
import type { StateQuery } from '../state/state-reading.ts'
import type { StateScan } from '../state/state-walks.ts'
import type { StateStore } from '../state/state-store.ts'
import { Conversation } from './conversation.ts'
import { settingsOf } from './job-options.ts'
import { detailOf, workerOf } from './places.ts'
import { differenceOf, outlineOf } from './outline.ts'
import { eventsOver, reportEveryMs } from './remote-worker.ts'
import type { WorkerBriefing } from './worker-briefing.ts'
import type { WorkerPort } from './worker-host.ts'
import { LocalWorker } from './local-worker.ts'
import type { PeekRequest } from './peek-request.ts'
import type { WorkerStart } from './worker.ts'
import type { WorkerStatus } from './worker-status.ts'

/** The dependencies of a worker thread. */
export interface WorkerProgram {
  readonly graph: Graph
  readonly platform: Platform
  readonly store: StateStore
  /** Makes spans of records in this thread. Default: nothing is traced. */
  readonly tracer?: RecordTracer | undefined
  readonly port: WorkerPort
  /** The way to another worker for batches; 0 is that of the coordinator. */
  readonly linkTo: (worker: number) => ByteLink
}

/** Runs a worker in this thread, as the coordinator on the other end of the port says. */
export function serveWorker(program: WorkerProgram): void {
  const { port, platform } = program
  let worker: LocalWorker | undefined
  let alarm: Disposable | undefined
  const of = (): LocalWorker => worker!
  const reportStatus = (): void => {
    if (worker !== undefined) conversation.tell('status', plainStatus(worker.status))
  }
  const repeat = (): void => {
    reportStatus()
    alarm = platform.clock.schedule(reportEveryMs, repeat)
  }
  const conversation: Conversation = new Conversation(port, {
    begin: (briefing: WorkerBriefing) => {
      worker = workerFor(program, briefing, conversation)
      repeat()
    },
    restore: (start: WorkerStart) => of().restore(start),
    fill: (replicas: Parameters<LocalWorker['fill']>[0]) => of().fill(replicas),
    check: () => of().check(),
    open: () => of().open(),
    openSinks: () => of().openSinks(),
    start: (task: number) => of().start(task),
    run: () => of().run(),
    readState: (query: StateQuery) => of().readState(query),
    scanState: (scan: StateScan) => of().scanState(scan),
    readParts: ([query, parts]: Parameters<LocalWorker['readParts']>) => of().readParts(query, parts),
    requestBarrier: (checkpoint: number) => of().requestBarrier(checkpoint),
    persist: () => of().persist(),
    checkpointCompleted: (checkpoint: number) => of().checkpointCompleted(checkpoint),
    checkpointAbandoned: (checkpoint: number) => of().checkpointAbandoned(checkpoint),
    release: (retained: Parameters<LocalWorker['release']>[0]) => of().release(retained),
    acknowledgeUpTo: (checkpoint: number) => of().acknowledgeUpTo(checkpoint),
    acknowledgeLast: (checkpoint: number) => of().acknowledgeLast(checkpoint),
    committed: (checkpoint: number) => of().committed(checkpoint),
    align: (positions: Parameters<LocalWorker['align']>[0]) => of().align(positions),
    pause: ([source, isPaused]: readonly [string, boolean]) => of().pause(source, isPaused),
    endInput: (source: string) => of().endInput(source),
    startProfile: () => of().startProfile(),
    endProfile: () => of().endProfile(),
    peek: (request: PeekRequest) => of().peek(request),
    endPeek: (id: number) => of().endPeek(id),
    stop: (drain: boolean) => of().stop(drain),
    close: async () => {
      alarm?.[Symbol.dispose]()
      await worker?.close()
      await program.tracer?.flush?.()
      reportStatus()
    },
  })
}

/** The figures as plain data. */
function plainStatus({ counters, samples, splits, tables, state, timings }: WorkerStatus): WorkerStatus {
  return { counters: counters.map(plainCounters), samples, splits, tables, state, timings }
}

function plainCounters(counters: TaskCounters): TaskCounters {
  const { task, subtask, kind, recordsIn, recordsOut, watermark, newest, committed, counts } = counters
  return { task, subtask, kind, recordsIn, recordsOut, watermark, newest, committed, counts }
}

function workerFor(
  program: WorkerProgram,
  briefing: WorkerBriefing,
  conversation: Conversation,
): LocalWorker {
  const { name, number, owner, outline } = briefing
  const settings = { ...settingsOf({ ...program, ...briefing.settings, threads: 1 }), ...briefing.settings }
  const difference = differenceOf(outline, outlineOf(settings.graph))
  if (difference !== undefined) {
    throw new MillraceError(
      'GRAPH_INVALID',
      `${name} has loaded another pipeline: ${difference}. Each thread loads the pipeline file and must build the same: do not let it depend on random numbers, the time, or what other code has changed; or run it with threads: 1`,
      { isFinal: true },
    )
  }
  const plan = planGraph(settings.graph, settings.parallelism)
  const detail = detailOf(settings.graph)
  const crossings = new Map<number, Crossing>()
  const crossing = (to: number): Crossing => {
    let known = crossings.get(to)
    if (known === undefined) crossings.set(to, (known = new Crossing(program.linkTo(to), detail)))
    return known
  }
  return new LocalWorker({
    name,
    settings,
    plan,
    places: { own: number, crossing, workerOf: workerOf(plan, settings.threads) },
    owner: { ...owner, confirm: async () => void (await conversation.call('confirm')) },
    events: eventsOver(conversation),
  })
}
