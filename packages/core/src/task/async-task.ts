import type { Wakeup } from '@millrace/world'
import type { AsyncNode } from '../graph/node.ts'
import type { Batch } from '../record/element.ts'
import { keyToken, type KeyToken } from '../record/key-token.ts'
import { MAX_TIME, MIN_TIME, type EventTime } from '../record/time.ts'
import { TaskMetrics } from '../observe/metrics.ts'
import type { Waiting } from '../observe/work-times.ts'
import type { Cursor } from '../operator/cursor.ts'
import { FailurePolicy } from '../operator/failure-policy.ts'
import type { Receiver } from '../operator/receiver.ts'
import { behindTap, placeAt, type PartOutput, type Tap } from '../operator/tap.ts'
import type { AsyncTaskPlan } from '../plan/plan.ts'
import { callsInFlight } from '../state/calls-in-flight.ts'
import { AsyncCalls, type AsyncCall } from './async-calls.ts'
import { bulkheadOf } from './bulkhead.ts'
import { CallRunner } from './call-runner.ts'
import { KeptRecords } from './kept-records.ts'
import type { TaskWiring } from '../exchange/wiring.ts'
import type { IncomingEdge } from '../exchange/edge.ts'
import { Gate, type Arrival } from '../exchange/gate.ts'
import { InputLimit } from '../exchange/input-limit.ts'
import { Outlet } from '../exchange/outlet.ts'
import { SnapshotSlices } from './snapshot-slices.ts'
import { receiverOf } from '../exchange/port.ts'
import type { Task, TaskSurroundings } from './task.ts'
import { requirePlain, restoredOrigin } from './waiting-record.ts'

/** A batch of which some records were accepted. */
interface ArrivingBatch {
  readonly batch: Batch
  readonly watermarks: Float64Array
  readonly edge: IncomingEdge
  next: number
}

/** A barrier that was sent, while the records in flight are put into the state for its snapshot. */
interface Cut {
  readonly checkpoint: number
  /** When it was sent, on the monotonic clock. */
  readonly cutAt: number
  readonly inFlight: Iterator<AsyncCall>
}

/** Records that may wait behind calls of their keys or groups, per call that may run. */
const waitingPerCall = 16

/**
 * Runs asynchronous user code, several calls at once.
 *
 * It accepts records without waiting for calls, so calls never delay a barrier: records whose call has
 * not begun, or whose result was not emitted, are state. A checkpoint holds them, and after a restart their calls are
 * repeated, with the same concurrency. A record keeps its credit until its call begins, which bounds how many wait
 * here. A record becomes a cell at its first checkpoint, so most never do.
 */
export class AsyncTask implements Task {
  readonly metrics: TaskMetrics
  readonly #plan: AsyncTaskPlan
  readonly #node: AsyncNode
  readonly #around: TaskSurroundings
  readonly #subtask: number
  readonly #gate: Gate
  readonly #limit: InputLimit
  readonly #cursor: Cursor
  readonly #wakeup: Wakeup
  readonly #outlet: Outlet
  /** What gets the results while nothing taps them. */
  readonly #plain: Receiver
  #target: Receiver
  readonly #policy: FailurePolicy
  readonly #calls: AsyncCalls
  readonly #runner: CallRunner
  readonly #kept: KeptRecords
  readonly #snapshot: SnapshotSlices
  /** The watermark of the input; the output's is lower while there are records. */
  #inputWatermark: EventTime = MIN_TIME
  #isInputIdle = false
  #batch: ArrivingBatch | undefined
  #cut: Cut | undefined
  /** Whether an idle mark was sent to the next tasks. */
  #isIdle = false
  #input: 'open' | 'ended' | 'passed on' = 'open'

  constructor(plan: AsyncTaskPlan, subtask: number, wiring: TaskWiring, around: TaskSurroundings) {
    const { cursor, wakeup, ports } = wiring
    const { node } = plan
    this.#plan = plan
    this.#node = node
    this.#around = around
    this.#subtask = subtask
    this.metrics = new TaskMetrics(plan.name, subtask, 'async', around.loop)
    this.#cursor = cursor
    this.#wakeup = wakeup
    around.cancellation.onCancel(() => wakeup.wake())
    this.#gate = new Gate(wiring.inputs, wakeup, around.isAfterEnd)
    const mayBePassed = node.serial === 'key' || node.bulkhead !== undefined
    const least = mayBePassed ? node.concurrency * waitingPerCall : node.concurrency
    // A fast task is recognized within this many calls.
    this.#limit = new InputLimit(this.#gate, around.platform.clock, { least, first: least })
    this.#outlet = new Outlet(ports, {
      cursor,
      wakeup,
      signal: around.cancellation.signal,
      isBarrierWaiting: () => this.#gate.hasBarrier,
      times: this.metrics.times,
    })
    this.#plain = receiverOf(plan.targets, ports)
    this.#target = this.#plain
    this.#policy = new FailurePolicy({
      kind: node.onError.kind,
      operator: node.name,
      pipeline: around.pipeline,
      deadLetters: receiverOf(plan.errors, ports),
      now: () => around.platform.clock.now(),
      count: (metric) => this.metrics.count(node.name, metric, 1),
    })
    this.#calls = new AsyncCalls(node, bulkheadOf(node, around, wakeup))
    this.#kept = new KeptRecords({
      owner: node.name,
      subtask,
      around,
      keepsOrigin: this.#policy.leavesOut,
      spec: callsInFlight,
    })
    this.#runner = new CallRunner({
      node,
      subtask,
      around,
      wakeup,
      calls: this.#calls,
      limit: this.#limit,
      metrics: this.metrics,
      attempted: (call) => this.#kept.keepAttempts(call),
    })
    this.#snapshot = new SnapshotSlices(around.store, [node.name], subtask, around.budget)
    this.#measure()
  }

  /** Without a call that could begin it waits for those that run. */
  get #waitsFor(): Waiting {
    if (!this.#outlet.hasRoom) return 'backPressured'
    return this.#calls.running >= this.#node.concurrency ? 'calling' : 'idle'
  }

  #measure(): void {
    const { metrics } = this
    metrics.queued = () => this.#gate.queued
    metrics.flows = () => [
      { operator: this.#node.name, recordsIn: metrics.recordsIn, recordsOut: metrics.recordsOut },
    ]
    metrics.calls = () => ({ inFlight: this.#calls.size })
  }

  /** Restores the records that were in flight at the checkpoint, in slices. */
  async open(): Promise<void> {
    const { budget, cancellation } = this.#around
    for (const { cell, record } of this.#kept.restored()) {
      const { value, time, watermark, headers, attempts = 0, failingSince } = record
      const key = this.#tokenOf(value)
      const group = this.#groupOf(value, key)
      const read = { origin: restoredOrigin(record), originIndex: 0, headers, edge: undefined }
      this.#calls.add({ value, time, watermark, key, group, cell, attempts, failingSince, ...read })
      if (!budget.spend()) continue
      await budget.turn()
      cancellation.signal.throwIfAborted()
    }
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
      if (this.#cut === undefined) this.#emitSettled()
      let hasWork = this.#runner.begin()
      if (this.#cut !== undefined) hasWork = this.#keepInFlight(this.#cut)
      else if (this.#batch !== undefined) hasWork = this.#takeIn(this.#batch)
      else {
        const arrival = this.#outlet.hasRoom || this.#gate.hasBarrier ? this.#gate.take() : undefined
        if (arrival !== undefined) this.#handle(arrival)
        hasWork ||= arrival !== undefined
      }
      if (this.#snapshot.isUnderWay) {
        this.#snapshot.slice()
        await budget.turn()
      } else if (!hasWork) {
        times.wait(this.#waitsFor)
        await this.#wakeup.wait()
      }
      const due = budget.due()
      if (due !== undefined) await due
    }
  }

  checkpointCompleted(): void {}

  checkpointAbandoned(checkpoint: number): void {
    this.#gate.cancel(checkpoint)
    this.#wakeup.wake()
  }

  tap({ part, output }: PartOutput, tap: Tap | undefined): void {
    if (part !== this.#plan.name || output !== 'main') return
    // A call is removed only once its result was emitted.
    this.#target = behindTap(
      this.#plain,
      tap,
      placeAt(this.#cursor, () => this.#calls.next()?.key),
    )
  }

  async close(): Promise<void> {
    this.#runner.end()
    this.#calls.end()
  }

  /** Passes on the watermarks that the inputs announced at the start. */
  #announced(arrival: Arrival): boolean {
    if (arrival.kind === 'watermark') {
      this.#inputWatermark = arrival.time
      this.#passWatermark()
    } else if (arrival.kind === 'idle') {
      this.#isInputIdle = true
      this.#passIdle()
    } else return false
    return true
  }

  #handle(arrival: Arrival): void {
    switch (arrival.kind) {
      case 'batch':
        this.metrics.recordsIn += arrival.batch.length
        this.#batch = { batch: arrival.batch, watermarks: arrival.watermarks, edge: arrival.edge, next: 0 }
        return
      case 'watermark':
        this.#inputWatermark = arrival.time
        return
      case 'idle':
      case 'active':
        this.#isInputIdle = arrival.kind === 'idle'
        return
      case 'barrier':
        return this.#barrier(arrival.checkpoint)
      case 'end':
        this.#input = 'ended'
    }
  }

  /** Accepts records of a batch for one slice. Returns whether there is more to do at once. */
  #takeIn(arriving: ArrivingBatch): true {
    const { batch, watermarks, edge } = arriving
    this.#cursor.enter(batch)
    while (arriving.next < batch.length) {
      const i = arriving.next++
      this.#inputWatermark = Math.max(this.#inputWatermark, watermarks[i]!)
      this.#cursor.at(batch, i)
      this.#admit(batch.values[i], batch.times[i]!, edge)
      if (this.#around.budget.spend()) break
    }
    if (arriving.next === batch.length) this.#batch = undefined
    return true
  }

  /** Queues the record at the cursor for its call. */
  #admit(value: unknown, time: EventTime, edge: IncomingEdge): void {
    const { origin, originIndex, headers } = this.#cursor
    let key: KeyToken | undefined
    let group: KeyToken | undefined
    try {
      requirePlain(value)
      key = this.#tokenOf(value)
      group = this.#groupOf(value, key)
    } catch (thrown) {
      this.#policy.handle(thrown, this.#cursor, value, time)
      edge.release(1)
      return
    }
    const watermark = this.#inputWatermark
    this.#calls.add({
      value,
      time,
      watermark,
      key,
      group,
      origin,
      originIndex,
      headers,
      edge,
      cell: undefined,
      attempts: 0,
      failingSince: undefined,
    })
  }

  /** Emits results while there is room, then updates what depends on the number of records. */
  #emitSettled(): void {
    while (this.#outlet.hasRoom) {
      const call = this.#calls.next()
      if (call === undefined) break
      const outcome = call.outcome!
      this.#cursor.originIndex = -1
      this.#cursor.headers = call.carried
      if ('thrown' in outcome) this.#policy.handle(outcome.thrown, call, call.value, call.time)
      else {
        this.metrics.recordsOut++
        this.#target.receive(outcome.result, call.time)
      }
      this.#calls.remove(call)
      if (call.cell !== undefined) this.#kept.delete(call.cell)
      this.#advance()
    }
    if (this.#outlet.tryFlush()) this.#passMarks()
  }

  /** Sends marks after all emitted records. */
  #passMarks(): void {
    this.#passWatermark()
    this.#passIdle()
    if (this.#input !== 'ended' || !this.#calls.isEmpty) return
    this.#input = 'passed on'
    this.#outlet.mark({ kind: 'end' })
    this.metrics.watermark = MAX_TIME
    this.#around.ended(this.#plan.name, this.#subtask)
  }

  /** A task with records is not idle: later tasks would not wait for their results, which would be late. */
  #passIdle(): void {
    const isIdle = this.#isInputIdle && this.#calls.isEmpty
    if (isIdle === this.#isIdle) return
    this.#isIdle = isIdle
    this.#outlet.mark({ kind: isIdle ? 'idle' : 'active' })
  }

  /**
   * The next result has the watermark of the oldest record. After a restart it may be ahead of the input: an
   * input that was idle bounds it again, and later records have had no other watermark.
   */
  #advance(): void {
    const reached = Math.min(this.#calls.watermark ?? this.#inputWatermark, this.#inputWatermark)
    this.#cursor.watermark = Math.max(this.#cursor.watermark, reached)
  }

  #passWatermark(): void {
    this.#advance()
    const { watermark } = this.#cursor
    if (watermark <= this.metrics.watermark) return
    this.metrics.watermark = watermark
    this.#outlet.watermark(watermark)
  }

  #barrier(checkpoint: number): void {
    this.#outlet.force()
    this.#passMarks()
    this.#outlet.mark({ kind: 'barrier', checkpoint })
    const cutAt = this.#around.loop.now()
    this.#cut = { checkpoint, cutAt, inFlight: this.#calls.all()[Symbol.iterator]() }
  }

  /**
   * Puts the records in flight into the state for one slice, and then takes the snapshot. Until then no record is accepted and no
   * result emitted, so that the snapshot is the state at the barrier. True: there is more to do at once.
   */
  #keepInFlight({ checkpoint, cutAt, inFlight }: Cut): true {
    for (let next = inFlight.next(); next.done !== true; next = inFlight.next()) {
      next.value.cell ??= this.#kept.keep(next.value)
      if (this.#around.budget.spend()) return true
    }
    this.#cut = undefined
    this.#snapshot.begin(() => {
      // Its inputs announce their watermarks again, and records in flight carry theirs.
      const encodeMs = this.#around.loop.now() - cutAt
      const own = { task: this.#plan.name, subtask: this.#subtask }
      this.#around.report(checkpoint, { ...own, encodeMs, reached: new Map() })
    })
    return true
  }

  /** The key of a record; undefined for a stream without keys. */
  #tokenOf(value: unknown): KeyToken | undefined {
    const [{ exchange }] = this.#node.inputs
    return exchange.kind === 'key' ? keyToken(exchange.by(value)) : undefined
  }

  /** The group of a record for the bulkhead, if there is one. */
  #groupOf(value: unknown, key: KeyToken | undefined): KeyToken | undefined {
    const { bulkhead } = this.#node
    if (bulkhead === undefined) return undefined
    return bulkhead.by === undefined ? key : keyToken(bulkhead.by(value))
  }
}
