import type { Wakeup } from '@millrace/world'
import { ByteReader, ByteWriter } from '../codec/bytes.ts'
import { assert, describeError, MillraceError } from '../errors/errors.ts'
import type { Batch, Element, Mark } from '../record/element.ts'
import { readBatch, writeBatch, type OriginDetail } from './batch-bytes.ts'
import type { ByteLink } from './byte-link.ts'
import { Credit, type EdgeBounds } from './credit.ts'
import type { IncomingEdge, OutgoingEdge } from './edge.ts'
import { LocalEdge } from './local-edge.ts'

const kind = {
  batch: 0,
  watermark: 1,
  idle: 2,
  active: 3,
  barrier: 4,
  end: 5,
  /** From the consumer: it took a batch. */
  took: 6,
  /** From the consumer: it released so many records. */
  released: 7,
  /** From the consumer: the edge has another limit. */
  limit: 8,
} as const

/**
 * All edges between this worker and one other, over one link.
 *
 * Elements of an edge arrive in the order in which they were sent. What has arrived waits in a queue of the edge's own, so an edge whose
 * consumer is slow does not hold up the others: its credit bounds that queue. Credit returns over the link.
 */
export class Crossing {
  readonly #link: ByteLink
  readonly #detail: OriginDetail
  readonly #outgoing = new Map<number, FarOutgoingEdge>()
  readonly #incoming = new Map<number, FarIncomingEdge>()
  readonly #out = new ByteWriter(4096)
  #isPumping = false

  constructor(link: ByteLink, detail: OriginDetail) {
    this.#link = link
    this.#detail = detail
    link.listen(() => this.pump())
  }

  /** The end of edge `id` at which a task of this worker sends. */
  outgoing(id: number, bounds: EdgeBounds): OutgoingEdge {
    const edge = new FarOutgoingEdge(this, id, bounds)
    this.#outgoing.set(id, edge)
    return edge
  }

  /** The end of edge `id` at which a task of this worker receives. */
  incoming(id: number, bounds: EdgeBounds, input: number): IncomingEdge {
    const edge = new FarIncomingEdge(this, id, bounds, input)
    this.#incoming.set(id, edge)
    return edge
  }

  /** Whether the link takes more. */
  get hasRoom(): boolean {
    return this.#link.hasRoom
  }

  /** Handles what has arrived. Called by the edges whenever they are asked, and by the link when there is news. */
  pump(): void {
    // A woken task runs later, but a link may be asked again while it delivers.
    if (this.#isPumping) return
    this.#isPumping = true
    try {
      const wasFull = !this.#link.hasRoom
      this.#link.pump(this.#receive)
      if (wasFull && this.#link.hasRoom) for (const edge of this.#outgoing.values()) edge.offer()
    } finally {
      this.#isPumping = false
    }
  }

  sendBatch(id: number, batch: Batch): void {
    const out = this.#begin(id, kind.batch)
    try {
      writeBatch(batch, this.#detail, out)
    } catch (error) {
      throw new MillraceError(
        'CODEC_FAILED',
        `a record cannot cross to another thread: ${describeError(error)}. Emit plain data before keyBy, or run the job with threads: 1`,
        { cause: error, isFinal: true },
      )
    }
    this.#link.send(out.written())
  }

  sendMark(id: number, element: Mark): void {
    const out = this.#begin(id, kind[element.kind])
    if (element.kind === 'watermark') out.float64(element.time)
    if (element.kind === 'barrier') out.varint(element.checkpoint)
    this.#link.send(out.written())
  }

  sendCredit(id: number, what: 'took' | 'released' | 'limit', count: number): void {
    const out = this.#begin(id, kind[what])
    out.float64(count)
    this.#link.send(out.written())
  }

  #begin(id: number, first: number): ByteWriter {
    const out = this.#out
    out.reset()
    out.varint(id)
    out.byte(first)
    return out
  }

  readonly #receive = (message: Uint8Array): void => {
    const input = new ByteReader(message)
    const id = input.varint()
    const what = input.byte()
    if (what >= kind.took) this.#outgoing.get(id)!.credited(what, input.float64())
    else this.#incoming.get(id)!.arrived(what === kind.batch ? batchIn(input) : markIn(what, input))
  }
}

function batchIn(input: ByteReader): Element {
  return { kind: 'batch', batch: readBatch(input) }
}

function markIn(what: number, input: ByteReader): Mark {
  switch (what) {
    case kind.watermark:
      return { kind: 'watermark', time: input.float64() }
    case kind.idle:
      return { kind: 'idle' }
    case kind.active:
      return { kind: 'active' }
    case kind.barrier:
      return { kind: 'barrier', checkpoint: input.varint() }
    case kind.end:
      return { kind: 'end' }
    default:
      throw new MillraceError('INTERNAL', `a message of kind ${what} came from another worker`)
  }
}

/** The end at which a task sends to a task of another worker. */
class FarOutgoingEdge implements OutgoingEdge {
  readonly #crossing: Crossing
  readonly #id: number
  readonly #credit: Credit
  #producer: Wakeup | undefined

  constructor(crossing: Crossing, id: number, bounds: EdgeBounds) {
    this.#crossing = crossing
    this.#id = id
    this.#credit = new Credit(bounds)
  }

  attachProducer(wakeup: Wakeup): void {
    this.#producer = wakeup
  }

  get hasCredit(): boolean {
    this.#crossing.pump()
    return this.#credit.isLeft && this.#crossing.hasRoom
  }

  get hasOverdraft(): boolean {
    return this.#credit.hasOverdraft
  }

  get batchRecords(): number {
    return this.#credit.batchRecords
  }

  send(batch: Batch): void {
    this.#credit.sent(batch.length)
    this.#crossing.sendBatch(this.#id, batch)
  }

  mark(element: Mark): void {
    this.#crossing.sendMark(this.#id, element)
  }

  /** The consumer returns credit. */
  credited(what: number, count: number): void {
    if (what === kind.took) this.#credit.took(count)
    else if (what === kind.released) this.#credit.released(count)
    else this.#credit.limit(count)
    this.offer()
  }

  offer(): void {
    if (this.#credit.isLeft && this.#crossing.hasRoom) this.#producer?.wake()
  }
}

/** The end at which a task receives from a task of another worker: a queue of what has arrived. */
class FarIncomingEdge implements IncomingEdge {
  readonly input: number
  readonly #crossing: Crossing
  readonly #id: number
  readonly #arrived: LocalEdge
  /** Records taken and not released. */
  #taken = 0

  constructor(crossing: Crossing, id: number, bounds: EdgeBounds, input: number) {
    this.input = input
    this.#crossing = crossing
    this.#id = id
    this.#arrived = new LocalEdge(bounds, input)
  }

  attachConsumer(wakeup: Wakeup): void {
    this.#arrived.attachConsumer(wakeup)
  }

  get isEmpty(): boolean {
    this.#crossing.pump()
    return this.#arrived.isEmpty
  }

  get queued(): number {
    return this.#arrived.queued
  }

  get isAtMark(): boolean {
    return this.#arrived.isAtMark
  }

  get barrier(): number {
    this.#crossing.pump()
    return this.#arrived.barrier
  }

  limit(records: number): void {
    this.#crossing.sendCredit(this.#id, 'limit', records)
  }

  take(): Element | undefined {
    const element = this.#arrived.take()
    if (element?.kind !== 'batch') return element
    this.#taken += element.batch.length
    this.#crossing.sendCredit(this.#id, 'took', 1)
    return element
  }

  release(records: number = this.#taken): void {
    if (records === 0) return
    assert(records <= this.#taken, 'a task releases only records that it has taken')
    this.#taken -= records
    this.#arrived.release(records)
    this.#crossing.sendCredit(this.#id, 'released', records)
  }

  arrived(element: Element): void {
    if (element.kind === 'batch') this.#arrived.send(element.batch)
    else this.#arrived.mark(element)
  }
}
