import { PassThrough, Readable, Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { describe, expect, test } from 'vitest'
import { expectOneAtATime } from '../../test/one-at-a-time.ts'
import { settle, upTo } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import { Scope } from '../task/scope.ts'
import { fromNodeReadable, pipeToNodeWritable } from './node-stream.ts'
import { toWebWritable } from './web-stream.ts'

const broken = new Error('broken')

/** Numbers from 0 on, created on demand. */
function counting(made: number[], until = Infinity): Readable {
  return new Readable({
    objectMode: true,
    highWaterMark: 1,
    read() {
      this.push(made.length === until ? null : made.push(made.length) - 1)
    },
  })
}

describe('a Readable as a channel', () => {
  test('delivers its chunks in order and closes with it', async () => {
    await using scope = new Scope()
    const stream = counting([], 5)
    const received: number[] = []
    for await (const n of fromNodeReadable<number>(scope, stream)) received.push(n)
    expect(received).toEqual([0, 1, 2, 3, 4])
    await scope.wait()
    expect(stream.destroyed).toBe(true)
  })

  test('is read one chunk ahead of the receiver, besides its own read-ahead', async () => {
    await using scope = new Scope()
    const made: number[] = []
    const channel = fromNodeReadable<number>(scope, counting(made))
    for (const n of upTo(10)) {
      await settle()
      expect(made.length).toBeLessThanOrEqual(n + 2)
      expect((await channel.receive()).value).toBe(n)
    }
  })

  test('fails the scope with its error', async () => {
    const scope = new Scope()
    const stream = counting([])
    const channel = fromNodeReadable<number>(scope, stream)
    await channel.receive()
    stream.destroy(broken)
    await expect(scope.wait()).rejects.toBe(broken)
    expect(scope.errors).toEqual([broken])
  })

  test.each(['while a chunk waits to be taken', 'while it is read'])(
    'is destroyed when the scope is cancelled %s, and emits no error',
    async (when) => {
      const scope = new Scope()
      const stream = when === 'while it is read' ? new PassThrough() : counting([])
      fromNodeReadable(scope, stream)
      await settle()
      scope.cancel(broken)
      await expect(scope.wait()).rejects.toBe(broken)
      await settle()
      expect([scope.errors, stream.destroyed]).toEqual([[], true])
    },
  )

  test('that closes too early fails the scope', async () => {
    const scope = new Scope()
    const stream = new PassThrough()
    fromNodeReadable(scope, stream)
    await settle()
    stream.destroy()
    await expect(scope.wait()).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' })
  })
})

/** A stream that writes a chunk when its gate allows it. */
function gated(): { stream: Writable; written: unknown[]; gate: Channel<null> } {
  const [written, gate]: [unknown[], Channel<null>] = [[], new Channel<null>()]
  const stream = new Writable({
    objectMode: true,
    highWaterMark: 1,
    async write(chunk, _encoding, callback) {
      await gate.receive()
      written.push(chunk)
      callback()
    },
  })
  return { stream, written, gate }
}

describe('a channel into a Writable', () => {
  test('writes in order and ends the stream', async () => {
    await using scope = new Scope()
    const [{ stream, written, gate }, input] = [gated(), new Channel<number>(3)]
    gate.close()
    for (const n of upTo(3)) await input.send(n)
    input.close()
    pipeToNodeWritable(scope, input, stream)
    await scope.wait()
    expect([written, stream.writableFinished]).toEqual([[0, 1, 2], true])
    expect([stream.listenerCount('error'), stream.listenerCount('close')]).toEqual([0, 0])
  })

  test('receives a value when the previous one is written', async () => {
    const { stream, gate } = gated()
    await expectOneAtATime(gate, (scope, input) => pipeToNodeWritable(scope, input, stream))
  })

  test('fails the scope with the error of a write, once', async () => {
    const scope = new Scope()
    const stream = new Writable({ write: (_chunk, _encoding, callback) => callback(broken) })
    const input = new Channel<string>(1)
    input.trySend('a')
    pipeToNodeWritable(scope, input, stream)
    await expect(scope.wait()).rejects.toBe(broken)
    await settle()
    expect([scope.errors, stream.destroyed, stream.listenerCount('error')]).toEqual([[broken], true, 0])
  })

  test.each([
    ['errs', broken, broken],
    ['is closed', undefined, expect.objectContaining({ message: expect.stringMatching(/closed before/) })],
  ])('fails the scope when the stream %s while nothing is written', async (_, error, thrown) => {
    const scope = new Scope()
    const { stream } = gated()
    pipeToNodeWritable(scope, new Channel<number>(), stream)
    await settle()
    stream.destroy(error)
    await expect(scope.wait()).rejects.toEqual(thrown)
    expect(stream.listenerCount('error')).toBe(0)
  })

  test.each(['while it waits for a value', 'while it writes'])(
    'is destroyed when the scope is cancelled %s',
    async (when) => {
      const scope = new Scope()
      const [{ stream, gate }, input] = [gated(), new Channel<number>(1)]
      if (when === 'while it writes') input.trySend(1)
      pipeToNodeWritable(scope, input, stream)
      await settle()
      scope.cancel(broken)
      await expect(scope.wait()).rejects.toBe(broken)
      await settle()
      expect([scope.errors, stream.destroyed]).toEqual([[], true])
      gate.close()
    },
  )
})

test("Node's own functions cover the other two directions", async () => {
  await using scope = new Scope()
  const [input, output] = [new Channel<number>(), new Channel<number>()]
  scope.go(async (signal) => {
    for (const n of upTo(50)) await input.send(n, signal)
    input.close()
  })
  const writable = Writable.fromWeb(toWebWritable(scope, output), { objectMode: true })
  Readable.from(input).pipe(writable)
  const received: number[] = []
  for await (const n of output) received.push(n)
  await finished(writable)
  expect(received).toEqual(upTo(50))
  await scope.wait()
})
