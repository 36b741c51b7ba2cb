import { ReadableStream, TransformStream, WritableStream } from 'node:stream/web'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { expectOneAtATime } from '../../test/one-at-a-time.ts'
import { hasSettled, leavesNoListener, settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { Scope } from '../task/scope.ts'
import { fromWebReadable, pipeToWebWritable, toWebReadable, toWebWritable } from './web-stream.ts'

const broken = new Error('broken')

/** Numbers from 0 on, created on demand, and a record of the stream's events. */
function counting(until = Infinity): {
  stream: ReadableStream<number>
  made: number[]
  cancelledWith: unknown[]
} {
  const [made, cancelledWith]: [number[], unknown[]] = [[], []]
  const stream = new ReadableStream<number>(
    {
      pull(controller) {
        if (made.length === until) return controller.close()
        controller.enqueue(made.push(made.length) - 1)
      },
      cancel: (reason) => void cancelledWith.push(reason),
    },
    { highWaterMark: 0 },
  )
  return { stream, made, cancelledWith }
}

describe('a ReadableStream as a channel', () => {
  test('delivers its chunks in order and closes with it; the lock is released', async () => {
    await using scope = new Scope()
    const { stream } = counting(3)
    const received: number[] = []
    for await (const n of fromWebReadable(scope, stream)) received.push(n)
    expect(received).toEqual([0, 1, 2])
    await scope.wait()
    expect(stream.locked).toBe(false)
  })

  test('is read one chunk ahead of the receiver', async () => {
    await using scope = new Scope()
    const { stream, made } = counting()
    const channel = fromWebReadable(scope, stream)
    await settle()
    expect(made).toEqual([0])
    await channel.receive()
    await settle()
    expect(made).toEqual([0, 1])
  })

  test('fails the scope with its error', async () => {
    const scope = new Scope()
    const stream = new ReadableStream<number>({
      start: (controller) => controller.error(broken),
    })
    const channel = fromWebReadable(scope, stream)
    await expect(channel.receive()).rejects.toBe(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect([scope.errors, stream.locked]).toEqual([[broken], false])
  })

  test('is cancelled with the reason of the scope while a chunk waits to be received', async () => {
    const scope = new Scope()
    const { stream, cancelledWith } = counting()
    fromWebReadable(scope, stream)
    await settle()
    scope.cancel(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect([cancelledWith, scope.errors, stream.locked]).toEqual([[broken], [], false])
  })

  test('is cancelled with the reason of the scope while it is being read', async () => {
    const scope = new Scope()
    const cancelledWith: unknown[] = []
    const stream = new ReadableStream<number>({ cancel: (reason) => void cancelledWith.push(reason) })
    fromWebReadable(scope, stream)
    await settle()
    scope.cancel(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect([cancelledWith, scope.errors, stream.locked]).toEqual([[broken], [], false])
    expect(getEventListeners(scope.signal, 'abort')).toEqual([])
  })

  test('whose cancel fails fails the scope', async () => {
    const scope = new Scope()
    const stream = new ReadableStream<number>({ cancel: () => Promise.reject(broken) })
    fromWebReadable(scope, stream)
    await settle()
    scope.cancel()
    await expect(scope.wait()).rejects.toBe(broken)
    expect(scope.errors).toEqual([broken])
  })

  test('that is locked is rejected, and a cancelled scope does not lock it', () => {
    const { stream } = counting()
    const scope = new Scope()
    scope.cancel(broken)
    expect(() => fromWebReadable(scope, stream)).toThrow(broken)
    expect(stream.locked).toBe(false)
    stream.getReader()
    expect(() => fromWebReadable(new Scope(), stream)).toThrow(TypeError)
  })
})

interface Written {
  readonly stream: WritableStream<number>
  readonly steps: unknown[]
  readonly gate: Channel<null>
}

/** A sink that writes a chunk when its gate allows it, and records its events. */
function gated(): Written {
  const [steps, gate]: [unknown[], Channel<null>] = [[], new Channel<null>()]
  const stream = new WritableStream<number>({
    async write(n) {
      await gate.receive()
      steps.push(n)
    },
    close: () => void steps.push('closed'),
    abort: (reason) => void steps.push(reason),
  })
  return { stream, steps, gate }
}

describe('a channel into a WritableStream', () => {
  test('writes in order and closes the stream; the lock is released', async () => {
    await using scope = new Scope()
    const [{ stream, steps, gate }, input] = [gated(), new Channel<number>(3)]
    gate.close()
    for (const n of upTo(3)) await input.send(n)
    input.close()
    pipeToWebWritable(scope, input, stream)
    await scope.wait()
    expect([steps, stream.locked]).toEqual([[0, 1, 2, 'closed'], false])
  })

  test('receives a value when the previous one is written', async () => {
    const { stream, gate } = gated()
    await expectOneAtATime(gate, (scope, input) => pipeToWebWritable(scope, input, stream))
  })

  test('fails the scope with the error of the stream, also while nothing is written', async () => {
    const scope = new Scope()
    let fail = (): void => undefined
    const stream = new WritableStream<number>({
      start(controller) {
        fail = () => controller.error(broken)
      },
    })
    pipeToWebWritable(scope, new Channel<number>(), stream)
    await settle()
    fail()
    await expect(scope.wait()).rejects.toBe(broken)
    expect([scope.errors, stream.locked]).toEqual([[broken], false])
  })

  test('fails the scope once with the error of a write', async () => {
    const scope = new Scope()
    const stream = new WritableStream<number>({ write: () => Promise.reject(broken) })
    const input = new Channel<number>(1)
    input.trySend(1)
    pipeToWebWritable(scope, input, stream)
    await expect(scope.wait()).rejects.toBe(broken)
    expect([scope.errors, stream.locked]).toEqual([[broken], false])
  })

  test.each(['while it waits for a value', 'while it writes'])(
    'is aborted with the reason when the scope is cancelled %s',
    async (when) => {
      const scope = new Scope()
      const [{ stream, steps, gate }, input] = [gated(), new Channel<number>(1)]
      if (when === 'while it writes') input.trySend(7)
      pipeToWebWritable(scope, input, stream)
      await settle()
      scope.cancel(broken)
      gate.close()
      await expect(scope.wait()).rejects.toBe(broken)
      expect([steps, scope.errors, stream.locked]).toEqual([
        when === 'while it writes' ? [7, broken] : [broken],
        [],
        false,
      ])
    },
  )

  test('aborts the stream when the channel fails', async () => {
    const [scope, elsewhere] = [new Scope(), new Scope()]
    const { stream, steps } = gated()
    const input = fromWebReadable(elsewhere, new ReadableStream<number>())
    pipeToWebWritable(scope, input, stream)
    await settle()
    elsewhere.cancel(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect([steps, stream.locked]).toEqual([[broken], false])
  })

  test('rejects a locked stream', () => {
    const { stream } = gated()
    stream.getWriter()
    expect(() => pipeToWebWritable(new Scope(), new Channel<number>(), stream)).toThrow(TypeError)
  })
})

describe('a channel as a ReadableStream', () => {
  test('delivers the values in order, receives none before it is read, and closes', async () => {
    await using scope = new Scope()
    const input = new Channel<number>(3)
    for (const n of upTo(3)) await input.send(n)
    input.close()
    const stream = toWebReadable(scope, input)
    await settle()
    expect(input.length).toBe(3)
    const reader = stream.getReader()
    expect(await reader.read()).toEqual({ done: false, value: 0 })
    await settle()
    expect(input.length).toBe(2)
    reader.releaseLock()
    const rest: number[] = []
    for await (const n of stream) rest.push(n)
    expect(rest).toEqual([1, 2])
    expect(getEventListeners(scope.signal, 'abort')).toEqual([])
  })

  test.each(['while it is read', 'while it is not'])(
    'errors when the scope is cancelled %s',
    async (when) => {
      const scope = new Scope()
      const reader = toWebReadable(scope, new Channel<number>()).getReader()
      const first = when === 'while it is read' ? reader.read() : undefined
      scope.cancel(broken)
      await expect(first ?? reader.read()).rejects.toBe(broken)
      await expect(reader.closed).rejects.toBe(broken)
    },
  )

  test('that is cancelled calls onCancel, which can cancel the scope', async () => {
    const scope = new Scope()
    const onCancel = (reason: unknown): void => scope.cancel(reason)
    await toWebReadable(scope, new Channel<number>(), { onCancel }).cancel(broken)
    expect(scope.signal.reason).toBe(broken)
    const failing = { onCancel: () => Promise.reject(broken) }
    await expect(toWebReadable(new Scope(), new Channel<number>(), failing).cancel()).rejects.toBe(broken)
  })

  test('that is cancelled has not failed, and neither has the scope', async () => {
    await using scope = new Scope()
    await toWebReadable(scope, new Channel<number>()).cancel(broken)
    await scope.wait()
    expect(scope.errors).toEqual([])
  })

  test('without a reader does not hide a failure of the scope', async () => {
    const scope = new Scope()
    const stream = toWebReadable(scope, new Channel<number>())
    scope.go(() => Promise.reject(broken))
    await settle()
    await expect(scope[Symbol.asyncDispose]()).rejects.toBe(broken)
    await expect(stream.getReader().read()).rejects.toBe(broken)
  })

  test('reports a failure of the scope to a pipe that waits for its other end', async () => {
    await using scope = new Scope()
    const [{ stream: sink, gate }, input] = [gated(), new Channel<number>(2)]
    const seen = toWebReadable(scope, input)
      .pipeTo(sink)
      .catch((error: unknown) => error)
    for (const n of upTo(2)) await input.send(n)
    await settle()
    scope.go(() => Promise.reject(broken))
    await settle()
    gate.close()
    expect(await seen).toBe(broken)
  })
})

describe('a WritableStream into a channel', () => {
  test('sends each chunk and closes; a write settles when the channel has space', async () => {
    await using scope = new Scope()
    const output = new Channel<number>(1)
    const writer = toWebWritable(scope, output).getWriter()
    await writer.write(1)
    const second = writer.write(2)
    expect(await hasSettled(second)).toBe(false)
    expect(await output.receive()).toEqual({ ok: true, value: 1 })
    await second
    await writer.close()
    expect(await output.receive()).toEqual({ ok: true, value: 2 })
    expect(await output.receive()).toEqual({ ok: false, value: undefined })
    leavesNoListener(scope.signal)
  })

  test('that is aborted cancels the scope and leaves the channel open', async () => {
    const scope = new Scope()
    const output = new Channel<number>()
    await toWebWritable(scope, output).abort(broken)
    expect(scope.signal.reason).toBe(broken)
    output.close()
  })

  test.each(['while it is written', 'while it is not'])(
    'errors when the scope is cancelled %s',
    async (when) => {
      const scope = new Scope()
      const writer = toWebWritable(scope, new Channel<number>()).getWriter()
      const first = when === 'while it is written' ? writer.write(1) : undefined
      scope.cancel(broken)
      await expect(first ?? writer.write(1)).rejects.toBe(broken)
      await expect(writer.closed).rejects.toBe(broken)
    },
  )
})

test('values pass from channel to stream, through a transform, and back', async () => {
  await using scope = new Scope()
  const [input, output] = [new Channel<number>(), new Channel<number>()]
  const double = new TransformStream<number, number>({
    transform: (n, controller) => controller.enqueue(n * 2),
  })
  scope.go(async (signal) => {
    for (const n of upTo(100)) await input.send(n, signal)
    input.close()
  })
  scope.go(() => toWebReadable(scope, input).pipeThrough(double).pipeTo(toWebWritable(scope, output)))
  const received: number[] = []
  for await (const n of output) received.push(n)
  expect(received).toEqual(upTo(100).map((n) => n * 2))
  await scope.wait()
})
