import type { Wakeup } from '@millrace/world'
import type { SinkEntry } from '../checkpoint/manifest.ts'
import type { SinkProgress, SinkWriter } from '../connect/sink.ts'
import type { ConnectorContext } from '../connect/source.ts'
import type { Batch } from '../record/element.ts'
import { describeError, isMillraceError, MillraceError } from '../errors/errors.ts'
import type { Json } from '../codec/json.ts'
import { MAX_TIME } from '../record/time.ts'
import { TaskMetrics } from '../observe/metrics.ts'
import type { Cursor } from '../operator/cursor.ts'
import { FailurePolicy } from '../operator/failure-policy.ts'
import type { Tracing } from '../operator/tracing.ts'
import type { SinkTaskPlan } from '../plan/plan.ts'
import type { TaskWiring } from '../exchange/wiring.ts'
import { Gate, type Arrival } from '../exchange/gate.ts'
import { Outlet } from '../exchange/outlet.ts'
import { receiverOf } from '../exchange/port.ts'
import { SinkCalls } from './sink-calls.ts'
import { sinkRetriesOf, type SinkRetries } from './sink-retries.ts'
import { traceWrite, type TracedWrite } from './sink-spans.ts'
import { SnapshotSlices } from './snapshot-slices.ts'
import { tracingOf } from './task-tracing.ts'
import type { Task, TaskSurroundings } from './task.ts'

/** Output that was prepared at a barrier and waits for its checkpoint to be durable. */
interface Prepared {
  readonly checkpoint: number
  readonly committable: Json
}

const noRestartHelps =
  "A restart would fail at the same record, so the job ends: change the record before the sink, or set the sink's option onError"

/**
 * Writes what arrives and takes part in checkpoints: prepare at the barrier, commit once the manifest is durable.
 *
 * Calls to the writer never overlap. Output prepared for an abandoned checkpoint is named again by the next
 * one, so no prepared output is lost. The only stream it emits is that of dead letters: records that it cannot write.
 */
export class SinkTask implements Task {
  readonly metrics: TaskMetrics
  readonly #plan: SinkTaskPlan
  readonly #around: TaskSurroundings
  readonly #subtask: number
  readonly #context: ConnectorContext
  readonly #pending: readonly Json[]
  readonly #gate: Gate
  readonly #wakeup: Wakeup
  readonly #cursor: Cursor
  readonly #outlet: Outlet
  readonly #policy: FailurePolicy
  readonly #calls: SinkCalls
  /** Records that were rejected and are written again. Undefined if none is. */
  readonly #retries: SinkRetries | undefined
  /** What is being written, which of it was rejected, and the rejection that ends the job. */
  #batch: Batch | undefined
  #traced: TracedWrite | undefined
  readonly #tracing: Tracing | undefined
  readonly #rejected = new Set<number>()
  #rejection: MillraceError | undefined
  /** The index of the record that is being rejected. */
  #rejecting = 0
  #isInputIdle = false
  #hasInputEnded = false
  readonly #snapshot: SnapshotSlices
  readonly #prepared: Prepared[] = []
  /** Who waits for the output of which checkpoint. */
  #waiting: { readonly checkpoint: number; readonly resolve: () => void }[] = []
  #writer: SinkWriter<unknown> | undefined
  #completed = 0

  /** `restored` is the prepared output in the restored manifest; subtask 0 commits it. */
  constructor(
    plan: SinkTaskPlan,
    subtask: number,
    wiring: TaskWiring,
    around: TaskSurroundings,
    restored: readonly SinkEntry[],
  ) {
    this.#plan = plan
    this.#around = around
    this.#subtask = subtask
    this.#tracing = tracingOf(around, subtask)
    this.metrics = new TaskMetrics(plan.name, subtask, 'sink', around.loop)
    this.#context = around.connectorContext(plan.name, subtask)
    this.#wakeup = wiring.wakeup
    around.cancellation.onCancel(() => wiring.wakeup.wake())
    const { ports, cursor, wakeup } = wiring
    this.#cursor = cursor
    this.#gate = new Gate(wiring.inputs, wakeup, around.isAfterEnd)
    this.#outlet = new Outlet(ports, {
      cursor,
      wakeup,
      signal: around.cancellation.signal,
      isBarrierWaiting: () => this.#gate.hasBarrier,
      times: this.metrics.times,
    })
    this.#policy = new FailurePolicy({
      kind: plan.node.onError.kind,
      operator: plan.name,
      pipeline: around.pipeline,
      deadLetters: receiverOf(plan.errors, ports),
      now: () => around.platform.clock.now(),
      count: (metric) => this.metrics.count(plan.name, metric, 1),
      retry: (thrown, value, time) => this.#retries?.failed(thrown, value, time, this.#rejecting) === true,
    })
    this.#retries = sinkRetriesOf(plan.node, { subtask, around, cursor, wakeup })
    const { metrics } = this
    metrics.queued = () => this.#gate.queued
    metrics.bytes = () => this.#writer?.bytesWritten
    metrics.flows = () => [
      { operator: plan.name, recordsIn: metrics.recordsIn, recordsOut: metrics.recordsOut },
    ]
    const owners = this.#retries === undefined ? [] : [plan.name]
    this.#snapshot = new SnapshotSlices(around.store, owners, subtask, around.budget)
    this.#calls = new SinkCalls({ node: plan.node, subtask, around })
    this.#pending = subtask === 0 ? restored.map((entry) => entry.committable) : []
  }

  /** Throws the error with which the sink could not be opened; changes nothing. */
  async check(): Promise<void> {
    const { sink } = this.#plan.node
    if (this.#subtask > 0) return
    await this.#askAtStart(async () => sink.check?.(this.#pending, this.#context))
  }

  async open(): Promise<void> {
    await this.#retries?.restore()
    this.#writer = await this.#askAtStart(() =>
      this.#plan.node.sink.open(this.#subtask, this.#pending, this.#context),
    )
    const { signal } = this.#around.cancellation
    if (!signal.aborted) return
    // It was closed while it was being opened.
    await this.#writer.close()
    signal.throwIfAborted()
  }

  start(): void {
    this.#gate.begin((arrival) => this.#announced(arrival))
  }

  async run(): Promise<void> {
    const { cancellation, budget } = this.#around
    const { signal } = cancellation
    const { times } = this.metrics
    for (;;) {
      signal.throwIfAborted()
      times.run()
      await this.#commit()
      const hasRoom = this.#outlet.hasRoom
      if (hasRoom) this.#gate.release()
      const hasRetried = hasRoom && (await this.#retries?.write((batch) => this.#write(batch))) === true
      if (hasRetried) this.#endIfDone()
      const mayTake = hasRoom && this.#retries?.isFull !== true
      const arrival = mayTake || this.#gate.hasBarrier ? this.#gate.take() : undefined
      if (arrival === undefined && !hasRetried) {
        this.#retries?.setAlarm()
        times.wait(hasRoom ? 'idle' : 'backPressured')
        await this.#wakeup.wait()
      } else if (arrival !== undefined) await this.#handle(arrival)
      const due = budget.due()
      if (due !== undefined) await due
    }
  }

  checkpointCompleted(checkpoint: number): void {
    this.#completed = Math.max(this.#completed, checkpoint)
    this.#wakeup.wake()
  }

  checkpointAbandoned(checkpoint: number): void {
    this.#gate.cancel(checkpoint)
    this.#wakeup.wake()
  }

  /** Resolves once everything prepared up to `checkpoint` is visible. */
  committed(checkpoint: number): Promise<void> {
    if (this.metrics.committed >= checkpoint) return Promise.resolve()
    return new Promise((resolve) => void this.#waiting.push({ checkpoint, resolve }))
  }

  async close(): Promise<void> {
    this.#calls.end()
    this.#retries?.end()
    await this.#writer?.close()
  }

  async #handle(arrival: Arrival): Promise<void> {
    if (arrival.kind === 'batch') {
      this.metrics.recordsIn += arrival.batch.length
      return this.#write(arrival.batch)
    }
    if (arrival.kind === 'end') {
      this.#hasInputEnded = true
      return this.#endIfDone()
    }
    this.#note(arrival)
    this.#outlet.mark(arrival)
    if (arrival.kind === 'barrier') await this.#prepare(arrival.checkpoint)
  }

  /** Passes on the end of the input, once no record waits for another attempt. */
  #endIfDone(): void {
    if (!this.#hasInputEnded || this.#retries?.isEmpty === false || this.metrics.watermark === MAX_TIME)
      return
    this.#outlet.mark({ kind: 'end' })
    this.metrics.watermark = MAX_TIME
    this.#around.ended(this.#plan.name, this.#subtask)
  }

  /** Passes on what inputs have announced at the start. */
  #announced(arrival: Arrival): boolean {
    if (arrival.kind !== 'watermark' && arrival.kind !== 'idle') return false
    this.#note(arrival)
    this.#outlet.mark(arrival)
    return true
  }

  #note(arrival: Arrival): void {
    if (arrival.kind === 'idle' || arrival.kind === 'active') this.#isInputIdle = arrival.kind === 'idle'
    if (arrival.kind !== 'watermark') return
    this.metrics.watermark = arrival.time
    this.#cursor.watermark = arrival.time
  }

  get #progress(): SinkProgress {
    const { watermark } = this.#cursor
    return { watermark, isIdle: this.#isInputIdle, hasEnded: this.#hasInputEnded }
  }

  async #write(given: Batch): Promise<void> {
    const traced = traceWrite(this.#tracing, this.#plan.name, given)
    const { batch } = traced
    this.#batch = batch
    this.#traced = traced
    this.#rejected.clear()
    try {
      const written = this.#calls.make(() => this.#writer!.write(batch, this.#reject))
      this.metrics.times.wait('calling')
      await written
      this.metrics.times.run()
    } catch (error) {
      traced.fail(error)
      throw this.#rejection ?? this.#failed('could not be written to', error)
    } finally {
      this.#batch = undefined
      traced.end()
    }
    if (this.#rejection !== undefined) throw this.#rejection
    this.metrics.recordsOut += batch.length - this.#rejected.size
    const room = this.#outlet.flush()
    if (room !== undefined) await room
  }

  readonly #reject = (index: number, error: unknown): void => {
    const batch = this.#batch
    const value = batch?.values[index]
    const time = batch?.times[index]
    if (batch === undefined || time === undefined || index >= batch.length) {
      throw this.#failed(`rejected a record that it is not writing (index ${index})`, error)
    }
    // A batch that is written again has the same records, and each is rejected once.
    if (this.#rejected.has(index)) return
    this.#rejected.add(index)
    this.#traced?.fail(error, index)
    this.#cursor.enter(batch)
    this.#cursor.at(batch, index)
    const cause = isMillraceError(error)
      ? error
      : new MillraceError('SINK_FAILED', describeError(error), { cause: error })
    this.#rejecting = index
    this.#cursor.attempts = this.#retries?.attemptsOf(index)
    if (this.#policy.leavesOut) return this.#policy.handle(cause, this.#cursor, value, time)
    this.#rejection ??= this.#unwritable(error)
    throw this.#rejection
  }

  async #prepare(checkpoint: number): Promise<void> {
    const { loop } = this.#around
    const cutAt = loop.now()
    const committable = await this.#ask('could not prepare a checkpoint', () =>
      this.#writer!.prepare(checkpoint, this.#progress),
    )
    if (committable !== undefined) this.#prepared.push({ checkpoint, committable })
    this.#snapshot.begin(() => {
      this.#around.report(checkpoint, {
        task: this.#plan.name,
        subtask: this.#subtask,
        encodeMs: loop.now() - cutAt,
        reached: new Map(),
        prepared: [...this.#prepared],
      })
    })
    while (this.#snapshot.isUnderWay) {
      this.#snapshot.slice()
      await this.#around.budget.turn()
    }
  }

  async #commit(): Promise<void> {
    if (this.#completed === this.metrics.committed) return
    const upTo = this.#completed
    while (this.#prepared.length > 0 && this.#prepared[0]!.checkpoint <= upTo) {
      const { committable } = this.#prepared[0]!
      await this.#ask('could not commit', async () => {
        await this.#context.owner.confirm()
        await this.#writer!.commit?.(committable)
      })
      this.#prepared.shift()
    }
    this.metrics.committed = upTo
    const done = this.#waiting.filter(({ checkpoint }) => checkpoint <= upTo)
    this.#waiting = this.#waiting.filter(({ checkpoint }) => checkpoint > upTo)
    for (const { resolve } of done) resolve()
  }

  /** The first start of a job fails at once with a wrong address; a restart waits for a system that has worked before. */
  #askAtStart<T>(call: () => Promise<T>): Promise<T> {
    const what = 'could not be opened'
    return this.#around.isRestart ? this.#ask(what, call) : this.#named(what, call)
  }

  #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    return this.#named(what, () => this.#calls.make(call))
  }

  async #named<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw this.#failed(what, error)
    }
  }

  #unwritable(cause: unknown): MillraceError {
    const name = this.#plan.name
    const place = this.#cursor.place()
    return new MillraceError(
      'SINK_FAILED',
      `sink '${name}' cannot write the record at ${place}: ${describeError(cause)}. ${noRestartHelps}`,
      { cause, place: `${name} at ${place}`, isFinal: true },
    )
  }

  #failed(what: string, error: unknown): MillraceError {
    const place = `sink '${this.#plan.name}'`
    return new MillraceError('SINK_FAILED', `${place} ${what}: ${describeError(error)}`, {
      cause: error,
      place,
    })
  }
}
