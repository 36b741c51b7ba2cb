import { ByteReader, ByteWriter, type RecordHeaders } from '@millrace/core'
import { memory } from '@millrace/connector-memory'
import { DataDirectory, startJob } from '@millrace/core/job'
import { deadLetter, pipeline, queueLetters, readLetters, type Pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimFs } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { http } from '../src/index.ts'
import { readRequests, writeRequests } from '../src/inbox-entry.ts'
import type { InboxPosition } from '../src/inbox-position.ts'
import { batchOf } from './memory-web.ts'
import { postLines, serve, type HttpLife } from './http-life.ts'
import { url, writing, type SentRecord } from './sending.ts'

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'

/** The next records, or what is none, with their headers. */
async function read({ reader }: HttpLife, count: number): Promise<[unknown, RecordHeaders | undefined][]> {
  const found: [unknown, RecordHeaders | undefined][] = []
  while (found.length < count) {
    const poll = reader.poll(count - found.length)
    if (poll.kind !== 'records') {
      await reader.ready()
      continue
    }
    for (const [index, value] of poll.values.entries()) found.push([value, poll.headers?.[index]])
    for (const { raw, headers } of poll.failures ?? []) found.push([new TextDecoder().decode(raw), headers])
  }
  return found
}

describe('records that were posted', () => {
  test('carry the trace of their request, and what is asked for, but never who the client is', async () => {
    const life = await serve({ token: 'secret', headers: ['X-Tenant', 'ce-id'] })
    const client = { authorization: 'Bearer secret', cookie: 'id=1', 'x-other': 'o' }
    const trace = { traceparent, tracestate: 'a=1', baggage: 'user=4711' }
    await postLines(life.url, '1\n2\n', { ...client, ...trace, 'x-tenant': 'shop' })
    await postLines(life.url, '3\n', client)
    expect(await read(life, 3)).toEqual([
      [1, { ...trace, 'x-tenant': 'shop' }],
      [2, { ...trace, 'x-tenant': 'shop' }],
      [3, undefined],
    ])
    await life.reader.close()
  })

  test.each([[['Cookie']], [['authorization']], [['two words']], ['x-tenant']])(
    'cannot be asked to carry %j',
    (headers) => {
      expect(() => http.receive({ port: 0, headers: headers as string[] })).toThrow(
        expect.objectContaining({
          code: 'OPTION_INVALID',
          message: expect.stringContaining('headers') as string,
        }),
      )
    },
  )

  test('have their headers after a loss of power, each those of its own request', async () => {
    const first = await serve({ headers: ['x-n'] })
    await Promise.all([postLines(first.url, '1\n1\n', { 'x-n': '1' }), postLines(first.url, '0\n')])
    await postLines(first.url, '2\n2\n', { 'x-n': '2' })
    await read(first, 1)
    const from = JSON.parse(JSON.stringify(first.reader.position())) as InboxPosition
    await first.reader.close()
    const fs = first.platform.fs.afterPowerLoss()
    const second = await serve({ fs, from, headers: ['x-n'] })
    for (const [n, headers] of await read(second, 4)) {
      expect(headers).toEqual(n === 0 ? undefined : { 'x-n': String(n) })
    }
    await second.reader.close()
  })

  test('are read from an inbox of a version without headers; one of a later version is refused', () => {
    const bytes = new TextEncoder().encode('{"a":1}')
    const old = new ByteWriter()
    old.varint(1)
    old.text('key')
    old.u32(7)
    old.varint(2)
    old.blob(bytes)
    old.blob(bytes)
    const request = { key: 'key', fingerprint: 7, records: [bytes, bytes] }
    expect(readRequests(new ByteReader(old.written()))).toEqual([{ ...request, headers: undefined }])
    const now = new ByteWriter()
    const requests = [
      { ...request, headers: { traceparent, 'x-name': 'é' } },
      { ...request, headers: undefined },
    ]
    writeRequests(requests, now)
    expect(readRequests(new ByteReader(now.written()))).toEqual(requests)
    const later = new ByteWriter()
    later.varint(0)
    later.varint(3)
    expect(() => readRequests(new ByteReader(later.written()))).toThrow(/the entry has format 3/)
  })
})

const data = new DataDirectory('data')

/** A job that refuses numbers that are larger than `limit`. */
function checking(limit: number) {
  const source = http.receive<number>({ port: 0 })
  const out = memory.write<number>()
  let count = 0
  const built = pipeline('check', (p) => {
    p.onError(deadLetter('rejected'))
    p.from('in', source)
      .map((n) => {
        count++
        if (n > limit) throw new RangeError(`${n} is too much`)
        return n
      })
      .to('out', out)
  })
  return { source, out, built, seen: () => count }
}

const startOn = (built: Pipeline, isBounded: boolean, fs?: SimFs) => {
  const platform = simPlatform({ seed: 1, ...(fs && { fs }) })
  const { graph } = built.describe()
  const options = { graph, platform, store: memoryStore(), directory: data.path, isBounded } as const
  return { platform, job: startJob({ ...options, restart: { kind: 'none' } }) }
}

test('a dead letter has the headers of its request, and its record has them again when it is redriven', async () => {
  const { source, built, seen } = checking(0)
  const { platform, job } = startOn(built, false)
  const { url: address } = await source.address()
  await postLines(address, '1\n', { traceparent })
  while (seen() === 0) await platform.scheduler.turn()
  await job.stop()
  const found = await readLetters(platform.fs, data.connector('rejected'))
  expect(found.map(({ headers }) => headers)).toEqual([{ traceparent }])

  await queueLetters(platform.fs, data.connector('in'), found)
  const fixed = checking(1)
  const next = startOn(fixed.built, true, platform.fs)
  expect(await driveJob(next.job, next.platform.clock)).toEqual({ outcome: 'finished' })
  expect(fixed.out.committed).toMatchObject([{ value: 1, headers: { traceparent } }])
})

describe('a request to another program', () => {
  const ok = { status: 204 }
  const trace = { traceparent, tracestate: 'a=1', baggage: 'user=4711' }
  const carried = { ...trace, authorization: 'Bearer inner', 'x-tenant': 'shop', host: 'inner' }

  /** The header fields of the requests for two records, of which the first has headers. */
  async function sent(headers: RecordHeaders, options: Parameters<typeof writing>[1] = {}) {
    const { writer, requests } = await writing(() => ok, options)
    const rejected: string[] = []
    const batch = { ...batchOf<SentRecord>([{ id: 1 }, { id: 2 }]), headers: [headers] }
    await writer.write(batch, (_index, error) => rejected.push(String(error)))
    const { 'content-type': _type, 'idempotency-key': _key, ...first } = requests[0]!.headers
    return { first, count: requests.length, rejected }
  }

  test('has the trace of its record, and nothing else of its headers', async () => {
    expect(await sent(carried)).toMatchObject({ first: { ...trace }, count: 2 })
    const { first } = await sent(carried)
    for (const name of ['authorization', 'x-tenant', 'host']) expect(first).not.toHaveProperty(name)
  })

  test('goes without a trace that is no text of one line', async () => {
    const odd = { traceparent: Uint8Array.of(255), tracestate: 'a\r\nx-b: c', baggage: 'a=1' }
    const { first, rejected } = await sent(odd)
    expect([first['traceparent'], first['tracestate'], first['baggage']]).toEqual([
      undefined,
      undefined,
      'a=1',
    ])
    expect(rejected).toEqual([])
  })

  test('of several records has none of their traces, so that they still share it', async () => {
    const { first, count } = await sent(carried, { batch: { records: 10 } })
    expect(count).toBe(1)
    expect(first).not.toHaveProperty('traceparent')
  })

  test('has what recordHeaders makes of the headers of its record', async () => {
    const recordHeaders = ({ id }: SentRecord, { traceparent: parent = '', ...rest }: RecordHeaders) => ({
      traceparent: String(parent),
      'x-tenant': `${String(rest['x-tenant'])}-${id}`,
    })
    const { first } = await sent(carried, { url, recordHeaders })
    expect(first).toMatchObject({ traceparent, 'x-tenant': 'shop-1' })
    expect(first).not.toHaveProperty('tracestate')
  })

  test('that recordHeaders gives a field of the connection is refused for its record', async () => {
    const recordHeaders = (_: SentRecord, { host }: RecordHeaders): Record<string, string> =>
      host === undefined ? {} : { host: String(host) }
    const { count, rejected } = await sent(carried, { recordHeaders })
    expect([count, rejected]).toEqual([1, [expect.stringContaining('the header field host is set by')]])
  })
})
