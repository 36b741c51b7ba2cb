import { ChannelClosedError, type SendChannel } from '@millrace/channels'
import type { ConnectorContext, Sink } from '@millrace/core/connector'

/**
 * Calls a function for each record, one after another, and waits for its promise. At least once: after a restart it is
 * called again for records since the last checkpoint. A call that fails follows the error policy of the sink.
 *
 * @example
 * stream.to('mail', memory.writeEach(async (alert) => send(alert)))
 */
export function writeEach<T>(call: (value: T, time: number) => void | Promise<void>): Sink<T> {
  return {
    kind: 'function',
    guarantee: 'at-least-once',
    needsMainThread: true,
    open: () =>
      Promise.resolve({
        write: async (batch, reject) => {
          for (let index = 0; index < batch.length; index++) {
            try {
              await call(batch.values[index]!, batch.times[index]!)
            } catch (error) {
              reject(index, error)
            }
          }
        },
        prepare: () => Promise.resolve(undefined),
        close: () => Promise.resolve(),
      }),
  }
}

/**
 * Sends each record into a channel and closes it when the job has ended. The job waits while the channel is full. At least
 * once: after a restart records since the last checkpoint are sent again.
 *
 * @example
 * stream.to('alerts', memory.writeChannel(alerts))
 */
export function writeChannel<T>(channel: SendChannel<T>): Sink<T> {
  return {
    kind: 'channel',
    guarantee: 'at-least-once',
    needsMainThread: true,
    open: (_subtask, _pending, { signal }: ConnectorContext) =>
      Promise.resolve({
        write: async (batch) => {
          for (let index = 0; index < batch.length; index++) await channel.send(batch.values[index]!, signal)
        },
        prepare: () => Promise.resolve(undefined),
        close: () => Promise.resolve(),
      }),
    ended: () => closeOnce(channel),
  }
}

function closeOnce(channel: SendChannel<never>): void {
  try {
    channel.close()
  } catch (error) {
    if (!(error instanceof ChannelClosedError)) throw error
  }
}
