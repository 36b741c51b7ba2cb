import type { Wakeup } from '@millrace/channels'
import type { SinkEntry } from '../checkpoint/manifest.ts'
import type { SinkWriter } from '../connect/sink.ts'
import type { ConnectorContext } from '../connect/source.ts'
import type { Batch } from '../kernel/element.ts'
import { describeError, MillraceError } from '../kernel/errors.ts'
import type { Json } from '../kernel/json.ts'
import { MAX_TIME } from '../kernel/time.ts'
import { TaskMetrics } from '../observe/metrics.ts'
import type { SinkTaskPlan } from '../plan/plan.ts'
import type { TaskWiring } from './chain-task.ts'
import { Gate, type Arrival } from './gate.ts'
import type { Task, TaskSurroundings } from './task.ts'

/** Work that was prepared at a barrier and waits for its checkpoint to be durable. */
interface Prepared {
  readonly checkpoint: number
  readonly committable: Json
}

/**
 * Writes what arrives and takes part in checkpoints: prepare at the barrier, commit once the manifest is durable.
 *
 * Calls to the writer never overlap. What was prepared for a checkpoint that was given up is named again by the next
 * one, so nothing prepared is ever forgotten.
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
  readonly #prepared: Prepared[] = []
  readonly #committed = new Map<number, () => void>()
  #writer: SinkWriter<unknown> | undefined
  #completed = 0
  #committedUpTo = 0

  /** `restored` is what the restored manifest names for this sink; subtask 0 commits it. */
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
    this.metrics = new TaskMetrics(plan.name, subtask, 'sink')
    this.#context = around.connectorContext(plan.name)
    this.#wakeup = wiring.wakeup
    around.cancellation.onCancel(() => wiring.wakeup.wake())
    this.#gate = new Gate(wiring.inputs, wiring.wakeup)
    this.#pending = subtask === 0 ? restored.map((entry) => entry.committable) : []
  }

  async open(): Promise<void> {
    this.#writer = await this.#ask('could not be opened', () =>
      this.#plan.node.sink.open(this.#subtask, this.#pending, this.#context),
    )
  }

  start(): void {}

  async run(): Promise<void> {
    const { cancellation, budget } = this.#around
    const { signal } = cancellation
    for (;;) {
      signal.throwIfAborted()
      await this.#commit()
      this.#gate.release()
      const arrival = this.#gate.take()
      if (arrival === undefined) await this.#wakeup.wait()
      else await this.#handle(arrival)
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
    if (this.#committedUpTo >= checkpoint) return Promise.resolve()
    return new Promise((resolve) => this.#committed.set(checkpoint, resolve))
  }

  async close(): Promise<void> {
    await this.#writer?.close()
  }

  async #handle(arrival: Arrival): Promise<void> {
    if (arrival.kind === 'batch') await this.#write(arrival.batch)
    else if (arrival.kind === 'watermark') this.metrics.watermark = arrival.time
    else if (arrival.kind === 'barrier') await this.#prepare(arrival.checkpoint)
    else if (arrival.kind === 'end') {
      this.metrics.watermark = MAX_TIME
      this.#around.ended(this.#plan.name, this.#subtask)
    }
  }

  async #write(batch: Batch): Promise<void> {
    try {
      const written = this.#writer!.write(batch)
      if (written !== undefined) await written
    } catch (error) {
      throw this.#failed('could not be written to', error)
    }
    this.metrics.recordsIn += batch.length
  }

  async #prepare(checkpoint: number): Promise<void> {
    const committable = await this.#ask('could not prepare a checkpoint', () =>
      this.#writer!.prepare(checkpoint),
    )
    if (committable !== undefined) this.#prepared.push({ checkpoint, committable })
    this.#around.report(checkpoint, {
      task: this.#plan.name,
      subtask: this.#subtask,
      reached: new Map(),
      prepared: [...this.#prepared],
    })
  }

  async #commit(): Promise<void> {
    if (this.#completed === this.#committedUpTo) return
    const upTo = this.#completed
    while (this.#prepared.length > 0 && this.#prepared[0]!.checkpoint <= upTo) {
      const { committable } = this.#prepared[0]!
      await this.#ask('could not commit', async () => this.#writer!.commit?.(committable))
      this.#prepared.shift()
    }
    this.#committedUpTo = upTo
    for (const [checkpoint, resolve] of this.#committed) {
      if (checkpoint > upTo) continue
      this.#committed.delete(checkpoint)
      resolve()
    }
  }

  async #ask<T>(what: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      throw this.#failed(what, error)
    }
  }

  #failed(what: string, error: unknown): MillraceError {
    const place = `sink '${this.#plan.name}'`
    return new MillraceError('SINK_FAILED', `${place} ${what}: ${describeError(error)}`, {
      cause: error,
      place,
    })
  }
}
