import { compressorOf, Packing, type PackedBatch } from '@millrace/connector-kafka/port'
import { ByteWriter, describeError, MillraceError, structuredCodec, type Key } from '@millrace/core'
import {
  headerColumn,
  subtaskOfRecord,
  type Batch,
  type ConnectorContext,
  type OriginDetail,
  type RejectRecord,
  type Sink,
  type SinkProgress,
  type SinkWriter,
} from '@millrace/core/connector'
import type { LeaseTransaction } from '../lease/lease-transaction.ts'
import { messageBytesMax } from './shuffle-edge.ts'
import { writeProgress, writeRecords, type SenderPhase } from './shuffle-message.ts'
import { TransactionOutput } from './transaction-output.ts'

/** Which records a lease gets. */
export type ShuffleRoute =
  /** Those whose keys it owns. */
  | { readonly kind: 'key'; readonly by: (value: unknown) => Key; readonly keyGroups: number }
  /** All of them. */
  | { readonly kind: 'broadcast' }

export interface ShuffleSinkOptions {
  /** One partition for each lease. */
  readonly topic: string
  readonly lease: number
  readonly leases: number
  readonly route: ShuffleRoute
  readonly detail: OriginDetail
  readonly transaction: LeaseTransaction
}

/** A message with several records is divided before it is larger. */
const messageBytes = 512 * 1024

/**
 * Writes the records of an edge to the leases that get them, and with each checkpoint tells all leases how far this one is. Everything
 * becomes visible with the checkpoint, in the transaction of the lease.
 */
export class ShuffleSink implements Sink<unknown, never> {
  readonly kind = 'kafka-shuffle'
  readonly guarantee = 'exactly-once'
  readonly reconnects = true
  readonly #options: ShuffleSinkOptions

  constructor(options: ShuffleSinkOptions) {
    this.#options = options
  }

  async open(
    _subtask: number,
    _pending: readonly never[],
    context: ConnectorContext,
  ): Promise<SinkWriter<unknown, never>> {
    const output = await TransactionOutput.open(this.#options.transaction, context)
    return new ShuffleWriter(this.#options, output, context)
  }
}

class ShuffleWriter implements SinkWriter<unknown, never> {
  readonly #options: ShuffleSinkOptions
  readonly #packing: Packing
  readonly #out = new ByteWriter(64 * 1024)
  readonly #output: TransactionOutput
  /** Batches that are full. */
  #full: PackedBatch[] = []
  /** What was said to the leases last. */
  #said: SinkProgress | undefined

  constructor(options: ShuffleSinkOptions, output: TransactionOutput, context: ConnectorContext) {
    this.#options = options
    this.#output = output
    const compressor = compressorOf('shuffle', 'lz4')
    this.#packing = new Packing({ compressor, maxRecordBytes: messageBytesMax }, context)
  }

  write(batch: Batch, reject: RejectRecord): Promise<void> | undefined {
    this.#send(batch, reject)
    return this.#full.length === 0 ? undefined : this.#collect()
  }

  async prepare(_checkpoint: number, progress: SinkProgress): Promise<undefined> {
    const said = this.#said
    if (
      said?.watermark !== progress.watermark ||
      said.isIdle !== progress.isIdle ||
      said.hasEnded !== progress.hasEnded
    ) {
      this.#tell(progress)
    }
    this.#full.push(...this.#packing.takeAll())
    await this.#collect()
    await this.#output.prepare()
    return undefined
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #collect(): Promise<void> {
    const full = this.#full
    this.#full = []
    await this.#output.collect(full)
  }

  #send(batch: Batch, reject: RejectRecord): void {
    const { leases, route } = this.#options
    const all = Array.from({ length: batch.length }, (_, index) => index)
    if (route.kind === 'broadcast') {
      this.#sendTo(
        Array.from({ length: leases }, (_, lease) => lease),
        batch,
        all,
        reject,
      )
      return
    }
    const parts = Array.from({ length: leases }, (): number[] => [])
    for (const index of all) {
      parts[subtaskOfRecord(batch.values[index], route.by, leases, route.keyGroups)]!.push(index)
    }
    for (const [lease, indices] of parts.entries()) {
      if (indices.length > 0) this.#sendTo([lease], batch, indices, reject)
    }
  }

  #tell(progress: SinkProgress): void {
    const { lease, leases } = this.#options
    const phase: SenderPhase = progress.hasEnded ? 'ended' : progress.isIdle ? 'idle' : 'active'
    this.#out.reset()
    writeProgress(lease, phase, progress.watermark, this.#out)
    const value = this.#out.written().slice()
    for (let to = 0; to < leases; to++) this.#pack(to, value)
    this.#said = progress
  }

  #sendTo(leases: readonly number[], batch: Batch, indices: readonly number[], reject: RejectRecord): void {
    if (indices.length === 0) return
    const { lease, detail } = this.#options
    this.#out.reset()
    try {
      writeRecords(lease, partOf(batch, indices), detail, this.#out)
    } catch (error) {
      this.#sendWithout(leases, batch, indices, reject, error)
      return
    }
    const { length } = this.#out
    if (length > messageBytes && indices.length > 1) {
      const half = indices.length >> 1
      this.#sendTo(leases, batch, indices.slice(0, half), reject)
      this.#sendTo(leases, batch, indices.slice(half), reject)
    } else if (length > messageBytesMax) {
      reject(indices[0]!, tooLarge(length))
    } else {
      const value = this.#out.written().slice()
      for (const to of leases) this.#pack(to, value)
    }
  }

  /** Sends those records that can be sent, and rejects the others. */
  #sendWithout(
    leases: readonly number[],
    batch: Batch,
    indices: readonly number[],
    reject: RejectRecord,
    error: unknown,
  ): void {
    const codec = structuredCodec<unknown>()
    const sendable: number[] = []
    for (const index of indices) {
      this.#out.reset()
      try {
        codec.encode(batch.values[index], this.#out)
        sendable.push(index)
      } catch (cause) {
        reject(index, notPlain(cause))
      }
    }
    // Then it is no record that cannot be written.
    if (sendable.length === indices.length) throw error
    this.#sendTo(leases, batch, sendable, reject)
  }

  #pack(partition: number, value: Uint8Array): void {
    const { topic, leases } = this.#options
    const record = { topic, partition, key: null, value, headers: [], timestamp: 0 }
    this.#full.push(...this.#packing.add(record, leases))
  }
}

/** Some records of a batch. */
function partOf(batch: Batch, indices: readonly number[]): Batch {
  if (indices.length === batch.length) return batch
  const { values, times, watermarks, origin, originIndex, headers } = batch
  return {
    length: indices.length,
    values: indices.map((index) => values[index]),
    times: Float64Array.from(indices, (index) => times[index]!),
    watermarks: Float64Array.from(indices, (index) => watermarks[index]!),
    origin,
    originIndex: Int32Array.from(indices, (index) => originIndex?.[index] ?? index),
    headers: headers && headerColumn(indices, (index) => headers[index]),
  }
}

function notPlain(cause: unknown): MillraceError {
  return new MillraceError(
    'CODEC_FAILED',
    `a record cannot go to another lease: ${describeError(cause)}. Emit plain data before keyBy`,
    { cause },
  )
}

function tooLarge(bytes: number): MillraceError {
  return new MillraceError(
    'RECORD_TOO_LARGE',
    `the record has ${bytes} bytes, and ${messageBytesMax} fit into a shuffle; keep large values elsewhere, and emit their names before keyBy`,
  )
}
