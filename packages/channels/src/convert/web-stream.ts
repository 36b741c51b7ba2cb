import type { ReceiveChannel, Received, SendChannel } from '../channel/channel-end.ts'
import { select } from '../channel/select.ts'
import type { Named, SelectCase, Selection } from '../channel/select-case.ts'
import { withCancel } from '../context/cancel-context.ts'
import { feed } from '../task/outlet.ts'
import type { Scope } from '../task/scope.ts'
import { requireFlow, requireMethods, requireScope } from '../wait/argument.ts'
import { markHeard, onAbort, refuseIfAborted } from '@millrace/world'

/**
 * Converts between channels and web streams (WHATWG Streams), in all four directions.
 *
 * A stream passed in belongs to the scope: it is locked, and closed, cancelled or aborted as the channel or
 * the scope ends. A stream created here belongs to the code that uses its other end. A reader may leave it
 * early, like any loop over a channel; a writer that aborts has failed, and the scope with it.
 */

/**
 * Returns a channel with the chunks of a ReadableStream.
 *
 * A chunk is read when the previous one was received. The channel closes with the stream; an error of the
 * stream fails the scope. When the scope is cancelled the stream is cancelled with the reason. The lock is
 * released at the end.
 *
 * @throws TypeError when the stream is locked.
 *
 * @example
 * const chunks = fromWebReadable(scope, response.body)
 */
export function fromWebReadable<T>(scope: Scope, stream: ReadableStream<T>): ReceiveChannel<T> {
  requireScope('fromWebReadable', scope)
  requireMethods(
    'fromWebReadable',
    'the stream',
    stream,
    ['getReader'],
    'a ReadableStream; for a Readable of Node there is fromNodeReadable',
  )
  scope.signal.throwIfAborted()
  const reader = stream.getReader()
  return feed<T>(scope, [
    async (out, signal) => {
      let cancelled: Promise<void> | undefined
      // Cancelling the stream ends the pending read.
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
 * A value is received when the stream requests one and the previous one is written. An error of the stream
 * fails the scope, also while there is nothing to write. When the scope is cancelled, or the channel fails,
 * the stream is aborted with the reason. The lock is released at the end.
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
  requireFlow('pipeToWebWritable', scope, input)
  requireMethods(
    'pipeToWebWritable',
    'the stream',
    stream,
    ['getWriter'],
    'a WritableStream; for a Writable of Node there is pipeToNodeWritable',
  )
  scope.signal.throwIfAborted()
  const writer = stream.getWriter()
  // Its rejection is the error of the stream; after our own abort, it is the reason itself.
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
 * A receive that passes on its value synchronously. After a promise, the reader may be gone, and the value
 * cannot be returned to the channel.
 */
class HandedOn<T> implements SelectCase<Received<T>> {
  readonly waitsFor?: readonly [kind: string, on: object]
  readonly #receive: SelectCase<Received<T>>
  readonly #handOn: (value: T) => void

  constructor(receive: SelectCase<Received<T>>, handOn: (value: T) => void) {
    this.#receive = receive
    this.#handOn = handOn
    if (receive.waitsFor !== undefined) this.waitsFor = receive.waitsFor
  }

  isReady(): boolean {
    return this.#receive.isReady()
  }

  perform(name: string): Named<Received<T>> | undefined {
    const received = this.#receive.perform(name)
    if (received?.ok) this.#handOn(received.value)
    return received
  }

  park(name: string, selection: Selection<Named<Received<T>>>): Disposable {
    return this.#receive.park(name, {
      settle: (received) => {
        if (received.ok) this.#handOn(received.value)
        selection.settle(received)
      },
      fail: (error) => selection.fail(error),
    })
  }
}

/** Options of `toWebReadable`. */
export interface WebReadableOptions {
  /**
   * Called with the reason when the reader cancels the stream, which ends nothing else. If the channel exists
   * for this reader only, cancel the scope: `(reason) => scope.cancel(reason)`. If it throws, the cancel
   * rejects.
   */
  readonly onCancel?: (reason: unknown) => void | Promise<void>
}

/**
 * Returns a ReadableStream of the values of a channel.
 *
 * A value is received when the stream is read, and not before. The stream closes when the channel is drained
 * and errors with the reason when the scope is cancelled; a reader at that time counts as informed of the
 * failure. A reader that cancels the stream leaves the channel like one that leaves a loop: unreceived values
 * stay in it.
 *
 * @example
 * const response = new Response(toWebReadable(scope, chunks, { onCancel: (reason) => scope.cancel(reason) }))
 */
export function toWebReadable<T>(
  scope: Scope,
  input: ReceiveChannel<T>,
  { onCancel }: WebReadableOptions = {},
): ReadableStream<T> {
  requireFlow('toWebReadable', scope, input)
  scope.signal.throwIfAborted()
  const readers = scope.readersSignal
  const reading = withCancel(scope.context)
  let hook: Disposable | undefined
  const end = (reason?: unknown): void => {
    hook?.[Symbol.dispose]()
    reading.cancel(reason)
  }
  const stream = new ReadableStream<T>(
    {
      start(controller) {
        // A stream without a pending read is left unchanged: a later read reports the reason.
        hook = onAbort(reading.signal, (reason) => {
          if (!stream.locked) return
          markHeard(readers)
          controller.error(reason)
        })
      },
      async pull(controller) {
        refuseIfAborted(readers)
        const next = new HandedOn(input.receiveCase(), (value) => controller.enqueue(value))
        const { ok } = await select({ next }, { signal: reading.signal })
        if (ok) return
        end()
        controller.close()
      },
      cancel(reason) {
        end(reason)
        return onCancel?.(reason)
      },
    },
    { highWaterMark: 0 },
  )
  return stream
}

/**
 * Returns a WritableStream that sends each chunk to a channel, and closes the channel when it is closed.
 *
 * A write settles when the channel has accepted the chunk. The stream errors with the reason when the scope
 * is cancelled. Aborting the stream cancels the scope with that reason, and leaves the channel open: its
 * values are incomplete.
 *
 * @example
 * void body.pipeTo(toWebWritable(scope, chunks))
 */
export function toWebWritable<T>(scope: Scope, output: SendChannel<T>): WritableStream<T> {
  requireScope('toWebWritable', scope)
  requireMethods('toWebWritable', 'the output', output, ['send', 'close'], 'a channel to send to')
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
