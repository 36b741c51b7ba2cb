import type { Wakeup } from '@millrace/channels'
import type { Batch, Element } from '../kernel/element.ts'
import { keyGroup, subtaskOfGroup } from '../kernel/key-group.ts'
import { keyToken } from '../kernel/key-token.ts'
import type { Key } from '../kernel/key.ts'
import type { EventTime } from '../kernel/time.ts'
import type { Cursor } from '../operator/cursor.ts'
import type { Receiver } from '../operator/receiver.ts'
import type { Edge } from './edge.ts'

/** Records on their way into the next batch of one edge. */
class BatchBuilder {
  readonly edge: Edge
  readonly #cursor: Cursor
  readonly #records: number
  #values: unknown[] = []
  #times: Float64Array
  #watermarks: Float64Array
  #originIndex: Int32Array
  length = 0

  constructor(edge: Edge, cursor: Cursor, records: number) {
    this.edge = edge
    this.#cursor = cursor
    this.#records = records
    this.#times = new Float64Array(records)
    this.#watermarks = new Float64Array(records)
    this.#originIndex = new Int32Array(records)
  }

  add(value: unknown, time: EventTime): void {
    const at = this.length
    if (at === this.#times.length) this.#grow()
    this.#values.push(value)
    this.#times[at] = time
    this.#watermarks[at] = this.#cursor.watermark
    this.#originIndex[at] = this.#cursor.originIndex
    this.length = at + 1
    if (at + 1 >= this.#records) this.#full()
  }

  /** Sends what there is; the caller has asked for credit. */
  send(): void {
    const batch: Batch = {
      length: this.length,
      values: this.#values,
      times: this.#times,
      watermarks: this.#watermarks,
      origin: this.#cursor.origin,
      originIndex: this.#originIndex,
    }
    this.#values = []
    this.#times = new Float64Array(this.#records)
    this.#watermarks = new Float64Array(this.#records)
    this.#originIndex = new Int32Array(this.#records)
    this.length = 0
    this.edge.send(batch)
  }

  #full(): void {
    if (this.edge.hasCredit) this.send()
    else this.#cursor.isFull = true
  }

  /** One record may emit more than a batch; the task stops right after it. */
  #grow(): void {
    const size = this.#times.length * 2
    const times = new Float64Array(size)
    times.set(this.#times)
    this.#times = times
    const watermarks = new Float64Array(size)
    watermarks.set(this.#watermarks)
    this.#watermarks = watermarks
    const originIndex = new Int32Array(size)
    originIndex.set(this.#originIndex)
    this.#originIndex = originIndex
  }
}

/** How records of one output choose among the edges to the subtasks of the next task. */
export type Route =
  /** One edge: the same subtask, or the only one. */
  | { readonly kind: 'forward' }
  | { readonly kind: 'key'; readonly by: (value: unknown) => Key; readonly keyGroups: number }

/** One output of a task: gathers records into batches and sends them to the subtask they belong to. */
export class Port implements Receiver {
  readonly #builders: readonly BatchBuilder[]
  readonly #route: Route

  constructor(edges: readonly Edge[], route: Route, cursor: Cursor, wakeup: Wakeup, batchRecords: number) {
    for (const edge of edges) edge.attachProducer(wakeup)
    this.#builders = edges.map((edge) => new BatchBuilder(edge, cursor, batchRecords))
    this.#route = edges.length === 1 ? { kind: 'forward' } : route
  }

  receive(value: unknown, time: EventTime): void {
    this.#builders[this.#route.kind === 'forward' ? 0 : this.#target(value, this.#route)]!.add(value, time)
  }

  /** Sends every batch begun, as far as there is credit; true when nothing is left. */
  flush(): boolean {
    let isEmpty = true
    for (const builder of this.#builders) {
      if (builder.length === 0) continue
      if (builder.edge.hasCredit) builder.send()
      else isEmpty = false
    }
    return isEmpty
  }

  /** Sends a mark to every subtask. Batches begun must have been flushed. */
  mark(element: Exclude<Element, { kind: 'batch' }>): void {
    for (const builder of this.#builders) builder.edge.mark(element)
  }

  #target(value: unknown, route: Extract<Route, { kind: 'key' }>): number {
    let group: number
    try {
      group = keyGroup(keyToken(route.by(value)), route.keyGroups)
    } catch {
      // The operator behind the edge asks for the key again, fails in the same way and applies its error policy.
      return 0
    }
    return subtaskOfGroup(group, this.#builders.length, route.keyGroups)
  }
}
