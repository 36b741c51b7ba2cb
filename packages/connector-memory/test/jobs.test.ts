import { EventEmitter } from 'node:events'
import { Readable } from 'node:stream'
import { Channel } from '@millrace/channels'
import type { Source } from '@millrace/core/connector'
import { startJob, type Job, type JobResult } from '@millrace/core/job'
import { pipeline, type Pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memory } from '../src/index.ts'

function startOn(platform: SimPlatform, built: Pipeline): Job {
  return startJob({
    graph: built.describe({}).graph,
    platform,
    store: memoryStore(),
    directory: 'data',
    isBounded: false,
    checkpoints: { everyMs: 100 },
    restart: { kind: 'fixed', attempts: 100, delayMs: 10 },
  })
}

/** Reads everything. What it rejects with may be looked at later. */
function collect<T>(output: AsyncIterable<T>): Promise<T[]> {
  const reading = (async () => {
    const values: T[] = []
    for await (const value of output) values.push(value)
    return values
  })()
  reading.catch(() => {})
  return reading
}

interface Ran<R> {
  readonly result: JobResult | undefined
  readonly values: readonly R[]
}

/** Runs a job with one step until its input ends, and collects its output. */
async function through<T>(source: Source<T>, step: (value: T) => T, seed = 1): Promise<Ran<T>> {
  const platform = simPlatform({ seed })
  const output = memory.writeIterable<T>()
  const job = startOn(
    platform,
    pipeline('through', (p) =>
      p
        .from('in', source)
        .map((value) => step(value) as never)
        .to('out', output),
    ),
  )
  const reading = collect(output)
  const result = await driveJob(job, platform.clock)
  return { result, values: result?.outcome === 'failed' ? [] : await reading.catch(() => []) }
}

const same = <T>(value: T): T => value

describe('a source that is read from the program', () => {
  test('reads arrays, sets, generators, async generators and Node streams to their end', async () => {
    async function* later() {
      for (const n of [1, 2, 3]) {
        await Promise.resolve()
        yield n
      }
    }
    for (const iterable of [
      [1, 2, 3],
      new Set([1, 2, 3]),
      [1, 2, 3].values(),
      later,
      later(),
      Readable.from([1, 2, 3]),
    ]) {
      const { result, values } = await through(memory.readIterable<number>(iterable as number[]), same)
      expect(values).toEqual([1, 2, 3])
      expect(result).toEqual({ outcome: 'finished' })
    }
  })

  test('fails the job with what the iterable throws, and names source and value', async () => {
    const broken = function* () {
      yield 1
      throw new Error('the file is gone')
    }
    const { result } = await through(memory.readIterable(broken), same)
    expect(result).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('the iterable failed at value 1') },
    })
  })

  test('is rejected if it is not an iterable', () => {
    expect(() => memory.readIterable(7 as never)).toThrow(
      expect.objectContaining({ code: 'OPTION_INVALID', message: expect.stringContaining('number') }),
    )
  })

  test('reads a channel, and leaves values in it that were not received when the job stopped', async () => {
    const platform = simPlatform({ seed: 2 })
    const channel = new Channel<number>(10)
    for (let n = 0; n < 10; n++) channel.trySend(n)
    const output = memory.writeIterable<number>()
    const source = memory.readChannel(channel, { capacity: 1, keep: 3 })
    const built = pipeline('channel', (p) => p.from('in', source).to('out', output))
    const job = startOn(platform, built)
    const reading = collect(output)
    await driveJob(job, platform.clock, { until: () => job.status().phase === 'running' })
    void job.stop()
    await driveJob(job, platform.clock)
    const read = await reading
    expect([...read, ...Array.from({ length: 10 - read.length }, (_, n) => read.length + n)]).toEqual(
      Array.from({ length: 10 }, (_, n) => n),
    )
    expect(channel.length).toBeGreaterThan(0)
  })

  test('reads events until the last one, and stops listening when the job has ended', async () => {
    const emitter = new EventEmitter()
    const source = memory.readEvents(emitter, 'order', (id: number) => id, { endOn: 'close' })
    const platform = simPlatform({ seed: 3 })
    const output = memory.writeIterable<number>()
    const job = startOn(
      platform,
      pipeline('events', (p) => p.from('in', source).to('out', output)),
    )
    const reading = collect(output)
    await driveJob(job, platform.clock, { until: () => emitter.listenerCount('order') === 1 })
    for (const id of [1, 2, 3]) emitter.emit('order', id)
    emitter.emit('close')
    await driveJob(job, platform.clock)
    expect(await reading).toEqual([1, 2, 3])
    expect(emitter.eventNames()).toEqual([])
  })

  test.each([
    ['dropNewest', [0, 1]],
    ['dropOldest', [3, 4]],
  ] as const)(
    'with a producer that cannot wait drops events by %s and counts them',
    async (whenFull, kept) => {
      const source = memory.readObservable<number>(
        {
          subscribe: (observer) => {
            for (let n = 0; n < 5; n++) observer.next(n)
            observer.complete()
            return { unsubscribe: () => {} }
          },
        },
        { capacity: 2, whenFull },
      )
      expect((await through(source, same)).values).toEqual(kept)
      expect(source.dropped).toBe(3)
    },
  )

  test('with a producer that cannot wait fails the job when its queue is full, by default', async () => {
    const target = new EventTarget()
    const source = memory.readEvents(target, 'tick', same, { capacity: 2 })
    const platform = simPlatform({ seed: 4 })
    const job = startOn(
      platform,
      pipeline('full', (p) => p.from('in', source).to('out', memory.writeIterable())),
    )
    await driveJob(job, platform.clock, { until: () => job.status().phase === 'running' })
    for (let n = 0; n < 3; n++) target.dispatchEvent(new Event('tick'))
    const result = await driveJob(job, platform.clock)
    expect(JSON.stringify(result, ['outcome', 'error', 'code', 'message', 'cause'])).toMatch(/failed/)
  })
})

describe('an input that the program pushes into', () => {
  test('makes callers wait in order while it is full, and lets them abort', async () => {
    const input = memory.receive<number>({ capacity: 1 })
    expect(input.tryPush(1)).toBe(true)
    expect(input.tryPush(2)).toBe(false)
    const leaving = new AbortController()
    const left = input.push(2, { signal: leaving.signal })
    const waiting = input.push(3)
    leaving.abort(new Error('too slow'))
    await expect(left).rejects.toThrow('too slow')
    void waiting.then(() => input.end())
    expect((await through(input, same)).values).toEqual([1, 3])
    await expect(input.push(4)).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
  })

  test('rejects values after its job has failed, and accepts them once it is started again', async () => {
    const input = memory.receive<number>()
    input.tryPush(1)
    const platform = simPlatform({ seed: 5 })
    const output = memory.writeIterable<number>()
    const built = pipeline('shop', (p) => p.from('in', input).to('out', output))
    const first = startOn(platform, built)
    const reading = collect(output)
    await driveJob(first, platform.clock, { until: () => first.status().lastCheckpoint !== undefined })
    void first.cancel()
    await driveJob(first, platform.clock)
    await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(input.push(2)).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: expect.stringContaining('start it again'),
    })
    const second = startOn(platform, built)
    await driveJob(second, platform.clock, { until: () => second.status().phase === 'running' })
    void input.push(3)
    input.end()
    const rest = collect(output)
    await driveJob(second, platform.clock)
    expect((await rest).at(-1)).toBe(3)
  })

  test('accepts only what a clean stop commits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 1_000 }),
        async (stopAfter, seed) => {
          const input = memory.receive<number>()
          const platform = simPlatform({ seed })
          const output = memory.writeIterable<number>()
          const built = pipeline('stop', (p) => p.from('in', input).to('out', output))
          const job = startOn(platform, built)
          const reading = collect(output)
          const accepted: number[] = []
          const refused: unknown[] = []
          for (let n = 0; n < 100; n++) {
            void input.push(n).then(
              () => {
                accepted.push(n)
                if (accepted.length === stopAfter) void job.stop()
              },
              (error: unknown) => refused.push(error),
            )
          }
          void job.checkpoint().catch(() => {})
          await driveJob(job, platform.clock, {
            until: () => accepted.length >= stopAfter && job.status().phase === 'ended',
          })
          expect(await reading).toEqual(accepted)
          expect(accepted.length + refused.length).toBe(100)
        },
      ),
      { numRuns: 30 },
    )
  })

  test('belongs to one job at a time', async () => {
    const input = memory.receive<number>()
    const platform = simPlatform({ seed: 6 })
    const build = (name: string) =>
      pipeline(name, (p) => p.from('in', input).to('out', memory.writeIterable<number>()))
    const first = startOn(platform, build('first'))
    await driveJob(first, platform.clock, { until: () => first.status().phase === 'running' })
    const second = startJob({
      graph: build('second').describe({}).graph,
      platform,
      store: memoryStore(),
      directory: 'other',
      isBounded: false,
    })
    let result: JobResult | undefined
    void second.ended.then((ended) => (result = ended))
    await driveJob(second, platform.clock, { until: () => result !== undefined })
    expect(result).toMatchObject({
      outcome: 'failed',
      error: { message: expect.stringContaining('another job reads this input') },
    })
    void first.stop()
    await driveJob(first, platform.clock)
  })

  test('waits for a checkpoint when its buffer is full', async () => {
    const input = memory.receive<number>({ capacity: 100, keep: 10 })
    for (let n = 0; n < 100; n++) input.tryPush(n)
    input.end()
    expect((await through(input, same)).values).toEqual(Array.from({ length: 100 }, (_, n) => n))
  })

  test('delivers each value once and in order, for any number of restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 300 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 299 }), { maxLength: 5 }),
        fc.record({ capacity: fc.integer({ min: 1, max: 50 }), keep: fc.integer({ min: 1, max: 50 }) }),
        fc.integer({ min: 1, max: 1_000 }),
        async (count, failing, options, seed) => {
          const input = memory.receive<number>(options)
          const left = new Set(failing)
          void (async () => {
            for (let n = 0; n < count; n++) await input.push(n)
            input.end()
          })()
          const { values } = await through(
            input,
            (n) => {
              if (left.delete(n)) throw new Error(`value ${n} fails once`)
              return n
            },
            seed,
          )
          expect(values).toEqual(Array.from({ length: count }, (_, n) => n))
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('a sink in the program', () => {
  test('calls a function for each record and waits for it', async () => {
    const calls: string[] = []
    const platform = simPlatform({ seed: 7 })
    const sink = memory.writeEach<number>(async (n) => {
      calls.push(`begin ${n}`)
      await Promise.resolve()
      calls.push(`end ${n}`)
    })
    const built = pipeline('calls', (p) => p.from('in', memory.readIterable([1, 2])).to('out', sink))
    await driveJob(startOn(platform, built), platform.clock)
    expect(calls).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2'])
  })

  test('sends records into a channel and closes it when the job has ended', async () => {
    const platform = simPlatform({ seed: 8 })
    const channel = new Channel<number>(1)
    const built = pipeline('channel', (p) =>
      p.from('in', memory.readIterable([1, 2, 3])).to('out', memory.writeChannel(channel)),
    )
    const reading = collect(channel)
    await driveJob(startOn(platform, built), platform.clock)
    expect(await reading).toEqual([1, 2, 3])
  })

  test('drops and counts results after its consumer left the loop, so that the job can stop', async () => {
    const platform = simPlatform({ seed: 10 })
    const output = memory.writeIterable<number>({ capacity: 2 })
    const input = memory.receive<number>()
    const built = pipeline('left', (p) => p.from('in', input).to('out', output))
    const job = startOn(platform, built)
    for (let n = 0; n < 20; n++) input.tryPush(n)
    let first: number | undefined
    void (async () => {
      for await (const value of output) {
        first = value
        break
      }
    })()
    await driveJob(job, platform.clock, { until: () => first !== undefined })
    for (let n = 20; n < 40; n++) input.tryPush(n)
    await driveJob(job, platform.clock, { until: () => output.dropped > 20 })
    void job.stop()
    expect(await driveJob(job, platform.clock)).toEqual({ outcome: 'stopped' })
    expect([first, output.dropped]).toEqual([0, 39])
  })

  test('makes the job wait while the program does not read', async () => {
    const platform = simPlatform({ seed: 9 })
    const output = memory.writeIterable<number>({ capacity: 1, deliver: 'immediately' })
    let asked = 0
    const numbers = function* () {
      for (;;) yield asked++
    }
    const built = pipeline('slow', (p) => p.from('in', memory.readIterable(numbers)).to('out', output))
    const job = startOn(platform, built)
    await driveJob(job, platform.clock, { until: () => platform.clock.monotonic() > 1_000 })
    const before = asked
    await driveJob(job, platform.clock, { until: () => platform.clock.monotonic() > 50_000 })
    expect(asked).toBe(before)
    void job.cancel()
    await driveJob(job, platform.clock)
  })
})
