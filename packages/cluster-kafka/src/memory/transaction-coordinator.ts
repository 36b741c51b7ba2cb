import { codes, unpacked, type PackedBatch } from '@millrace/connector-kafka/port'
import type { Clock } from '@millrace/world'
import type { PartitionLog } from './partition-log.ts'
import { throwIfError } from './process-link.ts'
import type { TopicList } from './topic-list.ts'

/** A producer of a transactional id. */
export interface ProducerPlace {
  readonly id: string
  readonly producer: number
  readonly epoch: number
}

interface Transactional {
  readonly producer: number
  /** Only the producer with this epoch may do anything. */
  epoch: number
  timeoutMs: number
  /** The partitions of the open transaction. */
  readonly parts: Set<PartitionLog>
  timer: Disposable | undefined
  /** While the partitions of a transaction that was decided are marked. */
  marking: Promise<void> | undefined
}

export interface TransactionParts {
  readonly topics: TopicList
  readonly clock: Clock
  /** How long it takes from the decision of a transaction until a partition is marked. */
  readonly markMs: () => number
}

/**
 * Keeps the transactions of a cluster. A decision and its marks are two steps, as on a broker: readers get the records when
 * the partition is marked, and the next transaction of the id begins when all are.
 */
export class TransactionCoordinator {
  readonly #parts: TransactionParts
  readonly #byId = new Map<string, Transactional>()

  constructor(parts: TransactionParts) {
    this.#parts = parts
  }

  /** The ids whose transactions are open. */
  get open(): readonly string[] {
    return [...this.#byId].filter(([, { parts }]) => parts.size > 0).map(([id]) => id)
  }

  /** Fences the producers of an id, ends their transaction, and makes a new one. */
  async begin(id: string, timeoutMs: number): Promise<ProducerPlace> {
    let found = this.#byId.get(id)
    if (found === undefined) {
      const parts = new Set<PartitionLog>()
      found = {
        producer: 1_000 + this.#byId.size,
        epoch: -1,
        timeoutMs,
        parts,
        timer: undefined,
        marking: undefined,
      }
      this.#byId.set(id, found)
    }
    // While the marks were waited for, a write that waited as well may have begun another transaction.
    while (found.marking !== undefined || found.parts.size > 0) {
      if (found.marking === undefined) this.#abort(found)
      else await found.marking
    }
    found.timeoutMs = timeoutMs
    found.epoch++
    return { id, producer: found.producer, epoch: found.epoch }
  }

  /** Appends batches as a part of the transaction. Throws a `KafkaFailure`. */
  async write(place: ProducerPlace, batches: readonly PackedBatch[]): Promise<void> {
    const found = this.#current(place)
    while (found.marking !== undefined) await found.marking
    this.#current(place)
    const { topics, clock } = this.#parts
    for (const batch of batches) {
      const log = topics.log(batch)
      const records = unpacked(batch)
      const hasKeys = records.every(({ key }) => key !== null)
      const refusal = topics.refusal(batch, batch.bytes.length, hasKeys)
      if (refusal !== undefined) throw refusal
      found.timer ??= clock.schedule(found.timeoutMs, () => this.#abort(found))
      found.parts.add(log)
      log.append(records, found.producer)
    }
  }

  /** Commits the transaction. Throws a `KafkaFailure`. */
  commit(place: ProducerPlace): void {
    this.#end(this.#current(place), 'committed')
  }

  #current({ id, epoch }: ProducerPlace): Transactional {
    const found = this.#byId.get(id)!
    throwIfError(found.epoch === epoch ? codes.none : codes.staleEpoch, `transactional id ${id}`)
    return found
  }

  /** Fences the producer as well: what it sends later belongs to no transaction. */
  #abort(found: Transactional): void {
    found.epoch++
    this.#end(found, 'aborted')
  }

  #end(found: Transactional, fate: 'committed' | 'aborted'): void {
    found.timer?.[Symbol.dispose]()
    found.timer = undefined
    const logs = [...found.parts]
    found.parts.clear()
    const waits: Promise<void>[] = []
    for (const log of logs) {
      const ms = this.#parts.markMs()
      if (ms > 0) waits.push(this.#later(ms, () => log.mark(found.producer, fate)))
      else log.mark(found.producer, fate)
    }
    if (waits.length === 0) return
    found.marking = Promise.all(waits).then(() => {
      found.marking = undefined
    })
  }

  #later(ms: number, action: () => void): Promise<void> {
    return new Promise((resolve) => {
      this.#parts.clock.schedule(ms, () => {
        action()
        resolve()
      })
    })
  }
}
