import { describe, expect, test } from 'vitest'
import { post } from '../test/fake-request.ts'
import { openLife, take } from '../test/inbox-life.ts'
import { receiving, typed } from '../test/receiving.ts'
import type { Answer } from './incoming-request.ts'

describe('receiver: the head of a request', () => {
  test.each([
    [404, { target: '/other' }],
    [404, { target: '/../etc/passwd' }],
    [405, { method: 'GET' }],
    [405, { method: 'OPTIONS' }],
    [405, { method: 'POST', target: '/healthz' }],
    [415, { headers: { 'content-type': 'text/plain' } }],
    [415, { headers: { 'content-type': '' } }],
    [415, { headers: { 'content-type': 'application/+json' } }],
    [415, { headers: { 'content-type': 'text/x+json' } }],
    [415, { headers: { 'content-type': 'application/json; charset=klingon' } }],
    [415, { headers: { 'content-type': 'application/json; charset=windows-1252' } }],
    [415, { headers: { 'content-encoding': 'zstd' } }],
    [415, { headers: { 'content-encoding': 'gzip, gzip' } }],
    [413, { headers: { 'content-length': '2000000' } }],
    [421, { headers: { host: 'evil.example' } }],
    [421, { headers: { host: 'evil.example:8080' } }],
    [421, { headers: { host: 'localhost.evil.example' } }],
    [421, { headers: { host: '[::1' } }],
    [421, { headers: { host: '' } }],
    [421, { target: 'is rejected with %i: %j', method: 'GET', headers: { host: 'evil.example' } }],
    [400, { headers: { 'idempotency-key': 'x'.repeat(256) } }],
    [400, { headers: { 'idempotency-key': 'two words' } }],
  ])('is refused with %i: %j', async (status, options) => {
    const { receiver, inbox } = await receiving()
    const request = post({ body: '1', ...options })
    expect((await receiver.answer(request)).status).toBe(status)
    expect(request.isRead).toBe(false)
    expect(inbox.heldBytes).toBeLessThan(50)
  })

  test('an unsupported type or coding is answered with the supported ones', async () => {
    const { receiver } = await receiving()
    const type = await receiver.answer(post({ headers: typed('text/csv') }))
    expect(type.headers['accept-post']).toContain('application/x-ndjson')
    const coding = await receiver.answer(post({ headers: { 'content-encoding': 'zstd' } }))
    expect(coding.headers).toEqual({ 'accept-encoding': 'gzip, deflate, br' })
  })

  test.each(['localhost', 'LOCALHOST:1', '127.0.0.1:8080', '[::1]:8080', 'localhost.'])(
    'the host %s is accepted',
    async (host) => {
      const { receiver } = await receiving()
      expect((await receiver.answer(post({ headers: { host } }))).status).toBe(200)
    },
  )

  test('additional hosts are accepted by name', async () => {
    const { receiver } = await receiving({ allowedHosts: ['Events.internal'] })
    const status = async (host: string): Promise<number> =>
      (await receiver.answer(post({ headers: { host } }))).status
    expect(await status('events.internal')).toBe(200)
    expect(await status('other.internal')).toBe(421)
  })

  test('a server on a public address accepts any host name unless `allowedHosts` is set', async () => {
    const { receiver } = await receiving({ host: '0.0.0.0', token: 'secret' })
    const headers = { host: 'events.example', authorization: 'Bearer secret' }
    expect((await receiver.answer(post({ headers }))).status).toBe(200)
  })

  test.each([
    [200, 'Bearer secret'],
    [200, 'bearer  secret'],
    [401, 'Bearer secrets'],
    [401, 'Bearer'],
    [401, 'Basic secret'],
    [401, ''],
  ])('without a valid token: %i for "%s"', async (status, authorization) => {
    const { receiver } = await receiving({ token: 'secret' })
    const answer = await receiver.answer(post({ headers: { authorization } }))
    expect(answer.status).toBe(status)
    expect(JSON.stringify(answer)).not.toContain('secret')
  })

  test('a health check needs no token', async () => {
    const { receiver } = await receiving({ token: 'secret' })
    const answer = await receiver.answer(post({ method: 'GET', target: '/healthz?now' }))
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok' } })
  })

  test('a query is ignored', async () => {
    const { receiver } = await receiving({ path: '/events' })
    expect((await receiver.answer(post({ target: '/events?source=a' }))).status).toBe(200)
  })

  test('a body that exceeds the limit is rejected', async () => {
    const life = await receiving({ bodyBytesMax: 10 })
    const answer = await life.receiver.answer(post({ body: '1\n'.repeat(6), isMeasured: false }))
    expect(answer.status).toBe(413)
    expect(await take(life)).toEqual([])
  })
})

describe('receiver: the time of the answer', () => {
  test('durable: only once a crash can no longer lose the records', async () => {
    const { receiver, platform } = await receiving()
    const answer = await receiver.answer(post({ body: '1\n2' }))
    expect(answer).toMatchObject({ status: 200, body: { accepted: 2 } })
    const next = await openLife({ fs: platform.fs.afterPowerLoss() })
    expect(await take(next)).toEqual([1, 2])
  })

  test('received: at once, and the records follow', async () => {
    const life = await receiving({ ack: 'received' })
    const before = life.platform.fs.operations
    const answer = await life.receiver.answer(post({ body: '1\n2' }))
    expect(answer).toMatchObject({ status: 202, body: { accepted: 2 } })
    expect(life.platform.fs.operations).toBeLessThanOrEqual(before + 1)
    await life.receiver.stop()
    expect(await take(life)).toEqual([1, 2])
  })
})

describe('receiver: limits', () => {
  const big = JSON.stringify('x'.repeat(1_000))

  test('data that no checkpoint covers is bounded, and a checkpoint frees space', async () => {
    const life = await receiving({ bodyBytesMax: 2_000, inboxBytesMax: 5_000, retryAfterSeconds: 7 })
    const statuses: number[] = []
    for (let i = 0; i < 8; i++) statuses.push((await life.receiver.answer(post({ body: big }))).status)
    expect(statuses).toEqual([200, 200, 200, 200, 429, 429, 429, 429])
    const refused = await life.receiver.answer(post({ body: big }))
    expect(refused.headers).toEqual({ 'retry-after': '7' })
    expect((await life.receiver.answer(post({ method: 'GET', target: '/healthz' }))).status).toBe(200)
    expect(life.warnings).toHaveLength(1)
    expect(await take(life)).toHaveLength(4)
    expect((await life.receiver.answer(post({ body: big }))).status).toBe(429)
    await life.reader.acknowledge(life.reader.position())
    expect((await life.receiver.answer(post({ body: big }))).status).toBe(200)
  })

  test('bodies being received count, also those of unknown length', async () => {
    const { receiver } = await receiving({ bodyBytesMax: 2_000, inboxBytesMax: 5_000 })
    let arrive: () => void = () => undefined
    const arrival = new Promise<void>((resolve) => (arrive = resolve))
    const slow = [1, 2].map(() => receiver.answer(post({ body: '1', isMeasured: false, arrival })))
    const refused = post({ body: big })
    expect((await receiver.answer(refused)).status).toBe(429)
    expect(refused.isRead).toBe(false)
    arrive()
    expect((await Promise.all(slow)).map(({ status }) => status)).toEqual([200, 200])
    expect((await receiver.answer(post({ body: big }))).status).toBe(200)
  })
})

describe('receiver: a bad disk', () => {
  test('full: 507, and 200 again when there is space', async () => {
    const life = await receiving()
    await life.receiver.answer(post({ body: '1' }))
    life.platform.fs.capacityBytes = 0
    const refused = await life.receiver.answer(post({ body: '2' }))
    expect(refused).toMatchObject({ status: 507, headers: { 'retry-after': '1' } })
    life.platform.fs.capacityBytes = Infinity
    expect((await life.receiver.answer(post({ body: '3' }))).status).toBe(200)
    expect(await take(life)).toEqual([1, 3])
  })

  test('full, with ack received: answered requests are kept and written later; new ones are rejected meanwhile', async () => {
    const life = await receiving({ ack: 'received' })
    const { receiver, platform } = life
    await take(life)
    platform.fs.capacityBytes = 0
    expect((await receiver.answer(post({ body: '1' }))).status).toBe(202)
    await platform.clock.advance(100)
    expect((await receiver.answer(post({ body: '2' }))).status).toBe(507)
    await platform.clock.advance(5_000)
    platform.fs.capacityBytes = Infinity
    await platform.clock.advance(1_000)
    expect((await receiver.answer(post({ body: '3' }))).status).toBe(202)
    await receiver.stop()
    expect(await take(life)).toEqual([1, 3])
    expect(life.warnings).toEqual([])
    expect(platform.clock.pending).toBe(0)
  })

  test('full until the end, with ack received: the loss is reported', async () => {
    const { receiver, platform, warnings } = await receiving({ ack: 'received' })
    platform.fs.capacityBytes = 0
    await receiver.answer(post({ body: '1\n2' }))
    await platform.clock.advance(100)
    await receiver.stop()
    expect(warnings).toEqual([
      expect.stringMatching(/^2 records that were answered as received are lost: FS_FULL/),
    ])
  })

  test('a failed sync: 503 from then on, also for health checks', async () => {
    const { receiver, platform } = await receiving()
    platform.fs.failNext('sync')
    for (let i = 0; i < 2; i++) expect((await receiver.answer(post({ body: '1' }))).status).toBe(503)
    const health = await receiver.answer(post({ method: 'GET', target: '/healthz' }))
    expect(health).toMatchObject({ status: 503, body: { reason: 'the job is failing' } })
  })

  test('stopping: 503, but requests in progress are finished', async () => {
    const life = await receiving()
    let arrive: () => void = () => undefined
    const begun = life.receiver.answer(
      post({ body: '1', arrival: new Promise((resolve) => (arrive = resolve)) }),
    )
    await life.receiver.stop()
    expect((await life.receiver.answer(post({ body: '2' }))).status).toBe(503)
    arrive()
    expect((await begun).status).toBe(200)
    expect(await take(life)).toEqual([1])
  })
})

describe('receiver: the Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'a' }

  test('a repeated request counts once', async () => {
    const life = await receiving()
    const first = await life.receiver.answer(post({ headers, body: '1\n2' }))
    expect(first).toEqual({ status: 200, headers: {}, body: { accepted: 2 } })
    const again = await life.receiver.answer(post({ headers, body: '1\n2' }))
    expect(again).toEqual({ status: 200, headers: { 'idempotency-replayed': 'true' }, body: { accepted: 2 } })
    expect(await take(life)).toEqual([1, 2])
  })

  test.each(['durable', 'received'] as const)('a concurrent repetition counts once, %s', async (ack) => {
    const life = await receiving({ ack })
    const requests = [1, 2, 3].map(() => life.receiver.answer(post({ headers, body: '1' })))
    for (const answer of await Promise.all(requests)) expect(answer.body).toEqual({ accepted: 1 })
    await life.receiver.stop()
    expect(await take(life)).toEqual([1])
  })

  test('a repetition right after a received one counts once', async () => {
    const life = await receiving({ ack: 'received' })
    await life.receiver.answer(post({ headers, body: '1' }))
    await life.receiver.answer(post({ headers, body: '1' }))
    await life.receiver.stop()
    expect(await take(life)).toEqual([1])
  })

  test('another body with the same key is rejected', async () => {
    const life = await receiving()
    const answers = await Promise.all(['1', '2'].map((body) => life.receiver.answer(post({ headers, body }))))
    expect(answers.map(({ status }) => status)).toEqual([200, 422])
    expect((await life.receiver.answer(post({ headers, body: '3' }))).status).toBe(422)
    expect(await take(life)).toEqual([1])
  })

  test('a rejected request may be sent again', async () => {
    const life = await receiving()
    life.platform.fs.capacityBytes = 0
    const send = (): Promise<Answer[]> =>
      Promise.all([1, 2].map(() => life.receiver.answer(post({ headers, body: '1' }))))
    expect((await send()).map(({ status }) => status)).toEqual([507, 507])
    life.platform.fs.capacityBytes = Infinity
    expect((await send()).map(({ status }) => status)).toEqual([200, 200])
    expect(await take(life)).toEqual([1])
  })

  test('only the latest keys are remembered', async () => {
    const life = await receiving()
    for (let i = 0; i <= 100; i++) {
      await life.receiver.answer(post({ headers: { 'idempotency-key': `key-${i}` }, body: String(i) }))
    }
    const again = await life.receiver.answer(post({ headers: { 'idempotency-key': 'key-0' }, body: '0' }))
    expect(again.headers).toEqual({})
    expect(await take(life)).toHaveLength(102)
  })
})
