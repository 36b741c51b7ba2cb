import { KafkaFailure } from '../cluster.ts'
import { splitOf, type PackedBatch } from '../record.ts'
import type { Brokers } from './brokers.ts'
import { answeredFailure, codes, failureOf } from './codes.ts'
import { produceRequest } from './write-request.ts'

/** So many bytes are sent at a time. */
export const roundBytes: number = 8 * 2 ** 20

/** How batches are sent. */
export interface ProduceOptions {
  /** The transactional id of the producer. */
  readonly id: string | null
  /** How long the replicas may take. */
  readonly timeoutMs: number
}

/**
 * Sends batches to the brokers that lead their partitions, one for each partition. Resolves when each was answered, or will
 * not be any more, with what has failed.
 */
export async function produce(
  brokers: Brokers,
  batches: readonly PackedBatch[],
  options: ProduceOptions,
): Promise<ReadonlyMap<PackedBatch, KafkaFailure>> {
  const failures = new Map<PackedBatch, KafkaFailure>()
  const fail = (batch: PackedBatch, error: unknown): void => {
    if (!(error instanceof KafkaFailure)) throw error
    failures.set(batch, error)
    brokers.forget(batch)
  }
  const byNode = new Map<number, PackedBatch[]>()
  for (const batch of batches) {
    try {
      const { node } = await brokers.leader(batch)
      byNode.set(node, [...(byNode.get(node) ?? []), batch])
    } catch (error) {
      fail(batch, error)
    }
  }
  const asking = [...byNode].map(async ([node, theirs]) => {
    try {
      const answers = await ask(brokers, node, theirs, options)
      for (const batch of theirs) {
        const failure = answers(batch)
        if (failure !== undefined) fail(batch, failure)
      }
    } catch (error) {
      for (const batch of theirs) fail(batch, error)
    }
  })
  await Promise.all(asking)
  return failures
}

async function ask(
  brokers: Brokers,
  node: number,
  batches: readonly PackedBatch[],
  { id, timeoutMs }: ProduceOptions,
): Promise<(batch: PackedBatch) => KafkaFailure | undefined> {
  const broker = brokers.broker(node)
  if (broker === undefined) throw answeredFailure(codes.noLeader, `node ${node}`)!
  const answers = await brokers.askAt(broker, produceRequest(batches, id, timeoutMs))
  return (batch) => {
    const split = splitOf(batch)
    const answer = answers.get(split)
    if (answer === undefined) return failureOf(codes.transport, `${split}: the broker says nothing about it`)
    const failure = answeredFailure(answer.error, split)
    if (failure === undefined || answer.message === null) return failure
    return failureOf(failure.code, `${failure.message}: ${answer.message}`)
  }
}
