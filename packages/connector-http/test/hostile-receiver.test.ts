import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { sendPlanOf, type SendOptions } from '../src/send/send-options.ts'
import { SendSink } from '../src/send/send-sink.ts'
import { memoryContext, memoryDoor, settle, type MemoryAnswer } from './memory-web.ts'
import { textOf, writing, type SentRecord } from './sending.ts'

const ok: MemoryAnswer = { status: 204 }

describe('a hostile receiver', () => {
  async function* endless(): AsyncIterable<Uint8Array> {
    for (;;) {
      await settle()
      yield new Uint8Array(1_000)
    }
  }

  test.each([
    ['an endless answer', () => ({ status: 400, body: endless() })],
    [
      'a compressed bomb',
      () => ({
        status: 400,
        headers: { 'content-encoding': 'gzip' },
        body: gzipSync(Buffer.alloc(50_000_000)),
      }),
    ],
    [
      'bytes that are no text',
      () => ({ status: 400, body: Uint8Array.of(0xff, 0xfe, 0x1b, 0x5b, 0x32, 0x4a) }),
    ],
  ] satisfies [string, () => MemoryAnswer][])('%s is a refusal like any other', async (_name, answer) => {
    const { rejected, write } = await writing(answer)
    await write([{ id: 1 }])
    expect(rejected).toHaveLength(1)
    expect((rejected[0]![1] as Error).message).toMatch(/^https:\/\/hooks\.example has answered 400/)
    expect((rejected[0]![1] as Error).message).not.toContain('\u001B')
  })

  test.each([301, 302, 303, 307, 308])(
    'a redirect (%i) to another origin is not followed',
    async (status) => {
      const { requests, rejected, write } = await writing(({ url: { host } }) =>
        host === 'thief.example'
          ? ok
          : { status, headers: { location: 'https://thief.example/collect?for=you' } },
      )
      await write([{ id: 1 }])
      expect(requests.map(({ url: { host } }) => host)).toEqual(['hooks.example'])
      expect((rejected[0]![1] as Error).message).toContain(
        'a redirect to https://thief.example, which is not followed',
      )
    },
  )

  test('a redirect that keeps the method is followed within the origin', async () => {
    const { requests, write } = await writing(({ url: { pathname } }) =>
      pathname === '/new' ? ok : { status: 308, headers: { location: '/new' } },
    )
    await write([{ id: 1 }])
    expect(requests.map(({ url: { pathname } }) => pathname)).toEqual([
      '/services/T0KEN-0F-A-WEBHOOK',
      '/new',
    ])
    expect(textOf(requests[1]!)).toBe('{"id":1}')
  })
})

test('no secret is printed: neither of the url, nor of header fields, nor what the receiver repeats', async () => {
  const secrets = ['hunter2-password', 'T0KEN-0F-A-WEBHOOK', 'sig-5f3a9', 'bearer-0001']
  const options: SendOptions<SentRecord> = {
    url: `https://robot:hunter2-password@hooks.example/services/T0KEN-0F-A-WEBHOOK?sig=sig-5f3a9`,
    headers: { authorization: 'Bearer bearer-0001' },
  }
  const texts: string[] = []
  for (const status of [400, 401, 503, 0]) {
    const { clock, rejected, warnings, write } = await writing(
      (request) => {
        const echo = `${request.url.href} ${JSON.stringify(request.headers)} ${secrets.join(' ')}`
        return status === 0 ? new Error(`connect failed: ${echo}`) : { status, body: echo }
      },
      { ...options, retry: { attempts: 3 } },
    )
    const done = Promise.resolve(write([{ id: 1 }])).catch((error: unknown) => rejected.push([-1, error]))
    await clock.advance(60_000)
    await done
    expect(rejected).toHaveLength(1)
    texts.push(
      ...warnings,
      ...rejected.map(([, error]) => `${(error as Error).stack} ${JSON.stringify(error)}`),
    )
  }
  const sink = new SendSink(
    sendPlanOf(options),
    memoryDoor(({ url: { href } }) => new Error(`no way to ${href}`)),
  )
  await sink.check([], memoryContext().context).catch((error: unknown) => texts.push(String(error)))
  expect(texts.length).toBeGreaterThan(6)
  for (const secret of secrets) expect(texts.join('\n')).not.toContain(secret)
})
