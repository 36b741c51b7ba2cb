import { setTimeout as delay } from 'node:timers/promises'
import { kafka } from '@millrace/connector-kafka'
import type { Batch, Sink, SinkWriter } from '@millrace/core/connector'
import { batchOf } from '../../bench/connector-parts.ts'
import { TakingSink } from '../../bench/taking-sink.ts'
import { partitions, type Sample, type Update } from './assignment.ts'

/** An update that was read from the output, and how long it was on its way. */
export interface Arrival {
  readonly sample: Sample
  readonly latencyMs: number
}

/** The characters of a text: with its key and the rest a record of about a kilobyte. */
export const textLength = 900

/** Texts that do not compress to nothing. */
function textOf(n: number): string {
  let text = ''
  for (let part = n; text.length < textLength; part += 7_919)
    text += ((part * 2_654_435_761) % 4_294_967_296).toString(36)
  return text.slice(0, textLength)
}

export function updateOf(n: number, keys: number, due: number): Update {
  return { key: `key-${n % keys}`, due, partition: n % partitions, text: textOf(n) }
}

/** A sink of updates, each to its partition. */
export function updatesTo(brokers: string, topic: string): Sink<Update, never> {
  const sink = kafka.writeRecords<Update>({
    brokers,
    topic,
    guarantee: 'at-least-once',
    record: (update) => ({ partition: update.partition, value: JSON.stringify(update) }),
  })
  return sink as unknown as Sink<Update, never>
}

/** Writes updates of random keys at a steady rate, until the signal aborts. */
export async function write(
  writer: Pick<SinkWriter<Update, never>, 'write'>,
  { rate, keys, signal }: { readonly rate: number; readonly keys: number; readonly signal: AbortSignal },
): Promise<void> {
  const startedAt = performance.now()
  for (let sent = 0; !signal.aborted;) {
    const until = Math.floor(((performance.now() - startedAt) * rate) / 1e3)
    const updates: Update[] = []
    for (; sent < until; sent++)
      updates.push(updateOf(sent * 15_485_863, keys, startedAt + (sent * 1e3) / rate))
    if (updates.length > 0) {
      await writer.write(batchOf(updates), (_, error) => {
        throw error
      })
    }
    await delay(2)
  }
}

/** Counts the results that come, and keeps those of updates of the load. */
export class ArrivalSink extends TakingSink<Sample> {
  readonly kind = 'arrivals'
  readonly arrivals: Arrival[] = []
  count = 0

  protected take({ values, length }: Batch<Sample>): void {
    const now = performance.now()
    this.count += length
    for (const sample of values.slice(0, length)) {
      if (sample.due > 0) this.arrivals.push({ sample, latencyMs: now - sample.due })
    }
  }
}
