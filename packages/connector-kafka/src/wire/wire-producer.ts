import type { KafkaFailure, RecordProducer } from '../cluster.ts'
import type { Patience } from '../patience.ts'
import { splitOf, type PackedBatch } from '../record.ts'
import { sequenceAfter, stamp } from './batch-encoder.ts'
import type { Brokers } from './brokers.ts'
import { answeredFailure, codes } from './codes.ts'
import { produce, roundBytes } from './produce.ts'
import { initRequest, type ProducerIdentity } from './write-request.ts'

/** When more bytes wait, those who send more wait as well. */
const queuedBytesMax = 32 * 2 ** 20

/** After these the broker does not know this producer, or not what it has written last. */
const forgotten: ReadonlySet<number> = new Set<number>([
  codes.outOfOrder,
  codes.unknownProducer,
  codes.staleEpoch,
])

export interface ProducerParts {
  readonly brokers: Brokers
  readonly patience: Patience
  /** How long an answer may take. */
  readonly requestMs: number
  /** Called when everything that was sent is stored. */
  readonly idle: () => void
}

/**
 * Sends batches with an idempotent producer: of each partition one at a time, and again until it is stored. The broker finds by
 * its number that it has a batch already. Only if it has forgotten the producer may records be there twice.
 */
export class WireProducer implements RecordProducer {
  readonly #parts: ProducerParts
  /** What is not stored yet, by split. */
  readonly #queues = new Map<string, PackedBatch[]>()
  /** The number that the next record of a split has. */
  readonly #sequences = new Map<string, number>()
  #identity: ProducerIdentity | undefined
  #queuedBytes = 0
  #isRunning = false
  #isClosed = false
  #failure: Error | undefined
  #waiting: (() => void)[] = []

  constructor(parts: ProducerParts) {
    this.#parts = parts
  }

  get isIdle(): boolean {
    return this.#queues.size === 0
  }

  async send(batches: readonly PackedBatch[]): Promise<void> {
    for (const batch of batches) {
      const split = splitOf(batch)
      const queue = this.#queues.get(split)
      if (queue === undefined) this.#queues.set(split, [batch])
      else queue.push(batch)
      this.#queuedBytes += batch.bytes.length
    }
    if (!this.#isRunning && !this.isIdle) void this.#run()
    await this.#until(() => this.#queuedBytes <= queuedBytesMax)
  }

  async flush(): Promise<void> {
    await this.#until(() => this.isIdle)
  }

  close(): Promise<void> {
    this.#isClosed = true
    return Promise.resolve()
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (this.#failure === undefined && !isSo()) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    try {
      while (!this.isIdle && !this.#isClosed) {
        await this.#parts.patience.repeat(() => this.#round())
        this.#wake()
        if (this.isIdle) this.#parts.idle()
      }
    } catch (error) {
      this.#failure = error as Error
    }
    this.#isRunning = false
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Sends the first batch of each partition. Rejects with a `KafkaFailure` if one of them has to be sent again. */
  async #round(): Promise<void> {
    const { brokers, requestMs } = this.#parts
    if (this.#isClosed) throw new Error('the producer was closed')
    const identity = (this.#identity ??= await this.#identify())
    const batches = this.#heads()
    for (const batch of batches) {
      const sequence = this.#sequences.get(splitOf(batch)) ?? 0
      stamp(batch.bytes, { ...identity, sequence, isTransactional: false })
    }
    const failures = await produce(brokers, batches, { id: null, timeoutMs: requestMs })
    let failed: KafkaFailure | undefined
    for (const batch of batches) {
      const failure = failures.get(batch)
      if (failure === undefined || failure.code === codes.duplicate) {
        this.#stored(batch)
        continue
      }
      const isForgotten = forgotten.has(failure.code)
      if (isForgotten) this.#identity = undefined
      // The first records of a producer need no memory of it. If they are refused as well, another attempt has to wait.
      const isFirst = !this.#sequences.has(splitOf(batch))
      if ((!isForgotten || isFirst) && (failed === undefined || failure.isFinal)) failed = failure
    }
    if (this.#identity === undefined) this.#sequences.clear()
    if (failed !== undefined) throw failed
  }

  #heads(): readonly PackedBatch[] {
    const heads: PackedBatch[] = []
    let bytes = 0
    for (const [batch] of this.#queues.values()) {
      if (bytes > 0 && bytes + batch!.bytes.length > roundBytes) break
      heads.push(batch!)
      bytes += batch!.bytes.length
    }
    return heads
  }

  #stored(batch: PackedBatch): void {
    const split = splitOf(batch)
    this.#sequences.set(split, sequenceAfter(this.#sequences.get(split) ?? 0, batch.count))
    this.#queuedBytes -= batch.bytes.length
    const queue = this.#queues.get(split)!
    queue.shift()
    this.#queues.delete(split)
    // Behind the others, so that each partition gets its turn.
    if (queue.length > 0) this.#queues.set(split, queue)
  }

  async #identify(): Promise<ProducerIdentity> {
    const answer = await this.#parts.brokers.askAny(initRequest(null, 0))
    const failure = answeredFailure(answer.error, 'a producer')
    if (failure !== undefined) throw failure
    return answer
  }
}
