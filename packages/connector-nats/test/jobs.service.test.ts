import { rm } from 'node:fs/promises'
import path from 'node:path'
import { startJob, type JobResult } from '@millrace/core/job'
import { pipeline, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { headers, nanos } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { bytesWritten } from '../../../lab/servers/bytes-written.ts'
import { contextOf, dataDirectory, failed, run, startOn } from '../../../lab/servers/job-on-disk.ts'
import { nats, type ReadOptions } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, nc, manager, freshStream, store, textsIn, countIn } = server

const upTo = (end: number): number[] => Array.from({ length: end }, (_, n) => n)
const numbers = (first: number, amount: number): string[] => upTo(amount).map((n) => String(first + n))
const numbersIn = async (stream: string): Promise<number[]> => (await textsIn(stream)).map(Number)

function copying(stream: string, output: string, options: Partial<ReadOptions> = {}): Pipeline {
  return pipeline('copy', (p) => {
    p.from('in', nats.readJson<number>({ url, stream, ...options })).to(
      'out',
      nats.writeJson({ url, stream: output, subject: output }),
    )
  })
}

describe.skipIf(server.missing !== undefined)('a job on a real server', () => {
  test('copies each of 10,000 messages once and in order, while the server is killed and restarted twice', async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    const warnings: string[] = []
    const job = startOn(copying(input, output), await dataDirectory(), { warnings })
    await expect.poll(() => job.status().lastCheckpoint, { timeout: 300_000 }).toBeDefined()
    for (let third = 0; third < 3; third++) {
      await store(input, numbers(third * 3_400, third === 2 ? 3_200 : 3_400))
      if (third < 2) await server.restart()
    }
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(10_000)
    await job.stop()
    expect(await numbersIn(output)).toEqual(upTo(10_000))
  })

  test.each(['at-least-once', 'exactly-once'] as const)(
    'counts the bytes of the data that it writes %s',
    async (guarantee) => {
      const stream = await freshStream()
      const sink = nats.writeText({ url, stream, subject: stream, guarantee })
      expect(await bytesWritten(sink, ['one', 'größer'])).toBe(3 + 8)
    },
  )

  test('waits for a server that is down when the job restarts in its process', async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    const warnings: string[] = []
    let failures = 1
    const built = pipeline('copy', (p) => {
      p.from('in', nats.readJson<number>({ url, stream: input }))
        .map((n) => {
          if (n === 5 && failures-- > 0) throw new Error('fails once')
          return n
        })
        .to('out', nats.writeJson({ url, stream: output, subject: output }))
    })
    const job = startJob({
      graph: built.describe({}).graph,
      platform: nodePlatform(),
      store: memoryStore(),
      directory: await dataDirectory(),
      isBounded: false,
      checkpoints: { everyMs: 50 },
      restart: { kind: 'fixed', delayMs: 1, attempts: 3 },
      observer: (event) => {
        if (event.kind === 'failed') void server.restart()
        if (event.kind === 'warning') warnings.push(event.message)
      },
    })
    await store(input, numbers(0, 10))
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(10)
    await job.stop()
    expect(await numbersIn(output)).toEqual(upTo(10))
    expect(job.status().restarts).toBe(1)
  })

  test('continues where it stopped, and reads what was stored meanwhile', async () => {
    const [input, output, directory] = [await freshStream(), await freshStream(), await dataDirectory()]
    await store(input, numbers(0, 100))
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    await store(input, numbers(100, 50))
    expect(await run(copying(input, output), directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual(upTo(150))
  })

  test('begins at a sequence, at a time, or with what comes next', async () => {
    const input = await freshStream()
    await store(input, numbers(0, 10))
    const { time } = (await manager.streams.getMessage(input, { seq: 6 })) as { time: Date }
    const begun = async (from: ReadOptions['from']): Promise<number[]> => {
      const output = await freshStream()
      const directory = await dataDirectory()
      expect(await run(copying(input, output, { from: from! }), directory)).toEqual({ outcome: 'finished' })
      return numbersIn(output)
    }
    expect(await begun({ sequence: 8 })).toEqual([7, 8, 9])
    expect((await begun({ time })).at(-1)).toBe(9)
    expect(await begun({ time: Date.now() + 3_600_000 })).toEqual([])
    expect(await begun({ time: 0 })).toEqual(upTo(10))
    expect(await begun('latest')).toEqual([])
  })

  test('reads only new messages from `latest`, also when it stops before there is one', async () => {
    const [input, output, directory] = [await freshStream(), await freshStream(), await dataDirectory()]
    await store(input, numbers(0, 10))
    const job = startOn(copying(input, output, { from: 'latest' }), directory)
    await expect.poll(() => job.status().lastCheckpoint, { timeout: 300_000 }).toBeDefined()
    await job.stop()
    await store(input, numbers(10, 5))
    await run(copying(input, output, { from: 'latest' }), directory)
    expect(await numbersIn(output)).toEqual([10, 11, 12, 13, 14])
  })

  test('fails when messages that it has not read were deleted, and continues if it may', async () => {
    const [input, output, directory] = [await freshStream(), await freshStream(), await dataDirectory()]
    await store(input, numbers(0, 10))
    await run(copying(input, output), directory)
    await store(input, numbers(10, 10))
    await manager.streams.purge(input, { keep: 5 })
    expect(await run(copying(input, output), directory)).toMatchObject(
      failed(/the messages from 11 to 15 were deleted before they were read/),
    )
    const warnings: string[] = []
    const lenient = copying(input, output, { ifTrimmed: 'continue' })
    expect(await run(lenient, directory, { warnings })).toEqual({ outcome: 'finished' })
    expect(warnings.join('\n')).toContain('continuing with the oldest message that is there')
    expect(await numbersIn(output)).toEqual([...upTo(10), 15, 16, 17, 18, 19])
  })

  test('misses nothing when messages of other subjects are deleted', async () => {
    const [input, output, directory] = [await freshStream(), await freshStream(), await dataDirectory()]
    await store(input, numbers(0, 3))
    await store(`${input}.other`, ['not', 'these'])
    const filtered = copying(input, output, { subjects: input })
    expect(await run(filtered, directory)).toEqual({ outcome: 'finished' })
    await manager.streams.purge(input)
    await store(input, numbers(3, 2))
    expect(await run(filtered, directory)).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual(upTo(5))
  })

  test('fails when the stream was deleted and made anew', async () => {
    const [input, output, directory] = [await freshStream(), await freshStream(), await dataDirectory()]
    await store(input, numbers(0, 3))
    await run(copying(input, output), directory)
    const { config } = await manager.streams.info(input)
    await manager.streams.delete(input)
    await manager.streams.add(config)
    await store(input, numbers(3, 7))
    expect(await run(copying(input, output), directory)).toMatchObject(failed(/was deleted and made anew/))
  })

  test('refuses a stream that is not there, has another subject, or forgets what was read', async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    const queue = await freshStream({ retention: 'workqueue' })
    const ends = async (built: Pipeline): Promise<JobResult> => run(built, await dataDirectory())
    expect(await ends(copying('no-such-stream', output))).toMatchObject(
      failed(/there is no stream no-such-stream on/),
    )
    expect(await ends(copying(queue, output))).toMatchObject(failed(/has the retention workqueue/))
    expect(await ends(copying(input, queue))).toMatchObject(failed(/set guarantee: 'at-least-once'/))
    const foreign = pipeline('foreign', (p) => {
      p.from('in', nats.readJson({ url, stream: input })).to(
        'out',
        nats.writeJson({ url, stream: output, subject: 'elsewhere' }),
      )
    })
    expect(await ends(foreign)).toMatchObject(failed(/does not have the subject elsewhere; it has/))
  })

  test('keeps subjects, headers and bytes', async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    const given = headers()
    given.append('kind', 'a')
    given.append('kind', 'b')
    await manager.jetstream().publish(`${input}.x`, new Uint8Array([0, 255]), { headers: given })
    const built = pipeline('copy', (p) => {
      p.from('in', nats.readMessages({ url, stream: input })).to(
        'out',
        nats.writeMessages({
          url,
          stream: output,
          message: (m) => ({
            subject: `${output}.${m.subject.split('.')[1]}`,
            data: m.data,
            headers: { ...m.headers, sequence: String(m.sequence) },
          }),
        }),
      )
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    const message = await manager.streams.getMessage(output, { seq: 1 })
    expect(message!.subject).toBe(`${output}.x`)
    expect([...message!.data]).toEqual([0, 255])
    expect(message!.header.values('kind')).toEqual(['a', 'b'])
    expect(message!.header.get('sequence')).toBe('1')
  })

  test('drops a message whose id came before, at least once', async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    await store(input, ['1', '2', '1.0', '3'])
    const built = pipeline('copy', (p) => {
      p.from('in', nats.readJson<number>({ url, stream: input })).to(
        'out',
        nats.writeJson({
          url,
          stream: output,
          subject: () => output,
          guarantee: 'at-least-once',
          messageId: (n) => `id-${n}`,
        }),
      )
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(await numbersIn(output)).toEqual([1, 2, 3])
  })

  test('receives what is sent to subjects without JetStream, also after the server was restarted', async () => {
    const output = await freshStream()
    const subject = `live-${output}`
    const built = pipeline('receive', (p) => {
      p.from('in', nats.receiveJson<number>({ url, subject: `${subject}.*` })).to(
        'out',
        nats.writeJson({ url, stream: output, subject: output }),
      )
    })
    const job = startOn(built, await dataDirectory())
    const arrives = async (n: number): Promise<void> => {
      // Nothing says from outside when the subscription is there, so it is sent until it comes.
      await expect
        .poll(
          async () => {
            nc.publish(`${subject}.a`, String(n))
            return (await numbersIn(output)).includes(n)
          },
          { timeout: 300_000 },
        )
        .toBe(true)
    }
    await arrives(1)
    await server.restart()
    await arrives(2)
    await job.stop()
  })
})

describe.skipIf(server.missing !== undefined)('staged messages', () => {
  const times = new Float64Array(3)
  const batch = {
    length: 3,
    values: [1, 2, 3],
    times,
    watermarks: times,
    origin: undefined,
    originIndex: undefined,
  }

  /** Stages three messages, of which the stream has the first two; longer ago than the server remembers their ids. */
  const interrupted = async (config: object) => {
    const stream = await freshStream({ duplicate_window: nanos(100), ...config })
    const sink = nats.writeJson<number>({ url, stream, subject: stream })
    const where = await contextOf('out')
    const writer = await sink.open(0, [], where)
    await writer.write(batch, () => {})
    const staged = (await writer.prepare(1))!
    const name = String(staged['file'])
    for (const n of [0, 1]) {
      await manager.jetstream().publish(stream, String(n + 1), { msgID: `${name}-${n}` })
    }
    await writer.close()
    // The server forgets ids when its clock says so: this one last.
    await expect
      .poll(async () => {
        const { duplicate } = await manager.jetstream().publish(stream, 'probe', { msgID: `probe-${name}` })
        return duplicate
      })
      .toBe(false)
    await expect
      .poll(async () => {
        const { duplicate } = await manager.jetstream().publish(stream, 'probe', { msgID: `probe-${name}` })
        return duplicate
      })
      .toBe(false)
    return { stream, sink, where, staged }
  }

  test('that were written in part are completed, after the server has forgotten their ids', async () => {
    const { stream, sink, where, staged } = await interrupted({})
    const next = await sink.open(0, [staged], where)
    await next.close()
    const texts = await textsIn(stream)
    expect(texts.filter((text) => text !== 'probe')).toEqual(['1', '2', '3'])
    // Again: everything is there.
    const again = await sink.open(0, [staged], where)
    await again.close()
    expect(await textsIn(stream)).toEqual(texts)
  })

  test('of which the stream has deleted some are written only if that is asked for', async () => {
    const { stream, sink, where, staged } = await interrupted({})
    await manager.streams.purge(stream)
    await expect(sink.open(0, [staged], where)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/does not show whether the messages of checkpoint 1 were written/),
    })
    const writing = nats.writeJson<number>({ url, stream, subject: stream, ifForgotten: 'write' })
    await (await writing.open(0, [staged], where)).close()
    expect(await textsIn(stream)).toEqual(['1', '2', '3'])
  })

  test('whose file is gone fail the start, unless the stream has them', async () => {
    const { sink, where, staged } = await interrupted({})
    const { directory } = where as { readonly directory: string }
    await rm(path.join(directory, String(staged['file'])))
    await expect(sink.open(0, [staged], where)).rejects.toMatchObject({
      code: 'SINK_FAILED',
      message: expect.stringMatching(/was a part of the data directory removed/),
    })
  })
})

describe('an address', () => {
  test('without a server fails the start at once, without its password', async () => {
    const dead = 'nats://user:secret-word@127.0.0.1:1'
    const built = pipeline('copy', (p) => {
      p.from('in', nats.readJson({ url: dead, stream: 'in' })).to(
        'out',
        nats.writeJson({ url: dead, stream: 'out', subject: 'out' }),
      )
    })
    const result = await run(built, await dataDirectory())
    expect(result).toMatchObject(failed(/no connection to NATS on 127\.0\.0\.1:1: /))
    const error = result.outcome === 'failed' ? (result.error as Error) : undefined
    expect(`${String(error)} ${error?.stack} ${JSON.stringify(error)}`).not.toContain('secret-word')
  })
})
