import type { Wakeup } from '@millrace/world'
import type { Batch, Mark } from '../record/element.ts'
import { assert, MillraceError } from '../errors/errors.ts'
import { addHeaders, type HeaderColumn } from '../record/headers.ts'
import type { Key } from '../record/key.ts'
import type { EventTime } from '../record/time.ts'
import type { ChainTarget } from '../operator/chain-part.ts'
import type { Cursor } from '../operator/cursor.ts'
import { oneReceiver, type Receiver } from '../operator/receiver.ts'
import type { OutgoingEdge } from './edge.ts'
import { subtaskOfRecord } from './exchange.ts'

/** Typed arrays of this length are as cheap as shorter ones. */
const leastRoom = 8
/** The maximum initial capacity: more would be wasted on a single record after a large batch. */
const mostRoom = 1024
const noTimes = new Float64Array(0)
const noIndex = new Int32Array(0)

/**
 * Collects the records of the next batch of one edge.
 *
 * It allocates by need: a batch of one record costs one record, and a full one after a full one does not grow
 * step by step.
 */
class BatchBuilder {
  readonly edge: OutgoingEdge
  readonly #cursor: Cursor
  #values: unknown[] = []
  #times = noTimes
  #watermarks = noTimes
  #originIndex = noIndex
  /** Undefined until a record has headers. */
  #headers: HeaderColumn | undefined
  /** The initial capacity of the next batch: about the size of the last batch. */
  #room = leastRoom
  length = 0

  constructor(edge: OutgoingEdge, cursor: Cursor) {
    this.edge = edge
    this.#cursor = cursor
  }

  add(value: unknown, time: EventTime): void {
    const at = this.length
    if (at === this.#times.length) this.#grow()
    this.#values.push(value)
    this.#times[at] = time
    this.#watermarks[at] = this.#cursor.watermark
    this.#originIndex[at] = this.#cursor.originIndex
    const { headers } = this.#cursor
    if (headers !== undefined) this.#headers = addHeaders(this.#headers, at, headers)
    this.length = at + 1
    if (at + 1 >= this.edge.batchRecords) this.#full()
  }

  /** Sends the collected records; the caller has checked the credit. */
  send(): void {
    const batch: Batch = {
      length: this.length,
      values: this.#values,
      times: this.#times,
      watermarks: this.#watermarks,
      origin: this.#cursor.origin,
      originIndex: this.#originIndex,
      headers: this.#headers,
    }
    // The receiver owns the arrays now.
    this.#values = []
    this.#times = noTimes
    this.#watermarks = noTimes
    this.#originIndex = noIndex
    this.#headers = undefined
    this.#room = Math.max(leastRoom, Math.min(this.length, mostRoom))
    this.length = 0
    this.edge.send(batch)
  }

  #full(): void {
    if (this.edge.hasCredit) this.send()
    else this.#cursor.isFull = true
  }

  /** A batch may exceed `batchRecords`: the task stops only after the record that filled it. */
  #grow(): void {
    const size = Math.max(this.#room, this.#times.length * 2)
    this.#times = grown(this.#times, new Float64Array(size))
    this.#watermarks = grown(this.#watermarks, new Float64Array(size))
    this.#originIndex = grown(this.#originIndex, new Int32Array(size))
  }
}

function grown<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from)
  return to
}

/** How records of one output choose among the edges to the subtasks of the next task. */
export type Route =
  /** One edge: the same subtask, or the only one. */
  | { readonly kind: 'forward' }
  | { readonly kind: 'key'; readonly by: (value: unknown) => Key; readonly keyGroups: number }
  /** Every edge. */
  | { readonly kind: 'broadcast' }

/** One output of a task: collects records into batches and sends them to the right subtask. */
export class Port implements Receiver {
  readonly #builders: readonly BatchBuilder[]
  readonly #route: Route

  constructor(edges: readonly OutgoingEdge[], route: Route, cursor: Cursor, wakeup: Wakeup) {
    for (const edge of edges) edge.attachProducer(wakeup)
    this.#builders = edges.map((edge) => new BatchBuilder(edge, cursor))
    this.#route = edges.length === 1 ? { kind: 'forward' } : route
  }

  receive(value: unknown, time: EventTime): void {
    const route = this.#route
    if (route.kind === 'forward') this.#builders[0]!.add(value, time)
    else if (route.kind === 'key') this.#ownerOf(value, route).add(value, time)
    else for (const builder of this.#builders) builder.add(value, time)
  }

  get hasCredit(): boolean {
    for (const { edge } of this.#builders) if (!edge.hasCredit) return false
    return true
  }

  /** How many records the next batch of any edge should contain at most. */
  get batchRecords(): number {
    let least = Number.POSITIVE_INFINITY
    for (const { edge } of this.#builders) least = Math.min(least, edge.batchRecords)
    return least
  }

  /**
   * Sends every open batch, as far as there is credit, or with `mayOverdraw` as far as the edges accept
   * without it; true when nothing is left.
   */
  flush(mayOverdraw: boolean): boolean {
    let isEmpty = true
    for (const builder of this.#builders) {
      if (builder.length === 0) continue
      const { edge } = builder
      if (edge.hasCredit || (mayOverdraw && edge.hasOverdraft)) builder.send()
      else isEmpty = false
    }
    return isEmpty
  }

  /** Sends every open batch, with or without credit. */
  force(): void {
    for (const builder of this.#builders) if (builder.length > 0) builder.send()
  }

  /** Sends a mark to every subtask. Batches begun must have been flushed. */
  mark(element: Mark): void {
    for (const { edge, length } of this.#builders) {
      assert(length === 0, 'a mark leaves after the records before it')
      edge.mark(element)
    }
  }

  #ownerOf(value: unknown, { by, keyGroups }: Extract<Route, { kind: 'key' }>): BatchBuilder {
    return this.#builders[subtaskOfRecord(value, by, this.#builders.length, keyGroups)]!
  }
}

/** One receiver for targets that are all outputs of the task. */
export function receiverOf(targets: readonly ChainTarget[], ports: readonly Receiver[]): Receiver {
  return oneReceiver(
    targets.map((target) => {
      if (target.kind === 'port') return ports[target.port]!
      throw new MillraceError('INTERNAL', `'${target.part.name}' cannot run in this task`)
    }),
  )
}
