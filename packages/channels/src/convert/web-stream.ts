import type { ReceiveChannel, SendChannel } from '../channel/channel-end.ts'
import { feed } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { onAbort } from '../wait/cancellation.ts'

/**
 * Channels and the streams of the web platform (WHATWG Streams), in all four directions.
 *
 * A stream that is handed in belongs to the scope from then on: its lock is taken, and it is closed, cancelled or
 * aborted as the channel or the scope ends. A stream that is made here lends the scope to whoever holds the other
 * end: leaving it early cancels the scope.
 */

/**
 * The chunks of a ReadableStream as a channel.
 *
 * A chunk is read when the one before it was taken. The channel closes with the stream; an error of the stream
 * fails the scope. When the scope is cancelled the stream is cancelled with the reason. The lock is released in
 * the end.
 *
 * @throws TypeError when the stream is locked.
 *
 * @example
 * const chunks = fromWebReadable(scope, response.body)
 */
export function fromWebReadable<T>(scope: Scope, stream: ReadableStream<T>): ReceiveChannel<T> {
  scope.signal.throwIfAborted()
  const reader = stream.getReader()
  return feed<T>(scope, [
    async (out, signal) => {
      let cancelled: Promise<void> | undefined
      // A cancelled stream ends the read that is under way.
      const hook = onAbort(signal, (reason) => {
        cancelled = reader.cancel(reason)
      })
      try {
        for (;;) {
          const chunk = await reader.read()
          signal.throwIfAborted()
          if (chunk.done) return
          await out.send(chunk.value, signal)
        }
      } finally {
        hook[Symbol.dispose]()
        await cancelled
        reader.releaseLock()
      }
    },
  ])
}

/**
 * Writes the values of a channel to a WritableStream, and closes it when the channel is drained.
 *
 * A value is received when the stream asks for one and the one before is written. An error of the stream fails
 * the scope, also while there is nothing to write. When the scope is cancelled, or the channel fails, the stream
 * is aborted with the reason. The lock is released in the end.
 *
 * @throws TypeError when the stream is locked.
 *
 * @example
 * pipeToWebWritable(scope, lines, file)
 */
export function pipeToWebWritable<T>(
  scope: Scope,
  input: ReceiveChannel<T>,
  stream: WritableStream<T>,
): void {
  scope.signal.throwIfAborted()
  const writer = stream.getWriter()
  // Its rejection is the error of the stream; when that comes from an abort of ours, it is the reason itself.
  scope.go(async () => {
    await writer.closed
  })
  scope.go(async (signal) => {
    let abandoned: Promise<void> | undefined
    const hook = onAbort(signal, (reason) => {
      abandoned = writer.abort(reason)
    })
    try {
      for (;;) {
        await writer.ready
        const next = await input.receive(signal)
        if (!next.ok) break
        await writer.write(next.value)
      }
      await writer.close()
    } catch (error) {
      abandoned ??= writer.abort(error)
      throw error
    } finally {
      hook[Symbol.dispose]()
      await abandoned
      writer.releaseLock()
    }
  })
}

/**
 * A ReadableStream of the values of a channel.
 *
 * A value is received when the stream is read, and not before. The stream closes when the channel is drained and
 * errors with the reason when the scope is cancelled. Whoever cancels the stream cancels the scope with that
 * reason, because a receiver has no other way to tell the senders.
 *
 * @example
 * const response = new Response(toWebReadable(scope, chunks))
 */
export function toWebReadable<T>(scope: Scope, input: ReceiveChannel<T>): ReadableStream<T> {
  let hook: Disposable | undefined
  return new ReadableStream<T>(
    {
      start(controller) {
        scope.signal.throwIfAborted()
        hook = onAbort(scope.signal, (reason) => controller.error(reason))
      },
      async pull(controller) {
        const next = await input.receive(scope.signal)
        if (next.ok) {
          controller.enqueue(next.value)
        } else {
          hook?.[Symbol.dispose]()
          controller.close()
        }
      },
      cancel(reason) {
        hook?.[Symbol.dispose]()
        scope.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * A WritableStream that sends each chunk to a channel, and closes the channel when it is closed.
 *
 * A write settles when the channel has taken the chunk. The stream errors with the reason when the scope is
 * cancelled. Whoever aborts the stream cancels the scope with that reason, and leaves the channel open: what came
 * through it is not all there was.
 *
 * @example
 * void body.pipeTo(toWebWritable(scope, chunks))
 */
export function toWebWritable<T>(scope: Scope, output: SendChannel<T>): WritableStream<T> {
  let hook: Disposable | undefined
  return new WritableStream<T>({
    start(controller) {
      scope.signal.throwIfAborted()
      hook = onAbort(scope.signal, (reason) => controller.error(reason))
    },
    write: (chunk) => output.send(chunk, scope.signal),
    close() {
      hook?.[Symbol.dispose]()
      output.close()
    },
    abort(reason) {
      hook?.[Symbol.dispose]()
      scope.cancel(reason)
    },
  })
}
