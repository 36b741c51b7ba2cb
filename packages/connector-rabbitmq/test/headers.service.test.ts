import { DataDirectory } from '@millrace/core/job'
import type { Source } from '@millrace/core/connector'
import { deadLetter, pipeline, queueLetters, readLetters, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { describe, expect, test } from 'vitest'
import { dataDirectory, run } from '../../../lab/servers/job-on-disk.ts'
import { rabbitmq } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, messagesIn } = server

const trace = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

const headersIn = async (queue: string): Promise<unknown[]> =>
  (await messagesIn(queue)).map(({ properties }) => properties.headers)

/** Reads a queue or a stream. */
const reading = (kind: 'queue' | 'stream', name: string): Source<number> =>
  kind === 'stream'
    ? rabbitmq.readJson<number>({ url, stream: name })
    : rabbitmq.receiveJson<number>({ url, queue: name })

describe.skipIf(server.missing !== undefined)('headers on a real broker', () => {
  test.each(['queue', 'stream'] as const)(
    'go from a %s to a queue through a keyed operator, as text and bytes',
    async (kind) => {
      const input = await freshQueue(kind === 'stream' ? { 'x-queue-type': 'stream' } : {})
      const output = await freshQueue()
      const bytes = Buffer.from([255, 0])
      const more = { list: [1], table: { a: 'b' }, nothing: null, 'x-shovelled': 'a' }
      const all = { traceparent: trace, 'x-request-id': 'r', bytes, count: 3, isNew: true, ...more }
      await store(input, ['1'], { headers: all })
      await store(input, ['2'])
      const built = pipeline('copy', (p) => {
        p.from('in', reading(kind, input))
          .keyBy(() => 'all')
          .scan(
            'sum',
            () => 0,
            (sum, n) => sum + n,
          )
          .to('out', rabbitmq.writeJson({ url, queue: output }))
      })
      expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
      expect(await headersIn(output)).toEqual([
        { traceparent: trace, 'x-request-id': 'r', bytes, count: '3', isNew: 'true' },
        undefined,
      ])
    },
  )

  test('that tell why a message was dead-lettered are not sent on with it', async () => {
    const [dead, output] = [await freshQueue(), await freshQueue()]
    const input = await freshQueue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead })
    await store(input, ['not JSON'], { headers: { trace } })
    const rejecting = pipeline('reject', (p) => {
      p.from('in', rabbitmq.receiveJson<number>({ url, queue: input, ifUndecodable: 'reject' })).to(
        'out',
        rabbitmq.writeJson({ url, queue: output }),
      )
    })
    expect(await run(rejecting, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(await headersIn(dead)).toMatchObject([{ trace, 'x-first-death-reason': 'rejected' }])
    const copying = pipeline('copy', (p) => {
      p.from('in', rabbitmq.receiveText({ url, queue: dead })).to(
        'out',
        rabbitmq.writeText({ url, queue: output }),
      )
    })
    expect(await run(copying, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(await headersIn(output)).toEqual([{ trace }])
  })

  test('of a record are given to the option headers, which says what is written', async () => {
    const [input, output] = [await freshQueue(), await freshQueue()]
    await store(input, ['1'], { headers: { trace, secret: 's' } })
    const built = pipeline('copy', (p) => {
      p.from('in', rabbitmq.receiveJson<number>({ url, queue: input })).to(
        'out',
        rabbitmq.writeJson({
          url,
          queue: output,
          headers: (n, carried) => ({ trace: carried['trace']!, n }),
        }),
      )
    })
    expect(await run(built, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(await headersIn(output)).toEqual([{ trace, n: 1 }])
  })

  test.each(['queue', 'stream'] as const)(
    'of a %s are in a dead letter, also of a message that is not JSON, and come back when it is redriven',
    async (kind) => {
      const input = await freshQueue(kind === 'stream' ? { 'x-queue-type': 'stream' } : {})
      const [output, directory] = [await freshQueue(), await dataDirectory()]
      const bytes = Buffer.from([255, 0])
      await store(input, ['1', 'not JSON'], { headers: { trace, bytes } })
      const checking = (limit: number): Pipeline =>
        pipeline('check', (p) => {
          p.onError(deadLetter('rejected'))
          p.from('in', reading(kind, input))
            .map((n) => {
              if (n > limit) throw new RangeError(`${n} is too much`)
              return n
            })
            .to('out', rabbitmq.writeJson({ url, queue: output }))
        })
      expect(await run(checking(0), directory)).toEqual({ outcome: 'finished' })
      const { fs } = nodePlatform()
      const data = new DataDirectory(directory)
      const found = await readLetters(fs, data.connector('rejected'))
      const inLetter = { trace, bytes: { base64: '/wA=' } }
      expect(found.map(({ headers }) => headers)).toEqual([inLetter, inLetter])
      const refused = found.filter(({ code }) => code === 'OPERATOR_FAILED')
      await queueLetters(fs, data.connector('in'), refused)
      expect(await run(checking(1), directory)).toEqual({ outcome: 'finished' })
      expect(await headersIn(output)).toEqual([{ trace, bytes }])
    },
  )
})
