import type { Wakeup } from '@millrace/world'
import type { Batch } from '../record/element.ts'
import type { PartFrame } from '../disk/profiler.ts'
import { keyGroupRange, type KeyGroupRange } from '../record/key-group.ts'
import { MAX_TIME, type EventTime } from '../record/time.ts'
import { TaskMetrics } from '../observe/metrics.ts'
import { Chain, type EndedTimers } from '../operator/chain.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { PartOutput, Tap } from '../operator/tap.ts'
import type { ChainTaskPlan } from '../plan/plan.ts'
import { Gate, type Arrival } from '../exchange/gate.ts'
import { InputLimit } from '../exchange/input-limit.ts'
import { Outlet } from '../exchange/outlet.ts'
import type { TaskWiring } from '../exchange/wiring.ts'
import type { RetryRules } from '../graph/node.ts'
import { recordsToRetry } from '../state/records-to-retry.ts'
import { KeptRecords } from './kept-records.ts'
import { Retries } from './retries.ts'
import { seedOperator } from './seed-operator.ts'
import { SnapshotSlices } from './snapshot-slices.ts'
import { tracingOf } from './task-tracing.ts'
import { WaitingRoom } from './waiting-room.ts'
import type { Task, TaskSurroundings } from './task.ts'

/** Records that may always wait before a chain, however slow it is. */
const leastWaiting = 16

/**
 * Runs a chain of operators in a loop: credit, element, operators, outputs.
 *
 * Long work is done in slices: after each, the outputs are flushed and the event loop runs. A barrier never
 * enters between two slices of one element, because the state in between is no consistent cut; a snapshot that began before
 * is encoded between slices.
 */
export class ChainTask implements Task {
  readonly metrics: TaskMetrics
  readonly #around: TaskSurroundings
  readonly #name: string
  readonly #subtask: number
  readonly #groups: KeyGroupRange
  readonly #gate: Gate
  readonly #limit: InputLimit
  readonly #chain: Chain
  readonly #cursor: Cursor
  readonly #outlet: Outlet
  readonly #wakeup: Wakeup
  readonly #snapshot: SnapshotSlices
  readonly #seeds: ChainTaskPlan['seeds']
  #alarm: Disposable | undefined
  #alarmAt = Number.POSITIVE_INFINITY
  #isEnded = false
  /** Undefined if records that fail are not tried again. */
  readonly #retries: Retries | undefined
  #isInputIdle = false
  #isIdle = false
  #hasInputEnded = false

  constructor(plan: ChainTaskPlan, subtask: number, wiring: TaskWiring, around: TaskSurroundings) {
    const { cursor, wakeup } = wiring
    this.#around = around
    this.#name = plan.name
    this.#seeds = plan.seeds
    this.#subtask = subtask
    this.metrics = new TaskMetrics(plan.name, subtask, 'chain', around.loop)
    this.#cursor = cursor
    this.#wakeup = wakeup
    around.cancellation.onCancel(() => wakeup.wake())
    this.#gate = new Gate(wiring.inputs, wakeup, around.isAfterEnd)
    const { clock } = around.platform
    this.#limit = new InputLimit(this.#gate, clock, { least: leastWaiting, first: Number.POSITIVE_INFINITY })
    this.#outlet = new Outlet(wiring.ports, {
      cursor,
      wakeup,
      signal: around.cancellation.signal,
      isBarrierWaiting: () => this.#gate.hasBarrier,
      times: this.metrics.times,
    })
    const owners = new Set<string>()
    this.#retries = plan.retry && this.#makeRetries(plan, plan.retry)
    if (plan.retry !== undefined) owners.add(plan.name)
    const groups = keyGroupRange(subtask, around.parallelism, around.keyGroups)
    this.#groups = groups
    this.#chain = new Chain(plan.heads, {
      pipeline: around.pipeline,
      subtask,
      keyGroups: around.keyGroups,
      cursor,
      budget: around.budget,
      ports: wiring.ports,
      tracing: tracingOf(around, subtask),
      now: () => around.platform.clock.now(),
      table: (owner, spec, isShared) => {
        owners.add(owner)
        const open = () => around.store.table({ ...spec, owner, subtask, groups })
        return isShared === true ? around.replicas.table(owner, spec, subtask, open) : open()
      },
      history: (operator) => around.history(operator, groups),
      warn: (message) => around.warn(message),
      count: (operator, metric, by) => this.metrics.count(operator, metric, by),
      retry: this.#retries?.failed,
    })
    this.#snapshot = new SnapshotSlices(around.store, [...owners], subtask, around.budget)
    this.metrics.queued = () => this.#gate.queued
    this.metrics.flows = () => this.#chain.flows()
  }

  async open(): Promise<void> {
    const { budget, cancellation, isRestored, reached } = this.#around
    const groups = this.#groups
    const restored = { groups, reached: (operator: string) => reached(operator, groups) }
    while (!this.#chain.start(isRestored ? restored : undefined)) {
      await budget.turn()
      cancellation.signal.throwIfAborted()
    }
    for (const { operator, seed } of this.#seeds) {
      if (!this.#around.startsEmpty(operator)) continue
      await seedOperator(operator, seed, { around: this.#around, groups, chain: this.#chain })
    }
    for (const _ of this.#retries?.restore() ?? []) if (budget.spend()) await budget.turn()
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
      let isBehind = false
      if (this.#outlet.hasRoom) {
        // Until now what was taken ahead of a barrier has kept its credit, so that producers could not send more.
        this.#gate.release()
        isBehind = await this.#fireProcessing()
        if (this.#retries !== undefined && (await this.#retryDue(this.#retries))) isBehind = true
      }
      const mayTake = this.#outlet.hasRoom && this.#retries?.isFull !== true
      const arrival = mayTake || this.#gate.hasBarrier ? this.#gate.take() : undefined
      if (arrival !== undefined) await this.#handle(arrival)
      if (this.#snapshot.isUnderWay) {
        this.#snapshot.slice()
        await budget.turn()
      } else if (arrival === undefined && !isBehind) {
        // Without room no timer fires, and the task is woken when there is room again.
        if (this.#outlet.hasRoom) this.#setAlarm()
        times.wait(this.#outlet.hasRoom ? 'idle' : 'backPressured')
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

  frameParts(isFramed: boolean): readonly PartFrame[] {
    return this.#chain.frameParts(isFramed)
  }

  tap(output: PartOutput, tap: Tap | undefined): void {
    this.#chain.tap(output, tap)
  }

  async close(): Promise<void> {
    this.#alarm?.[Symbol.dispose]()
    this.#chain.close((error) => this.#around.warn(`closing '${this.#name}' failed: ${String(error)}`))
  }

  /** Passes on the watermarks that the inputs announced at the start, unless they make a timer due. */
  #announced(arrival: Arrival): boolean {
    if (arrival.kind === 'idle') {
      this.#isInputIdle = true
      this.#passIdle()
    } else if (arrival.kind === 'watermark' && this.#chain.begin(this.#reachable(arrival.time))) {
      this.#passWatermark()
    } else return false
    return true
  }

  #handle(arrival: Arrival): Promise<void> | undefined {
    switch (arrival.kind) {
      case 'batch':
        return this.#process(arrival.batch, arrival.watermarks, arrival.edge.input)
      case 'watermark':
        return this.#advance(this.#reachable(arrival.time))
      case 'idle':
      case 'active':
        this.#isInputIdle = arrival.kind === 'idle'
        this.#passIdle()
        return undefined
      case 'barrier':
        this.#barrier(arrival.checkpoint)
        return undefined
      case 'end':
        this.#hasInputEnded = true
        return this.#settle()
    }
  }

  /** How far event time may advance: records that wait for another attempt hold it back. */
  #reachable(time: EventTime): EventTime {
    return this.#retries?.reach(time) ?? time
  }

  /** A task with records that wait is not idle: later tasks would not wait for their results, which would be late. */
  #passIdle(): void {
    const isIdle = this.#isInputIdle && this.#retries?.isEmpty !== false
    if (isIdle === this.#isIdle) return
    this.#isIdle = isIdle
    this.#outlet.mark({ kind: isIdle ? 'idle' : 'active' })
  }

  /** Makes the attempts that are due, for one slice; true if more may be due. */
  async #retryDue(retries: Retries): Promise<boolean> {
    if (!retries.retryOne(this.#chain)) return false
    await this.#pause()
    await this.#advance(retries.reach())
    await this.#settle()
    return true
  }

  /** Passes on what waits until no record does. */
  async #settle(): Promise<void> {
    this.#passIdle()
    if (this.#hasInputEnded && !this.#isEnded && this.#retries?.isEmpty !== false) await this.#finish()
  }

  #makeRetries(plan: ChainTaskPlan, rules: RetryRules): Retries {
    const { clock, random } = this.#around.platform
    const kept = new KeptRecords({
      owner: plan.name,
      subtask: this.#subtask,
      around: this.#around,
      keepsOrigin: true,
      spec: recordsToRetry,
    })
    const room = new WaitingRoom({ rules, kept, clock, random })
    return new Retries({ room, keys: plan.keys, cursor: this.#cursor, budget: this.#around.budget })
  }

  async #process(batch: Batch, watermarks: Float64Array, input: number): Promise<void> {
    this.metrics.recordsIn += batch.length
    let next = 0
    for (;;) {
      const from = next
      this.metrics.times.run()
      this.#limit.begin()
      next =
        this.#retries?.process(this.#chain, batch, from, watermarks, input) ??
        this.#chain.process(batch, from, watermarks, input)
      this.#limit.done(next - from, true)
      const pause = this.#pause()
      if (pause !== undefined) await pause
      if (next >= batch.length) break
    }
    this.#passWatermark()
  }

  async #advance(time: EventTime): Promise<void> {
    while (!this.#chain.advance(time)) await this.#pause()
    await this.#flush()
    this.#passWatermark()
  }

  /** Records carry their watermarks, but a chain may have dropped them all. */
  #passWatermark(): void {
    const { watermark } = this.#cursor
    if (watermark <= this.metrics.watermark) return
    this.metrics.watermark = watermark
    this.#outlet.watermark(watermark)
  }

  #barrier(checkpoint: number): void {
    const reached = this.#chain.reached(this.#groups)
    const keys = this.#chain.keyKinds()
    const { loop } = this.#around
    const cutAt = loop.now()
    this.#outlet.mark({ kind: 'barrier', checkpoint })
    this.#snapshot.begin(() => {
      const encodeMs = loop.now() - cutAt
      this.#around.report(checkpoint, { task: this.#name, subtask: this.#subtask, encodeMs, reached, keys })
    })
  }

  async #finish(): Promise<void> {
    while (!this.#chain.end()) await this.#pause()
    for (const timers of this.#chain.timersAtEnd()) this.#reportTimers(timers)
    await this.#flush()
    this.#outlet.mark({ kind: 'end' })
    this.metrics.watermark = MAX_TIME
    this.#isEnded = true
    this.#around.ended(this.#name, this.#subtask)
  }

  #reportTimers({ operator, firedAtEnd, droppedAtEnd, setAtEnd, endless }: EndedTimers): void {
    const warn = (message: string): void => this.#around.warn(message)
    const at = `processing timers of operator '${operator}' were pending at the end of its input and were`
    if (firedAtEnd > 0) {
      this.metrics.count(operator, 'firedAtEnd', firedAtEnd)
      warn(`${firedAtEnd} ${at} fired at once`)
    }
    const dropped = droppedAtEnd + setAtEnd
    if (dropped > 0) this.metrics.count(operator, 'droppedAtEnd', dropped)
    if (droppedAtEnd > 0) warn(`${droppedAtEnd} ${at} dropped, as it asks for with timersAtEnd`)
    if (setAtEnd > 0) {
      warn(
        `${setAtEnd} processing timers that operator '${operator}' set at the end of its input were dropped`,
      )
    }
    if (endless > 0) {
      warn(
        `operator '${operator}' sets a timer whenever one fires, also after the end of its input; ${endless} were dropped. Set none once the watermark is infinite`,
      )
    }
  }

  /** Fires processing timers for one slice; true if more are due. Records take turns with them. */
  async #fireProcessing(): Promise<boolean> {
    const { clock } = this.#around.platform
    const { nextProcessing } = this.#chain
    if (this.#isEnded || nextProcessing === Number.POSITIVE_INFINITY || nextProcessing > clock.now())
      return false
    const isDone = this.#chain.fireProcessing(clock.now())
    await this.#pause()
    return !isDone
  }

  /** Between two slices: what to await until the outputs have room and the event loop has had its turn. */
  #pause(): Promise<void> | undefined {
    const room = this.#flush()
    return room === undefined ? this.#turn() : room.then(() => this.#turn())
  }

  /** Sends what was emitted. A running snapshot continues while that waits for room. */
  #flush(): Promise<void> | undefined {
    const room = this.#outlet.flush()
    return room === undefined || !this.#snapshot.isUnderWay ? room : this.#encodeUntil(room)
  }

  async #encodeUntil(room: Promise<void>): Promise<void> {
    const encode = async (): Promise<void> => {
      while (this.#snapshot.isUnderWay) {
        this.#snapshot.slice()
        await this.#around.budget.turn()
      }
    }
    await Promise.all([room, encode()])
  }

  /** What to await if the event loop is due a turn. A running snapshot gets its slice of the time. */
  #turn(): Promise<void> | undefined {
    const { budget, cancellation } = this.#around
    const due = budget.due()
    if (due === undefined) return undefined
    if (this.#snapshot.isUnderWay) this.#snapshot.slice()
    return due.then(() => cancellation.signal.throwIfAborted())
  }

  /** Wakes the task when its next processing timer is due; one alarm at most is armed, for the earliest. */
  #setAlarm(): void {
    const { clock } = this.#around.platform
    const retryAt = clock.now() + (this.#retries?.nextAt ?? Infinity) - clock.monotonic()
    const at = this.#isEnded ? Number.POSITIVE_INFINITY : Math.min(this.#chain.nextProcessing, retryAt)
    if (at === this.#alarmAt) return
    this.#alarm?.[Symbol.dispose]()
    this.#alarmAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#alarm = clock.schedule(Math.max(0, at - clock.now()), () => {
      this.#alarmAt = Number.POSITIVE_INFINITY
      this.#wakeup.wake()
    })
  }
}
