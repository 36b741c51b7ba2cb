import { splitOf } from '../src/record.ts'
import type { Cursor } from '../src/wire/cursor.ts'
import { batchAt, recordsOf } from '../src/wire/record-batch.ts'
import type { WireWriter } from '../src/wire/wire-writer.ts'

interface Producer {
  readonly producer: number
  epoch: number
  /** The partitions and groups of its transaction. */
  readonly parts: Set<string>
  /** What becomes visible with the commit. */
  readonly open: (() => void)[]
  /** The number that the next record has, by split. */
  readonly sequences: Map<string, number>
}

type Answerer = (request: Cursor, out: WireWriter, node: number) => void

const decoder = new TextDecoder()

/** What brokers do for producers: identities, sequences, transactions, and offsets of groups in them. */
export class FakeWriting {
  readonly #leaderOf: (split: string) => number | undefined
  readonly #transactional = new Map<string, Producer>()
  readonly #producers = new Map<number, Producer>()
  /** The values that readers of committed records see, by split. */
  readonly visible = new Map<string, string[]>()
  /** The committed offsets of groups, as "group split". */
  readonly offsets = new Map<string, number>()
  /** Each request that was carried out or refused. */
  readonly asked: string[] = []
  /** What the next requests of a name are refused with; 0 carries one out. */
  readonly refusals: Record<string, number[]> = {}
  /** The size of each batch that was taken, and how it was compressed. */
  readonly batches: { readonly bytes: number; readonly codec: number }[] = []

  readonly answerers: ReadonlyMap<number, readonly [name: string, answer: Answerer]> = new Map([
    [0, ['Produce', (request, out, node) => this.#produce(request, out, node)]],
    [9, ['OffsetFetch', (request, out) => this.#readOffset(request, out)]],
    [22, ['InitProducerId', (request, out) => this.#init(request, out)]],
    [24, ['AddPartitionsToTxn', (request, out) => this.#addPartitions(request, out)]],
    [25, ['AddOffsetsToTxn', (request, out) => this.#addOffsets(request, out)]],
    [26, ['EndTxn', (request, out) => this.#end(request, out)]],
    [28, ['TxnOffsetCommit', (request, out) => this.#storeOffset(request, out)]],
  ])

  constructor(leaderOf: (split: string) => number | undefined) {
    this.#leaderOf = leaderOf
  }

  /** Forgets what a producer has written, as after the retention of its records. */
  forgetProducers(): void {
    this.#producers.clear()
  }

  #refusal(name: string): number {
    this.asked.push(name)
    return this.refusals[name]?.shift() ?? 0
  }

  #init(request: Cursor, out: WireWriter): void {
    const id = request.nullableText()
    const known = id === null ? undefined : this.#transactional.get(id)
    const error = this.#refusal('InitProducerId')
    const made = known ?? {
      producer: 100 + this.#transactional.size + this.#producers.size,
      epoch: -1,
      parts: new Set(),
      open: [],
      sequences: new Map(),
    }
    if (error === 0) {
      made.epoch++
      // Whatever was open is aborted.
      made.open.length = 0
      made.parts.clear()
      made.sequences.clear()
      this.#producers.set(made.producer, made)
      if (id !== null) this.#transactional.set(id, made)
    }
    out.int32(0)
    out.int16(error)
    out.int64(error === 0 ? made.producer : -1)
    out.int16(made.epoch)
  }

  /** The producer that a request names, or the error for one that is not the newest. */
  #known(producer: number, epoch: number): Producer | number {
    const found = this.#producers.get(producer)
    if (found === undefined) return 59
    return found.epoch === epoch ? found : 47
  }

  #produce(request: Cursor, out: WireWriter, node: number): void {
    const id = request.nullableText()
    request.int16()
    request.int32()
    const topics = request.list(() => {
      const topic = request.text()
      const parts = request.list(() => ({ partition: request.int32(), bytes: request.bytes() }))
      return { topic, parts }
    })
    out.list(topics, ({ topic, parts }) => {
      out.text(topic)
      out.list(parts, ({ partition, bytes }) => {
        const split = splitOf({ topic, partition })
        out.int32(partition)
        const error = this.#refusal(`Produce ${split}`) || this.#append(split, bytes, id !== null, node)
        out.int16(error)
        for (let numbers = 0; numbers < 3; numbers++) out.int64(-1)
        out.list([], () => {})
        out.text(error === 87 ? 'the broker says why' : null)
      })
    })
    out.int32(0)
  }

  #append(split: string, bytes: Uint8Array, isTransactional: boolean, node: number): number {
    if (this.#leaderOf(split) !== node) return 6
    const batch = batchAt(bytes, 0)!
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const producer = this.#known(batch.producer, view.getInt16(51))
    if (typeof producer === 'number') return producer
    if (batch.isTransactional !== isTransactional || isTransactional !== producer.parts.has(split)) return 48
    const records = recordsOf(batch, { topic: '', partition: 0 }, 0)
    const [sequence, expected] = [view.getInt32(53), producer.sequences.get(split) ?? 0]
    if (sequence !== expected) return sequence < expected ? 46 : 45
    producer.sequences.set(split, sequence + records.length)
    this.batches.push({ bytes: bytes.length, codec: view.getInt16(21) & 7 })
    const values = records.map(({ value }) => decoder.decode(value ?? undefined))
    const show = (): void => void this.visible.set(split, [...(this.visible.get(split) ?? []), ...values])
    if (isTransactional) producer.open.push(show)
    else show()
    return 0
  }

  /** Reads who asks, and carries out what is asked, or refuses it. */
  #inTransaction(name: string, request: Cursor, change: (producer: Producer) => void): number {
    request.text()
    const found = this.#known(request.int64(), request.int16())
    const refusal = this.#refusal(name)
    if (refusal !== 0) return refusal
    if (typeof found === 'number') return found
    change(found)
    return 0
  }

  #addPartitions(request: Cursor, out: WireWriter): void {
    let added: { readonly topic: string; readonly partitions: readonly number[] }[] = []
    const error = this.#inTransaction('AddPartitionsToTxn', request, ({ parts }) => {
      added = request.list(() => ({
        topic: request.text(),
        partitions: request.list(() => request.int32()),
      }))
      for (const { topic, partitions } of added) {
        for (const partition of partitions) parts.add(splitOf({ topic, partition }))
      }
    })
    out.int32(0)
    out.list(added.length > 0 ? added : [{ topic: 'refused', partitions: [0] }], ({ topic, partitions }) => {
      out.text(topic)
      out.list(partitions, (partition) => {
        out.int32(partition)
        out.int16(error)
      })
    })
  }

  #addOffsets(request: Cursor, out: WireWriter): void {
    const error = this.#inTransaction(
      'AddOffsetsToTxn',
      request,
      ({ parts }) => void parts.add(request.text()),
    )
    out.int32(0)
    out.int16(error)
  }

  #storeOffset(request: Cursor, out: WireWriter): void {
    request.text()
    const group = request.text()
    const producer = this.#known(request.int64(), request.int16())
    const [[topic, partition, offset]] = request.list(() => {
      const name = request.text()
      const [found] = request.list((): [number, number] => {
        const place: [number, number] = [request.int32(), request.int64()]
        request.int32()
        request.nullableText()
        return place
      })
      return [name, ...found!] as const
    }) as [readonly [string, number, number]]
    let error = this.#refusal('TxnOffsetCommit')
    if (error === 0 && typeof producer === 'number') error = producer
    else if (error === 0 && typeof producer !== 'number') {
      if (!producer.parts.has(group)) error = 48
      const split = splitOf({ topic, partition })
      producer.open.push(() => void this.offsets.set(`${group} ${split}`, offset))
    }
    out.int32(0)
    out.list([topic], (name) => {
      out.text(name)
      out.list([partition], (number) => {
        out.int32(number)
        out.int16(error)
      })
    })
  }

  #end(request: Cursor, out: WireWriter): void {
    const error = this.#inTransaction('EndTxn', request, ({ open, parts }) => {
      for (const show of open.splice(0)) show()
      parts.clear()
    })
    out.int32(0)
    out.int16(error)
  }

  #readOffset(request: Cursor, out: WireWriter): void {
    const group = request.compactText()
    const [of] = request.compactList(() => {
      const topic = request.compactText()
      const [partition] = request.compactList(() => request.int32())
      request.skipTags()
      return { topic, partition: partition! }
    })
    const isStable = request.boolean()
    const error = this.#refusal(isStable ? 'OffsetFetch' : 'OffsetFetch of anything')
    const offset = this.offsets.get(`${group} ${splitOf(of!)}`) ?? -1
    out.int32(0)
    out.compactList([of!], ({ topic, partition }) => {
      out.compactText(topic)
      out.compactList([partition], (number) => {
        out.int32(number)
        out.int64(error === 0 ? offset : -1)
        out.int32(-1)
        out.compactText('')
        out.int16(error)
        out.noTags()
      })
      out.noTags()
    })
    out.int16(0)
    out.noTags()
  }
}
