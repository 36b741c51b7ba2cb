import type { Feed, KafkaPort, KafkaRecord, TopicPartition } from '@millrace/connector-kafka/port'
import { Wakeup } from '@millrace/world'

/** When so many bytes wait to be applied, the delivery pauses. */
const waitingBytesMax = 32 * 2 ** 20

/** Some records, and the offset behind them. */
export interface Delivered {
  readonly records: readonly KafkaRecord[]
  readonly next: number
  readonly bytes: number
  /** The offset behind the last record that can be read, as far as it is known. */
  readonly end: number
}

/**
 * Reads a partition from an offset on. It ends when everything before `until` was delivered; without `until` it waits for
 * more, until the signal aborts.
 */
export async function* readLog(
  port: Pick<KafkaPort, 'feed'>,
  of: TopicPartition,
  { from, until, signal }: { readonly from: number; readonly until?: number; readonly signal: AbortSignal },
): AsyncGenerator<Delivered> {
  const waiting: Delivered[] = []
  const wakeup = new Wakeup()
  let waitingBytes = 0
  let reached = from
  let failure: { readonly error: unknown } | undefined
  let feed: Feed | undefined
  const abort = (): void => wakeup.wake()
  if (until !== undefined && from >= until) return
  signal.throwIfAborted()
  signal.addEventListener('abort', abort)
  try {
    feed = await port.feed(of, from, {
      records(records, next) {
        const bytes = records.reduce(
          (sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0),
          0,
        )
        waiting.push({ records, next, bytes, end: Math.max(next, feed?.end ?? next) })
        waitingBytes += bytes
        reached = Math.max(reached, next)
        if (waitingBytes >= waitingBytesMax) feed?.pause()
        wakeup.wake()
      },
      caughtUp(offset) {
        if (offset > reached) waiting.push({ records: [], next: offset, bytes: 0, end: offset })
        reached = Math.max(reached, offset)
        wakeup.wake()
      },
      failed(error) {
        failure = { error }
        wakeup.wake()
      },
    })
    for (;;) {
      const delivered = waiting.shift()
      if (delivered !== undefined) {
        waitingBytes -= delivered.bytes
        if (waitingBytes < waitingBytesMax / 2) feed.resume()
        yield delivered
        signal.throwIfAborted()
        continue
      }
      if (until !== undefined && reached >= until) return
      if (failure !== undefined) throw failure.error
      signal.throwIfAborted()
      await wakeup.wait()
    }
  } finally {
    signal.removeEventListener('abort', abort)
    feed?.close()
  }
}
