import { memory } from '@millrace/connector-memory'
import { DataDirectory } from '@millrace/core/job'
import { noRejection } from '@millrace/testkit'
import { deadLetter, pipeline, queueLetters, readLetters, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { headers } from '@nats-io/transport-node'
import { describe, expect, test } from 'vitest'
import { contextOf, dataDirectory, run, startOn } from '../../../lab/servers/job-on-disk.ts'
import { nats } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, nc, manager, freshStream, store, countIn } = server

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

/** What the sink says of each message itself. */
const sinkOwn = new Set(['Nats-Msg-Id', 'Nats-Expected-Stream'])

/** The headers of the messages of a stream, without those that its sink has set itself. */
async function headersIn(stream: string): Promise<Record<string, string[]>[]> {
  const found: Record<string, string[]>[] = []
  for (let seq = 1; seq <= (await countIn(stream)); seq++) {
    const { header } = (await manager.streams.getMessage(stream, { seq }))!
    const all = header.keys().map((name): [string, string[]] => [name, header.values(name)])
    found.push(Object.fromEntries(all.filter(([name]) => !sinkOwn.has(name))))
  }
  return found
}

describe.skipIf(server.missing !== undefined)('headers on a real server', () => {
  test.each(['exactly-once', 'at-least-once'] as const)(
    'go from stream to stream through a keyed operator, %s, and those of NATS do not',
    async (guarantee) => {
      const [input, output] = [await freshStream(), await freshStream()]
      const given = headers()
      for (const [name, value] of [
        ['traceparent', trace],
        ['kind', 'a'],
        ['kind', 'b'],
        ['Nats-Custom', 'none'],
        ['KV-Operation', 'PUT'],
      ] as const)
        given.append(name, value)
      await manager.jetstream().publish(input, '1', { headers: given, msgID: `source-${input}` })
      await store(input, ['2'])
      const built = pipeline('copy', (p) => {
        p.from('in', nats.readJson<number>({ url, stream: input }))
          .keyBy(() => 'all')
          .scan(
            'sum',
            () => 0,
            (sum, n) => sum + n,
          )
          .to('out', nats.writeJson({ url, stream: output, subject: output, guarantee }))
      })
      expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
      expect(await headersIn(output)).toEqual([{ traceparent: [trace], kind: ['b'] }, {}])
      const { header } = (await manager.streams.getMessage(output, { seq: 1 }))!
      expect(header.values('Nats-Msg-Id')).toHaveLength(1)
      expect(header.get('Nats-Msg-Id')).not.toContain(input)
    },
  )

  test('of a record are given to headers and message, which say what is written', async () => {
    const [added, made] = [await freshStream(), await freshStream()]
    const built = pipeline('copy', (p) => {
      const numbers = p.from('in', memory.read([1], { headers: () => ({ trace, 'Nats-TTL': '1s' }) }))
      numbers.to(
        'added',
        nats.writeJson({
          url,
          stream: added,
          subject: added,
          headers: (n, carried) => ({ ...carried, n: String(n) }),
        }),
      )
      numbers.to(
        'made',
        nats.writeMessages({
          url,
          stream: made,
          message: (n, carried) => ({
            subject: made,
            data: String(n),
            headers: { of: Object.keys(carried) },
          }),
        }),
      )
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(await headersIn(added)).toEqual([{ trace: [trace], n: ['1'] }])
    expect(await headersIn(made)).toEqual([{ of: ['trace'] }])
  })

  test('of a message of a subject without JetStream are those of its record', async () => {
    const subject = `live-${await freshStream()}`
    const received = memory.write<number>()
    const built = pipeline('receive', (p) => {
      p.from('in', nats.receiveJson<number>({ url, subject })).to('out', received)
    })
    const job = startOn(built, await dataDirectory())
    const given = headers()
    given.set('traceparent', trace)
    // Nothing says from outside when the subscription is there, so it is sent until it comes.
    await expect
      .poll(
        () => {
          nc.publish(subject, '1', { headers: given })
          return received.committed.length
        },
        { timeout: 300_000 },
      )
      .toBeGreaterThan(0)
    await job.stop()
    expect(received.committed[0]).toMatchObject({ value: 1, headers: { traceparent: trace } })
  })

  test('are kept in the staged file, so a sink that was killed writes them in its next life', async () => {
    const stream = await freshStream()
    const sink = nats.writeJson<number>({ url, stream, subject: stream })
    const context = await contextOf('out')
    const writer = await sink.open(0, [], context)
    const times = new Float64Array(2)
    const records = { length: 2, values: [1, 2], times, watermarks: times }
    const places = { origin: undefined, originIndex: undefined }
    await writer.write({ ...records, ...places, headers: [{ trace, empty: '' }, undefined] }, noRejection)
    const staged = (await writer.prepare(1))!
    await writer.close()
    expect(await countIn(stream)).toBe(0)
    const next = await sink.open(0, [staged], context)
    await next.close()
    expect(await headersIn(stream)).toEqual([{ trace: [trace], empty: [''] }, {}])
  })

  test('are in a dead letter, also of a message that is not JSON, and come back when it is redriven', async () => {
    const [input, output, directory] = [await freshStream(), await freshStream(), await dataDirectory()]
    await store(input, ['1', 'not JSON'], { trace })
    const checking = (limit: number): Pipeline =>
      pipeline('check', (p) => {
        p.onError(deadLetter('rejected'))
        p.from('in', nats.readJson<number>({ url, stream: input }))
          .map((n) => {
            if (n > limit) throw new RangeError(`${n} is too much`)
            return n
          })
          .to('out', nats.writeJson({ url, stream: output, subject: output }))
      })
    expect(await run(checking(0), directory)).toEqual({ outcome: 'finished' })
    const { fs } = nodePlatform()
    const data = new DataDirectory(directory)
    const found = await readLetters(fs, data.connector('rejected'))
    expect(found.map((letter) => letter.headers)).toEqual([{ trace }, { trace }])
    const refused = found.filter(({ code }) => code === 'OPERATOR_FAILED')
    await queueLetters(fs, data.connector('in'), refused)
    expect(await run(checking(1), directory)).toEqual({ outcome: 'finished' })
    expect(await headersIn(output)).toEqual([{ trace: [trace] }])
  })

  test('that NATS cannot send fail their record with the name of the header', async () => {
    const output = await freshStream()
    const built = pipeline('copy', (p) => {
      p.from('in', memory.read([1], { headers: () => ({ id: Uint8Array.of(255) }) })).to(
        'out',
        nats.writeJson({ url, stream: output, subject: output }),
      )
    })
    const result = await run(built, await dataDirectory())
    expect(result).toMatchObject({
      outcome: 'failed',
      error: {
        message: expect.stringMatching(/the header id is bytes that are no UTF-8; give text/) as string,
      },
    })
  })
})
