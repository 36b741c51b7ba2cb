import type { Clock } from '@millrace/world'
import type { TaskReport } from '../checkpoint/coordinator.ts'
import type { StorePart } from '../checkpoint/manifest.ts'
import type { Json } from '../codec/json.ts'
import type { Owner } from '../disk/owner.ts'
import { describeError, MillraceError } from '../errors/errors.ts'
import { carryError, errorOf, type CarriedError } from '../errors/carried-error.ts'
import type { SavedReplica } from '../state/replicas.ts'
import type { OutageReport } from '../observe/outage-reports.ts'
import type { StateQuery, StateRow } from '../state/state-reading.ts'
import type { ScannedRows, StateScan } from '../state/state-walks.ts'
import type { GroupPosition } from '../task/source-alignment.ts'
import { Conversation } from './conversation.ts'
import type { Peeked, PeekRequest } from './peek-request.ts'
import type { ThreadProfile } from './thread-profile.ts'
import type { WorkerThread } from './worker-host.ts'
import type { WorkerBriefing } from './worker-briefing.ts'
import type { Persisted, Worker, WorkerEvents, WorkerStart } from './worker.ts'
import type { WorkerStatus } from './worker-status.ts'

/** How often a worker reports its figures, which is also its sign of life, in milliseconds. */
export const reportEveryMs = 250

/** How long a worker may take to close what it has opened before it is ended, in milliseconds. */
const closeMs = 10_000

/** How often the coordinator looks for signs of life. */
const looks = 60

/** The dependencies of a worker in another thread. */
export interface RemoteWorkerOptions {
  readonly name: string
  readonly thread: WorkerThread
  readonly clock: Clock
  readonly owner: Owner
  readonly events: WorkerEvents
  readonly timeoutMs: number
}

const noFigures: WorkerStatus = {
  counters: [],
  samples: [],
  splits: [],
  tables: [],
  state: undefined,
  timings: [],
}

/** A worker in another thread, from the thread of the coordinator. */
export class RemoteWorker implements Worker {
  readonly name: string
  readonly #options: RemoteWorkerOptions
  readonly #conversation: Conversation
  #status: WorkerStatus = noFigures
  /** How many looks in a row have found no sign of life. */
  #silent = 0
  #alarm: Disposable | undefined
  #isClosed = false

  constructor(options: RemoteWorkerOptions) {
    const { name, thread, events, owner } = options
    this.name = name
    this.#options = options
    const handlers = {
      report: ([checkpoint, report]: readonly [number, TaskReport]) => events.report(checkpoint, report),
      ended: ([task, subtask]: readonly [string, number]) => events.ended(task, subtask),
      failed: (error: CarriedError) => events.failed(errorOf(error)),
      warn: (message: string) => events.warn(message),
      positions: (positions: readonly GroupPosition[]) => events.positions(positions),
      outage: (report: OutageReport) => events.outage(report),
      status: (status: WorkerStatus) => {
        this.#status = status
      },
      confirm: () => owner.confirm(),
    }
    this.#conversation = new Conversation(thread.port, handlers, () => {
      this.#silent = 0
    })
    thread.onEnd((reason) => {
      const error = new MillraceError('WORKER_FAILED', `${name} has ended: ${describeError(reason)}`, {
        cause: reason,
        place: name,
      })
      this.#conversation.end(error)
      if (!this.#isClosed) events.failed(error)
    })
    this.#watch()
  }

  get status(): WorkerStatus {
    return this.#status
  }

  /** Says what to run. Rejects with `GRAPH_INVALID` if its pipeline is another one than the coordinator's. */
  async begin(briefing: WorkerBriefing): Promise<void> {
    await this.#conversation.call('begin', briefing)
  }

  async restore(start: WorkerStart): Promise<readonly SavedReplica[]> {
    return (await this.#conversation.call('restore', start)) as readonly SavedReplica[]
  }

  async fill(replicas: readonly SavedReplica[]): Promise<void> {
    await this.#conversation.call('fill', replicas)
  }

  async check(): Promise<void> {
    await this.#conversation.call('check')
  }

  async open(): Promise<void> {
    await this.#conversation.call('open')
  }

  async openSinks(): Promise<void> {
    await this.#conversation.call('openSinks')
  }

  async start(task: number): Promise<void> {
    await this.#conversation.call('start', task)
  }

  run(): void {
    this.#conversation.tell('run')
  }

  async readState(query: StateQuery): Promise<readonly StateRow[]> {
    return (await this.#conversation.call('readState', query)) as readonly StateRow[]
  }

  async scanState(scan: StateScan): Promise<ScannedRows> {
    return (await this.#conversation.call('scanState', scan)) as ScannedRows
  }

  async readParts(query: StateQuery, parts: readonly StorePart[]): Promise<readonly StateRow[] | undefined> {
    const rows = await this.#conversation.call('readParts', [query, parts])
    return rows as readonly StateRow[] | undefined
  }

  requestBarrier(checkpoint: number): void {
    this.#conversation.tell('requestBarrier', checkpoint)
  }

  async persist(): Promise<Persisted> {
    return (await this.#conversation.call('persist')) as Persisted
  }

  checkpointCompleted(checkpoint: number): void {
    this.#conversation.tell('checkpointCompleted', checkpoint)
  }

  checkpointAbandoned(checkpoint: number): void {
    this.#conversation.tell('checkpointAbandoned', checkpoint)
  }

  async release(retained: readonly Json[]): Promise<void> {
    await this.#conversation.call('release', retained)
  }

  acknowledgeUpTo(checkpoint: number): void {
    this.#conversation.tell('acknowledgeUpTo', checkpoint)
  }

  async acknowledgeLast(checkpoint: number): Promise<void> {
    await this.#conversation.call('acknowledgeLast', checkpoint)
  }

  async committed(checkpoint: number): Promise<void> {
    await this.#conversation.call('committed', checkpoint)
  }

  align(positions: readonly GroupPosition[]): void {
    this.#conversation.tell('align', positions)
  }

  pause(source: string, isPaused: boolean): void {
    this.#conversation.tell('pause', [source, isPaused])
  }

  endInput(source: string): void {
    this.#conversation.tell('endInput', source)
  }

  async startProfile(): Promise<void> {
    await this.#conversation.call('startProfile')
  }

  async endProfile(): Promise<ThreadProfile | undefined> {
    return (await this.#conversation.call('endProfile')) as ThreadProfile | undefined
  }

  async peek(request: PeekRequest): Promise<Peeked> {
    return (await this.#conversation.call('peek', request)) as Peeked
  }

  async endPeek(id: number): Promise<void> {
    await this.#conversation.call('endPeek', id)
  }

  async stop(drain: boolean): Promise<void> {
    await this.#conversation.call('stop', drain)
  }

  async close(): Promise<void> {
    const { clock, thread } = this.#options
    this.#isClosed = true
    this.#alarm?.[Symbol.dispose]()
    let alarm: Disposable | undefined
    const late = new Promise<void>((resolve) => {
      alarm = clock.schedule(closeMs, resolve)
    })
    // A thread that has ended, or is busy with an endless call, closes nothing.
    await Promise.race([this.#conversation.call('close').catch(() => {}), late])
    alarm?.[Symbol.dispose]()
    await thread.kill()
  }

  /**
   * Looks for signs of life. Looks are counted, not milliseconds: a process that was suspended wakes up with a clock far ahead,
   * and its workers have had no time either.
   */
  #watch(): void {
    const { clock, timeoutMs, events } = this.#options
    this.#alarm = clock.schedule(Math.max(1, timeoutMs / looks), () => {
      if (this.#isClosed) return
      if (++this.#silent <= looks) return this.#watch()
      const error = new MillraceError(
        'WORKER_FAILED',
        `${this.name} has given no sign of life for ${timeoutMs} ms: a call of user code does not return. Find the endless loop, or raise workerTimeout`,
        { place: this.name },
      )
      // It will not answer what it was asked, and the attempt waits for its answers before it closes.
      this.#conversation.end(error)
      events.failed(error)
    })
  }
}

/** What the thread of a worker tells its coordinator. */
export function eventsOver(conversation: Conversation): WorkerEvents {
  return {
    report: (checkpoint, report) => conversation.tell('report', [checkpoint, report]),
    ended: (task, subtask) => conversation.tell('ended', [task, subtask]),
    failed: (error) => conversation.tell('failed', carryError(error)),
    warn: (message) => conversation.tell('warn', message),
    positions: (positions) => conversation.tell('positions', positions),
    outage: (report) => conversation.tell('outage', report),
  }
}
