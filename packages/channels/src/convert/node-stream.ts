import { ownChannel } from '../channel/own-channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { select } from '../channel/select.ts'
import { feed } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { requireFlow, requireMethods, requireScope } from '../wait/argument.ts'
import { onAbort } from '@millrace/world'

/**
 * Converts between channels and Node streams, recognized by their methods.
 *
 * The other two directions are Node's own: `Readable.from(channel)`, and
 * `Writable.fromWeb(toWebWritable(…))`.
 */

/** The used part of a Node Readable. */
export interface NodeReadable<out T> extends AsyncIterable<T> {
  destroy(): unknown
}

/** The used part of a Node Writable. */
export interface NodeWritable<in T> {
  readonly write: (chunk: T, callback: (error?: Error | null) => void) => unknown
  end(callback: (error?: Error | null) => void): unknown
  destroy(): unknown
  on(name: 'error' | 'close', listener: (error: Error) => void): unknown
  off(name: 'error' | 'close', listener: (error: Error) => void): unknown
}

/**
 * Returns a channel with the chunks of a Node Readable.
 *
 * A chunk is read when the previous one was received; the stream's own read-ahead is its `highWaterMark`. The
 * channel closes with the stream; an error of the stream fails the scope. When the scope is cancelled the
 * stream is destroyed.
 *
 * @example
 * const chunks = fromNodeReadable<Buffer>(scope, createReadStream('words.txt'))
 */
export function fromNodeReadable<T>(scope: Scope, stream: NodeReadable<T>): ReceiveChannel<T> {
  requireScope('fromNodeReadable', scope)
  requireMethods(
    'fromNodeReadable',
    'the stream',
    stream,
    [Symbol.asyncIterator, 'destroy'],
    'a Readable of Node; for a ReadableStream there is fromWebReadable',
  )
  return feed<T>(scope, [
    async (out, signal) => {
      // Without the reason: the stream would emit it as an error, perhaps without a listener.
      const hook = onAbort(signal, () => stream.destroy())
      try {
        for await (const chunk of stream) await out.send(chunk, signal)
      } catch (error) {
        // The pending read reports that the stream was closed too early, because of the hook.
        signal.throwIfAborted()
        throw error
      } finally {
        hook[Symbol.dispose]()
      }
      signal.throwIfAborted()
    },
  ])
}

/**
 * Writes the values of a channel to a Node Writable, and ends it when the channel is drained.
 *
 * A value is received when the previous one is written. An error of the stream fails the scope, also while
 * there is nothing to write, and so does a stream that closes before the end. When the scope is cancelled, or
 * the channel fails, the stream is destroyed.
 *
 * @example
 * pipeToNodeWritable(scope, lines, createWriteStream('words.txt'))
 */
export function pipeToNodeWritable<T>(scope: Scope, input: ReceiveChannel<T>, stream: NodeWritable<T>): void {
  requireFlow('pipeToNodeWritable', scope, input)
  requireMethods(
    'pipeToNodeWritable',
    'the stream',
    stream,
    ['write', 'end', 'destroy', 'on', 'off'],
    'a Writable of Node; for a WritableStream there is pipeToWebWritable',
  )
  scope.go(async (signal) => {
    const failed = ownChannel<Error>(1)
    const onError = (error: Error): void => void failed.trySend(error)
    const onClose = (): void => {
      failed.trySend(new Error('pipeToNodeWritable: the stream was closed before everything was written'))
      // Not sooner: a destroyed stream may still report an error, which has no other listener.
      stream.off('error', onError)
      stream.off('close', onClose)
    }
    stream.on('error', onError)
    stream.on('close', onClose)
    try {
      for (;;) {
        const next = await select({ value: input.receiveCase(), failed: failed.receiveCase() }, { signal })
        if (next.case === 'failed') throw next.value!
        if (!next.ok) break
        await called((callback) => stream.write(next.value, callback), failed, signal)
      }
      await called((callback) => stream.end(callback), failed, signal)
    } catch (error) {
      stream.destroy()
      throw error
    }
    stream.off('error', onError)
    stream.off('close', onClose)
  })
}

/**
 * Waits for a callback or a failure of the stream: a destroyed one may never call back for its pending write.
 */
async function called(
  start: (callback: (error?: Error | null) => void) => void,
  failed: ReceiveChannel<Error>,
  signal: AbortSignal,
): Promise<void> {
  const outcome = ownChannel<Error | null>(1)
  start((error) => outcome.trySend(error ?? null))
  const { value: error } = await select(
    { called: outcome.receiveCase(), failed: failed.receiveCase() },
    { signal },
  )
  if (error) throw error
}
