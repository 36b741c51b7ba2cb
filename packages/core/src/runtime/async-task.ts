import type { Wakeup } from '@millrace/channels'
import type { AsyncNode } from '../graph/node.ts'
import type { Batch } from '../kernel/element.ts'
import { MillraceError } from '../kernel/errors.ts'
import { keyGroup, keyGroupRange, type KeyGroupRange } from '../kernel/key-group.ts'
import { keyToken, type KeyToken } from '../kernel/key-token.ts'
import { structuredCodec } from '../kernel/structured-codec.ts'
import type { EventTime } from '../kernel/time.ts'
import { TaskMetrics } from '../observe/metrics.ts'
import type { Cursor } from '../operator/cursor.ts'
import { FailurePolicy } from '../operator/failure-policy.ts'
import type { Receiver } from '../operator/receiver.ts'
import type { AsyncTaskPlan } from '../plan/plan.ts'
import type { Cell, StateTable } from '../state/state-store.ts'
import { AsyncCalls, type AsyncCall } from './async-calls.ts'
import type { TaskWiring } from './chain-task.ts'
import { Gate, type Arrival } from './gate.ts'
import { Outlet } from './outlet.ts'
import { SnapshotSlices } from './snapshot-slices.ts'
import { receiverOf } from './source-task.ts'
import type { Task, TaskSurroundings } from './task.ts'

/** A record whose result has not left yet, as it is kept in checkpoints. */
interface Waiting {
  readonly value: unknown
  readonly time: EventTime
  readonly watermark: EventTime
}

/**
 * Runs user code that waits, so many calls at once. Records in flight are state: a checkpoint holds them, and a
 * restart calls again for each. Cells of calls that begin and end between two checkpoints are never written.
 */
export class AsyncTask implements Task {
  readonly metrics: TaskMetrics
  readonly #plan: AsyncTaskPlan
  readonly #node: AsyncNode
  readonly #around: TaskSurroundings
  readonly #subtask: number
  readonly #gate: Gate
  readonly #cursor: Cursor
  readonly #wakeup: Wakeup
  readonly #outlet: Outlet
  readonly #target: Receiver
  readonly #policy: FailurePolicy
  readonly #calls: AsyncCalls
  readonly #table: StateTable<unknown>
  readonly #snapshot: SnapshotSlices
  readonly #groups: KeyGroupRange
  /** The watermark of the input; the output's stays behind it while calls are in flight. */
  #inputWatermark: EventTime
  #isInputIdle = false
  /** Whether the tasks behind this one were told that it is idle. */
  #isIdle = false
  #sequence = 0

  constructor(plan: AsyncTaskPlan, subtask: number, wiring: TaskWiring, around: TaskSurroundings) {
    const { cursor, wakeup, ports } = wiring
    const { node } = plan
    this.#plan = plan
    this.#node = node
    this.#around = around
    this.#subtask = subtask
    this.metrics = new TaskMetrics(plan.name, subtask, 'async')
    this.#cursor = cursor
    this.#wakeup = wakeup
    around.cancellation.onCancel(() => wakeup.wake())
    this.#inputWatermark = around.restoredWatermark(plan.name, subtask)
    this.#gate = new Gate(wiring.inputs, wakeup, this.#inputWatermark)
    this.#outlet = new Outlet(ports, cursor, wakeup, around.cancellation.signal)
    this.#target = receiverOf(plan.targets, ports)
    this.#policy = new FailurePolicy({
      kind: node.onError.kind,
      operator: node.name,
      pipeline: around.pipeline,
      deadLetters: receiverOf(plan.errors, ports),
      now: () => around.platform.clock.now(),
      count: (metric) => this.metrics.count(node.name, metric, 1),
    })
    this.#calls = new AsyncCalls(node.order)
    this.#groups = keyGroupRange(subtask, around.parallelism, around.keyGroups)
    this.#table = around.store.table({
      owner: node.name,
      subtask,
      name: '#in-flight',
      codec: structuredCodec<unknown>(),
      groups: this.#groups,
    })
    this.#snapshot = new SnapshotSlices(around.store, [node.name], subtask)
  }

  async open(): Promise<void> {}

  start(): void {
    const cells = [...this.#table.cells(0)]
    const watermarks = cells.map((cell) => (cell.value as Waiting).watermark)
    // After a rescale records of several subtasks come together, whose watermarks were apart: no result may leave
    // under a later one than a record behind it has arrived under.
    for (let i = cells.length - 2; i >= 0; i--) watermarks[i] = Math.min(watermarks[i]!, watermarks[i + 1]!)
    for (const [i, cell] of cells.entries()) {
      const { value, time } = cell.value as Waiting
      this.#sequence = Math.max(this.#sequence, Math.floor(Number(cell.inner) / this.#around.keyGroups) + 1)
      this.#call(value, time, watermarks[i]!, cell, -1, this.#tokenOf(value))
    }
    this.#advance()
    this.metrics.watermark = this.#cursor.watermark
    this.#outlet.begin(this.#cursor.watermark)
    this.#isInputIdle = this.#gate.begin()
    this.#passIdle()
  }

  async run(): Promise<void> {
    const { cancellation, budget } = this.#around
    const { signal } = cancellation
    for (;;) {
      signal.throwIfAborted()
      await this.#emitSettled()
      const arrival = this.#gate.take()
      if (arrival !== undefined) await this.#handle(arrival)
      if (this.#snapshot.isUnderWay) {
        this.#snapshot.slice()
        await budget.turn()
      } else if (arrival === undefined) {
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

  async close(): Promise<void> {}

  async #handle(arrival: Arrival): Promise<void> {
    switch (arrival.kind) {
      case 'batch':
        return this.#process(arrival.batch, arrival.watermarks)
      case 'watermark':
        this.#inputWatermark = arrival.time
        return this.#passWatermark()
      case 'idle':
      case 'active':
        this.#isInputIdle = arrival.kind === 'idle'
        return this.#passIdle()
      case 'barrier':
        return this.#barrier(arrival.checkpoint)
      case 'end':
        while (this.#calls.size > 0) {
          await this.#wakeup.wait()
          this.#around.cancellation.signal.throwIfAborted()
          await this.#emitSettled()
        }
        this.#outlet.mark({ kind: 'end' })
        this.#around.ended(this.#plan.name, this.#subtask)
    }
  }

  async #process(batch: Batch, watermarks: Float64Array): Promise<void> {
    this.metrics.recordsIn += batch.length
    for (let i = 0; i < batch.length; i++) {
      while (this.#calls.size >= this.#node.concurrency) {
        await this.#emitSettled()
        if (this.#calls.size < this.#node.concurrency) break
        await this.#wakeup.wait()
        this.#around.cancellation.signal.throwIfAborted()
      }
      this.#inputWatermark = Math.max(this.#inputWatermark, watermarks[i]!)
      this.#begin(batch, i)
      if (this.#cursor.isFull) await this.#outlet.flush()
    }
    this.#passWatermark()
  }

  #begin(batch: Batch, index: number): void {
    const value = batch.values[index]
    const time = batch.times[index]!
    const waiting: Waiting = { value, time, watermark: this.#inputWatermark }
    this.#cursor.enter(batch)
    this.#cursor.at(batch, index)
    let token: KeyToken | undefined
    try {
      token = this.#tokenOf(value)
    } catch (thrown) {
      this.#policy.handle(thrown, this.#cursor, value, time)
      return
    }
    const group = this.#groupOf(token, batch.origin?.split)
    // The group is part of the name, so that records of several subtasks can come together after a rescale.
    const name = this.#sequence++ * this.#around.keyGroups + group
    const cell = this.#table.create(0, name, group, waiting)
    this.#call(value, time, this.#inputWatermark, cell, this.#cursor.originIndex, token)
  }

  #call(
    value: unknown,
    time: EventTime,
    watermark: EventTime,
    cell: Cell<unknown>,
    originIndex: number,
    token: KeyToken | undefined,
  ): void {
    const { origin } = this.#cursor
    const call: AsyncCall = {
      value,
      time,
      watermark,
      key: this.#node.order === 'key' ? token : undefined,
      originIndex,
      place: () =>
        originIndex < 0 || origin === undefined
          ? 'a record that was in flight at the last checkpoint, or whose place is no longer known'
          : `source '${origin.source}', split '${origin.split}', ${origin.place(originIndex)}`,
      raw: () => (originIndex < 0 ? undefined : origin?.raw(originIndex)),
      cell,
      outcome: undefined,
    }
    this.#calls.begin(call)
    const settle = (outcome: AsyncCall['outcome']): void => {
      if (call.outcome !== undefined) return
      call.outcome = outcome
      this.#calls.settle(call)
      this.#wakeup.wake()
    }
    // A function that throws before its first await fails its record like one that rejects.
    void Promise.resolve()
      .then(() => this.#limited(value))
      .then(
        (result) => settle({ result }),
        (thrown: unknown) => settle({ thrown }),
      )
  }

  /** Each call has a signal of its own: it ends with the job, and when the call takes too long. */
  async #limited(value: unknown): Promise<unknown> {
    const { apply, timeoutMs, name } = this.#node
    const cancellation = this.#around.cancellation.child()
    try {
      const { signal } = cancellation
      if (timeoutMs === undefined) return await apply(value, signal)
      const expired = new Promise<never>((_, reject) => {
        cancellation.onCancel(() => reject(signal.reason as Error))
      })
      using _alarm = this.#around.platform.clock.schedule(timeoutMs, () => {
        cancellation.cancel(
          new MillraceError('OPERATOR_FAILED', `'${name}' took longer than ${timeoutMs} ms for one record`),
        )
      })
      return await Promise.race([apply(value, signal), expired])
    } finally {
      cancellation.release()
    }
  }

  async #emitSettled(): Promise<void> {
    for (let call = this.#calls.next(); call !== undefined; call = this.#calls.next()) {
      const outcome = call.outcome!
      this.#cursor.originIndex = -1
      if ('thrown' in outcome) this.#policy.handle(outcome.thrown, call, call.value, call.time)
      else this.#target.receive(outcome.result, call.time)
      this.#calls.remove(call)
      this.#table.delete(call.cell)
      if (this.#cursor.isFull) await this.#outlet.flush()
      this.#advance()
    }
    const room = this.#outlet.flush()
    if (room !== undefined) await room
    this.#passWatermark()
    this.#passIdle()
  }

  /** Nobody downstream waits for an idle task, and so for none with calls in flight: their results would be late. */
  #passIdle(): void {
    const isIdle = this.#isInputIdle && this.#calls.size === 0
    if (isIdle === this.#isIdle) return
    this.#isIdle = isIdle
    this.#outlet.mark({ kind: isIdle ? 'idle' : 'active' })
  }

  /**
   * What leaves next leaves under the watermark of the oldest call in flight; or under that of the input, which a
   * call that was restored from another subtask may be ahead of.
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
    // That of the output follows from it and from the calls in flight.
    const watermark = this.#inputWatermark
    this.#outlet.mark({ kind: 'barrier', checkpoint })
    this.#snapshot.begin(() => {
      this.#around.report(checkpoint, {
        task: this.#plan.name,
        subtask: this.#subtask,
        members: this.#plan.members,
        watermark,
      })
    })
  }

  /** What a record is brought together by; undefined for a stream without keys. */
  #tokenOf(value: unknown): KeyToken | undefined {
    const [{ exchange }] = this.#node.inputs
    return exchange.kind === 'key' ? keyToken(exchange.by(value)) : undefined
  }

  /**
   * Which subtask a record in flight belongs to after a rescale: that of its key; without one that of its split, which
   * keeps it before the records that follow; any, if its split was elsewhere already or is no longer known.
   */
  #groupOf(token: KeyToken | undefined, split: string | undefined): number {
    const { keyGroups } = this.#around
    if (token !== undefined) return keyGroup(token, keyGroups)
    const { first, last } = this.#groups
    const ofSplit = split === undefined ? -1 : keyGroup(split, keyGroups)
    return ofSplit >= first && ofSplit <= last ? ofSplit : first + (this.#sequence % (last - first + 1))
  }
}
