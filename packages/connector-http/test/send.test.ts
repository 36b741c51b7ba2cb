import type { Format } from '@millrace/core/connector'
import { describeCases, noRejection, SimOwners, sinkConformance } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { http } from '../src/index.ts'
import type { HttpRequest } from '../src/client/http-door.ts'
import { batchOf, memoryContext, settle, type MemoryAnswer, type MemoryServer } from './memory-web.ts'
import { keysOf, sinkTo, textOf, url, writing, type SentRecord } from './sending.ts'

const ok: MemoryAnswer = { status: 204 }

describeCases(
  'http.send',
  sinkConformance<SentRecord>({
    create: () => {
      const received: number[] = []
      const server: MemoryServer = (request) => {
        if (request.method !== 'CONNECT') received.push((JSON.parse(textOf(request)) as SentRecord).id)
        return ok
      }
      return Promise.resolve({
        sink: () => sinkTo(server),
        record: (id) => ({ id }),
        visible: () => Promise.resolve(received),
      })
    },
    features: { guarantee: 'at-least-once', keepsFiles: false, severalSubtasks: true },
    unwritable: () => ({ id: 1n as never }),
  }),
  { describe, test },
)

describe('a webhook', () => {
  test('gets each record as a request with its fields, in order', async () => {
    const { requests, write, writer } = await writing(() => ok, {
      method: 'PUT',
      headers: { Authorization: 'Bearer abc123' },
      recordHeaders: ({ id }) => ({ 'x-id': String(id) }),
    })
    await write([{ id: 1 }, { id: 2 }])
    expect(requests.map(textOf)).toEqual(['{"id":1}', '{"id":2}'])
    expect(writer.bytesWritten).toBe(2 * '{"id":1}'.length)
    expect(requests[1]).toMatchObject({
      method: 'PUT',
      headers: { authorization: 'Bearer abc123', 'x-id': '2', 'content-type': 'application/json' },
    })
  })

  test('gets the same key for a record that is replayed in other batches, and another for any other', async () => {
    const owners = new SimOwners()
    const keys: (string | undefined)[][] = []
    for (const cuts of [[4], [1, 3], [2, 1, 1]]) {
      const seen: HttpRequest[] = []
      const sink = sinkTo((request) => {
        seen.push(request)
        return ok
      })
      const writer = await sink.open(0, [], memoryContext({ owner: owners.take() }).context)
      let at = 0
      for (const cut of cuts) {
        await writer.write(
          batchOf(
            Array.from({ length: cut }, () => ({ id: 7 })),
            at,
          ),
          noRejection,
        )
        at += cut
      }
      keys.push(keysOf(seen))
    }
    expect(new Set(keys[0]).size).toBe(4)
    expect(keys[1]).toEqual(keys[0])
    expect(keys[2]).toEqual(keys[0])
  })

  test('gets a key of its own for each of several records from one place, and the same in a replay', async () => {
    const seen: HttpRequest[] = []
    const sink = sinkTo((request) => {
      seen.push(request)
      return ok
    })
    for (const cut of [3, 1]) {
      const writer = await sink.open(0, [], memoryContext().context)
      for (let at = 0; at < 3; at += cut) {
        const batch = batchOf(
          Array.from({ length: cut }, () => ({ id: 1 })),
          5,
        )
        await writer.write({ ...batch, originIndex: new Int32Array(cut) }, noRejection)
      }
    }
    const keys = keysOf(seen)
    expect(new Set(keys).size).toBe(3)
    expect(keys.slice(3)).toEqual(keys.slice(0, 3))
  })

  test('never gets the key of a lost request for a record without a place', async () => {
    const seen: HttpRequest[] = []
    const sink = sinkTo((request) => {
      seen.push(request)
      return ok
    })
    const owners = new SimOwners()
    for (let life = 0; life < 2; life++) {
      const writer = await sink.open(0, [], memoryContext({ owner: owners.take() }).context)
      await writer.write(batchOf([{ id: 1 }, { id: 1 }]), noRejection)
    }
    expect(new Set(keysOf(seen)).size).toBe(4)
  })

  test('gets records by the batch, as an array or as lines', async () => {
    const records = [1, 2, 3, 4, 5].map((id) => ({ id }))
    const array = await writing(() => ok, { batch: { records: 2 } })
    await array.write(records)
    expect(array.requests.map(textOf)).toEqual(['[{"id":1},{"id":2}]', '[{"id":3},{"id":4}]', '[{"id":5}]'])
    const lines = await writing(() => ok, { batch: { records: 10, bytes: 20, format: 'ndjson' } })
    await lines.write(records)
    expect(lines.requests.map(textOf)).toEqual(['{"id":1}\n{"id":2}\n', '{"id":3}\n{"id":4}\n', '{"id":5}\n'])
    expect(lines.requests[0]!.headers['content-type']).toBe('application/x-ndjson')
  })

  test('refuses one record of a batch: the others arrive and only that one is rejected', async () => {
    const accepted: number[] = []
    const { rejected, write } = await writing(
      (request) => {
        const records = JSON.parse(textOf(request)) as SentRecord[]
        if (records.some(({ id }) => id === 5)) return { status: 422, body: '{"error":"5 is odd"}' }
        accepted.push(...records.map(({ id }) => id))
        return ok
      },
      { batch: { records: 8 } },
    )
    await write([0, 1, 2, 3, 4, 5, 6, 7].map((id) => ({ id })))
    expect(accepted).toEqual([0, 1, 2, 3, 4, 6, 7])
    expect(rejected).toEqual([
      [
        5,
        expect.objectContaining({ message: 'https://hooks.example has answered 422: {"error":"5 is odd"}' }),
      ],
    ])
  })

  test('keeps the order of a key, has no more requests in progress than allowed, and uses what is allowed', async () => {
    const received = new Map<string, number[]>()
    let inProgress = 0
    let most = 0
    const release: (() => void)[] = []
    const { write } = await writing(
      async (request) => {
        most = Math.max(most, ++inProgress)
        await new Promise<void>((resolve) => release.push(resolve))
        inProgress--
        const { id, key } = JSON.parse(textOf(request)) as Required<SentRecord>
        received.set(key, [...(received.get(key) ?? []), id])
        return ok
      },
      { orderBy: ({ key }) => key!, concurrency: 3 },
    )
    let isDone = false
    const writing_ = Promise.resolve(
      write(Array.from({ length: 60 }, (_, id) => ({ id, key: `key-${id % 20}` }))),
    ).then(() => (isDone = true))
    while (!isDone) {
      await settle()
      release.pop()?.()
    }
    await writing_
    expect(most).toBe(3)
    expect(received.size).toBe(20)
    for (const ids of received.values()) expect(ids).toEqual(ids.toSorted((a, b) => a - b))
  })
})

describe('a receiver that does not work', () => {
  test.each([
    ['a lost connection', () => new Error('ECONNRESET')],
    ['408', () => ({ status: 408 })],
    ['425', () => ({ status: 425 })],
    ['429', () => ({ status: 429 })],
    ['500', () => ({ status: 500 })],
    ['503', () => ({ status: 503 })],
  ] satisfies [string, () => MemoryAnswer][])(
    '%s: the request is sent again with its key until it is accepted, and the outage is reported once',
    async (_name, failure) => {
      let failures = 5
      const { clock, requests, rejected, warnings, write } = await writing(() =>
        failures-- > 0 ? failure() : ok,
      )
      const done = write([{ id: 1 }, { id: 2 }])
      await clock.advance(60_000)
      await done
      expect(new Set(keysOf(requests).slice(0, 6)).size).toBe(1)
      expect(requests.map(textOf)).toEqual([...Array<string>(6).fill('{"id":1}'), '{"id":2}'])
      expect(rejected).toEqual([])
      expect(warnings).toEqual([expect.stringMatching(/^down: https:\/\/hooks\.example/), 'up'])
    },
  )

  test('is not asked again before its Retry-After is over, but at the latest after the longest pause', async () => {
    const times: number[] = []
    const clockOf: { now(): number }[] = []
    const answers = ['7', 'Mon, 24 Nov 2025 16:01:00 GMT', '99999999', undefined]
    const { clock, write } = await writing(
      () => {
        times.push(clockOf[0]!.now())
        const after = answers[times.length - 1]
        return after === undefined ? ok : { status: 429, headers: { 'retry-after': after } }
      },
      { retry: { longestPause: '10m' } },
    )
    clockOf.push(clock)
    const done = write([{ id: 1 }])
    await clock.advance(3_600_000)
    await done
    expect(times.map((time) => time - times[0]!)).toEqual([0, 7_000, 60_000, 660_000])
  })

  test('is asked as often as retry.attempts says; then the record follows the error policy', async () => {
    const { clock, requests, rejected, write } = await writing(() => ({ status: 500, body: 'broken' }), {
      retry: { attempts: 3 },
    })
    const done = write([{ id: 1 }])
    await clock.advance(60_000)
    await done
    expect(requests).toHaveLength(3)
    expect(rejected).toEqual([
      [
        0,
        expect.objectContaining({
          message: 'https://hooks.example has answered 500: broken (attempt 3 of 3)',
        }),
      ],
    ])
  })

  test('says nothing: the request ends after the timeout and is sent again', async () => {
    const { clock, requests, write } = await writing((_request) => (requests.length < 3 ? 'silence' : ok), {
      timeout: '5s',
    })
    const done = write([{ id: 1 }])
    await clock.advance(60_000)
    await done
    expect(requests).toHaveLength(3)
  })

  test('does not keep a job that stops', async () => {
    const { stop, write } = await writing(() => 'silence')
    const done = write([{ id: 1 }])
    await settle()
    stop.abort(new Error('the job stops'))
    await expect(done).rejects.toThrow('the job stops')
  })
})

test('a receiver that wants other credentials ends the job, instead of refusing every record', async () => {
  const { write } = await writing(() => ({ status: 401 }))
  await expect(write([{ id: 1 }])).rejects.toMatchObject({ code: 'SINK_FAILED', isFinal: true })
})

test('a wrong address ends the start at once; later outages are waited for', async () => {
  let isDown = true
  const sink = sinkTo(() => (isDown ? new Error('ECONNREFUSED') : ok))
  await expect(sink.check([], memoryContext().context)).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    isFinal: true,
    message:
      'sink out: no connection to https://hooks.example: ECONNREFUSED; check the address and that the server runs',
  })
  isDown = false
  await sink.check([], memoryContext().context)
  isDown = true
  await sink.check([], memoryContext().context)
})

test('a sink says that it reconnects by itself, so that retry and breaker of to are refused', () => {
  expect(sinkTo(() => ok).reconnects).toBe(true)
})

test('a record in a format is the body, with the media type of the format', async () => {
  const format: Format<SentRecord> = {
    name: 'odd',
    contentType: 'application/odd',
    decode: ([, id]) => ({ id: id! }),
    encode: ({ id }) => Uint8Array.of(255, id, 0),
  }
  const { write, requests } = await writing(() => ok, { format })
  await write([{ id: 7 }])
  expect(requests.map(({ body, headers }) => [[...body!], headers['content-type']])).toEqual([
    [[255, 7, 0], 'application/odd'],
  ])
})

test('a format begins to write under the name of the sink', async () => {
  const topics: string[] = []
  const format: Format<SentRecord> = {
    name: 'odd',
    contentType: 'application/odd',
    decode: ([id]) => ({ id: id! }),
    encode: ({ id }) => Uint8Array.of(id),
    beginWriting: async ({ topic }) => void topics.push(topic),
  }
  // Requests are made only once there is a record.
  await http.send({ url, format }).open(0, [], memoryContext().context)
  expect(topics).toEqual(['out'])
})
