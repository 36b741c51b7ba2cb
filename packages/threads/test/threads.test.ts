import { ChannelClosedError, Scope, select } from '@millrace/channels'
import { spawnSync } from 'node:child_process'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, test } from 'vitest'
import { openChannel, sharedChannel, type SharedChannel } from '../src/channel/shared-channel.ts'
import { bytesCodec, jsonCodec, textCodec } from '../src/codec/plain-codecs.ts'
import { startWorker, watchWorker } from '../src/node-threads.ts'
import { ChannelBrokenError } from '../src/ring/broken-channel-error.ts'
import { gate, passed, refused, upTo } from './probe.ts'
import { execArgv, testPool } from './test-pool.ts'

function numbers(capacity: number, ringBytes?: number): SharedChannel<number> {
  return sharedChannel({
    capacity,
    codec: jsonCodec<number>(),
    ...(ringBytes === undefined ? {} : { ringBytes }),
  })
}

function ascending(values: readonly number[]): number[] {
  return values.toSorted((a, b) => a - b)
}

describe('a channel between threads', () => {
  const workers = testPool({ size: 4 })
  afterAll(() => workers.close())

  test.each([
    ['produce', 'consume', 1],
    ['produce', 'consumeMany', 100],
    ['produceMany', 'consume', 10],
    ['produceMany', 'consumeMany', 1000],
    ['produceMany', 'poll', 50],
  ] as const)(
    'GO-024 GO-025 two threads %s, two %s, capacity %d: nothing is lost or duplicated',
    async (produce, consume, capacity) => {
      const count = 5000
      const channel = numbers(capacity, 1024)
      await using scope = new Scope()
      const received: number[][] = []
      for (const _ of upTo(2)) {
        scope.go(async (signal) => void received.push(await workers.run(consume, channel.handle(), signal)))
      }
      const sent = [0, count].map((from) => workers.run(produce, { to: channel.handle(), from, count }))
      await Promise.all(sent)
      channel.close()
      await scope.wait()
      expect(ascending(received.flat())).toEqual(upTo(2 * count))
      for (const [values, from] of received.flatMap((each) => [[each, 0] as const, [each, count] as const])) {
        const ofOne = values.filter((n) => n >= from && n < from + count)
        expect(ofOne).toEqual(ascending(ofOne))
      }
    },
  )

  test('GO-009 blocks a sender in another thread until a value is received', async () => {
    const channel = numbers(2)
    const sent = workers.run('produce', { to: channel.handle(), from: 0, count: 4 })
    expect(await channel.receive()).toEqual({ ok: true, value: 0 })
    expect(await channel.receive()).toEqual({ ok: true, value: 1 })
    await sent
    expect([channel.length, await channel.receiveMany(10)]).toEqual([2, [2, 3]])
  })

  test('GO-029 GO-030 a close reaches waiting receivers and senders in other threads', async () => {
    const [empty, full] = [numbers(1), numbers(1)]
    const received = workers.run('consume', empty.handle())
    const sent = refused(
      workers.run('produce', { to: full.handle(), from: 0, count: 10 }),
      new ChannelClosedError('send').message,
    )
    await empty.send(1)
    expect(await full.receive()).toEqual({ ok: true, value: 0 })
    empty.close()
    full.close()
    expect(await received).toEqual([1])
    await sent
  })

  test('carries values of very different sizes, and rejects one of more than half its ring', async () => {
    const channel = sharedChannel({ capacity: 100, codec: textCodec, ringBytes: 1024 })
    const values = upTo(300).map((n) => 'x'.repeat((n * 7919) % 509))
    await using scope = new Scope()
    scope.go(() => channel.sendMany(values))
    const received: string[] = []
    while (received.length < values.length) received.push(...(await channel.receiveMany(9)))
    expect(received).toEqual(values)
    const tooLong = 'x'.repeat(509)
    await expect(channel.send(tooLong)).rejects.toThrow('more than the 508 bytes')
    await expect(channel.sendMany(['a', tooLong])).rejects.toThrow(RangeError)
    expect(() => channel.trySend(tooLong)).toThrow(RangeError)
    expect(() => channel.sendCase(tooLong)).toThrow(RangeError)
    expect(await channel.receiveMany(9)).toEqual(['a'])
  })

  test('a value that does not fit yet waits without polling, also while a short one would fit', async () => {
    const channel = sharedChannel({ capacity: 100, codec: textCodec, ringBytes: 1024 })
    await channel.sendMany(['a'.repeat(400), 'b'.repeat(400)])
    const sent = channel.send('c'.repeat(400))
    // This would never run if the thread kept requesting space.
    await new Promise((resolve) => setImmediate(resolve))
    expect(channel.length).toBe(2)
    expect(await channel.receiveMany(2)).toHaveLength(2)
    await sent
    expect((await channel.receive()).value).toBe('c'.repeat(400))
  })

  test('a short value is sent when the long one before it is aborted', async () => {
    const channel = sharedChannel({ capacity: 100, codec: textCodec, ringBytes: 1024 })
    await channel.sendMany(['a'.repeat(400), 'b'.repeat(400)])
    const [giveUp, chosen] = [new AbortController(), new AbortController()]
    const long = channel.send('c'.repeat(400), giveUp.signal)
    const alsoLong = select({ sent: channel.sendCase('d'.repeat(400)) }, { signal: chosen.signal })
    const short = channel.send('e')
    giveUp.abort(new Error('too long'))
    await expect(long).rejects.toThrow('too long')
    expect(channel.length).toBe(2)
    chosen.abort(new Error('too long as well'))
    await expect(alsoLong).rejects.toThrow('too long as well')
    await short
    expect((await channel.receiveMany(9)).map((value) => value.at(0))).toEqual(['a', 'b', 'e'])
  })

  test('can be opened only with its own codec', () => {
    const handle = numbers(1).handle() as never
    expect(() => openChannel(handle, textCodec)).toThrow('made with codec json, not text')
  })

  test('drops a value whose codec throws, and gives the next one to the next receive', async () => {
    const codec = {
      ...textCodec,
      id: 'picky',
      decode: () => expect.unreachable('a value that cannot be read'),
    }
    const channel = sharedChannel({ capacity: 10, codec })
    await channel.sendMany(['a', 'b', 'c'])
    const reading = openChannel(channel.handle(), { ...textCodec, id: 'picky' })
    await expect(channel.receive()).rejects.toThrow('cannot be read')
    expect(() => channel.tryReceive()).toThrow('cannot be read')
    expect(await reading.receive()).toEqual({ ok: true, value: 'c' })
    const waiting = refused(channel.receive(), 'cannot be read')
    await reading.send('d')
    await waiting
  })

  test('rejects use by its own codec', async () => {
    const channel: SharedChannel<string> = sharedChannel({
      capacity: 1,
      codec: { ...textCodec, id: 'nosy', encode: () => Number(channel.trySend('again')) },
    })
    await expect(channel.send('a')).rejects.toThrow('a codec used the channel')
  })
})

describe('a thread that dies', () => {
  test('during a send breaks the channel, which still delivers earlier values', async () => {
    const channel = sharedChannel({ capacity: 10, codec: bytesCodec })
    const workers = testPool({ graceMs: 0 })
    const word = gate()
    await openChannel(channel.handle(), bytesCodec).send(new Uint8Array([0]))
    const argument = { to: channel.handle(), gate: word }
    const sent = refused(workers.run('dieWhileSending', argument), 'was closed')
    await passed(word)
    // The dying thread holds the lock of the senders. Other threads wait for it only for a limited time.
    expect(channel.trySend(new Uint8Array([3]))).toBe(false)
    const parked = refused(channel.send(new Uint8Array([4])), ChannelBrokenError)
    await workers.close()
    await Promise.all([sent, parked])
    expect((await channel.receive()).value).toEqual(new Uint8Array([0]))
    await expect(channel.receive()).rejects.toThrow(/^thread \d+ died in the middle of a send/)
    expect(() => channel.tryReceive()).toThrow(ChannelBrokenError)
    expect(() => channel.trySend(new Uint8Array([5]))).toThrow(ChannelBrokenError)
    expect(() => channel.close()).toThrow(ChannelBrokenError)
    await expect(channel.values().next()).rejects.toThrow(ChannelBrokenError)
  })

  test('during a receive breaks the channel', async () => {
    const channel = sharedChannel({ capacity: 10, codec: bytesCodec })
    await using workers = testPool()
    const received = workers.run('dieWhileReceiving', channel.handle())
    await channel.sendMany([new Uint8Array([1]), new Uint8Array([2])])
    await expect(received).rejects.toThrow('ended with exit code 5')
    await expect(channel.receive()).rejects.toThrow(/^thread \d+ died in the middle of a receive/)
    await expect(channel.send(new Uint8Array([3]))).rejects.toThrow(ChannelBrokenError)
  })

  test('between two operations breaks nothing', async () => {
    const channel = numbers(10)
    const workers = testPool({ graceMs: 0 })
    const received = refused(workers.run('consume', channel.handle()), 'was closed')
    await channel.sendMany(upTo(20))
    await workers.close()
    await received
    while (channel.length > 0) channel.tryReceive()
    await channel.sendMany([1, 2])
    expect(await channel.receiveMany(100)).toEqual([1, 2])
  })

  test('is detected also when it was not started by a pool', async () => {
    const channel = sharedChannel({ capacity: 10, codec: bytesCodec })
    const worker = new Worker(
      `const { workerData } = require('node:worker_threads')
       new Int32Array(workerData.buffer)[64] = (require('node:worker_threads').threadId + 1) * 2`,
      { eval: true, workerData: channel.handle() },
    )
    watchWorker(worker)
    await expect(channel.receive()).rejects.toThrow('died in the middle of a send')
  })
})

describe('a thread that waits for a channel', () => {
  test('lives until no task in it waits any more', async () => {
    const channel = sharedChannel({ capacity: 10, codec: textCodec })
    const module = new URL('./waiting-worker.ts', import.meta.url).href
    const [lines, heard]: [string[], unknown[]] = [['b', 'leave'], []]
    const ended = new Promise<number>((resolve) => {
      const start = { server: module, module, limits: undefined, execArgv }
      const onMessage = (line: unknown): void => {
        heard.push(line)
        // Sent only now, so that until then the worker does nothing but wait.
        const next = lines.shift()
        if (next !== undefined) channel.trySend(next)
      }
      startWorker(start, { onMessage, onExit: resolve }).post(channel.handle())
    })
    channel.trySend('a')
    expect([await ended, heard]).toEqual([0, ['a', 'b', 'leave', 'left']])
  })

  test('does not keep the main thread alive', () => {
    const program = `
      import { sharedChannel, textCodec } from '@millrace/threads'
      void sharedChannel({ capacity: 1, codec: textCodec }).receive().then(() => console.log('never'))
      console.log('waiting')`
    const options = [
      '--import',
      'tsx',
      '--conditions=@millrace/source',
      '--input-type=module',
      '--eval',
      program,
    ]
    const { status, stdout } = spawnSync(process.execPath, options, { encoding: 'utf8' })
    expect([status, stdout]).toEqual([0, 'waiting\n'])
  })
})
