import { describe, expect, test } from 'vitest'
import { planOf, type HttpServerOptions } from './server-options.ts'

const refused = expect.objectContaining({ code: 'OPTION_INVALID' })

describe('options of the HTTP server', () => {
  test.each(['127.0.0.1', '127.8.0.1', '::1', 'localhost'])('%s needs no token', (host) => {
    expect(planOf({ port: 1, host }).hosts).toContain('localhost')
  })

  test.each(['0.0.0.0', '::', '192.168.1.2', 'events.example', '127.0.0.1.example', ''])(
    'the host "%s" requires a token or allowWithoutToken',
    (host) => {
      expect(() => planOf({ port: 1, host })).toThrow(/a token too/)
      expect(planOf({ port: 1, host, token: 'secret' }).hosts).toBeUndefined()
      expect(planOf({ port: 1, host, allowWithoutToken: true }).token).toBeUndefined()
    },
  )

  test.each<Partial<HttpServerOptions>>([
    { port: -1 },
    { port: 65_536 },
    { port: 1.5 },
    { path: 'events' },
    { path: '/healthz' },
    { path: '/a?b' },
    { ack: 'never' as 'durable' },
    { token: '' },
    { token: 'two words' },
    { bodyBytesMax: 0 },
    { bodyBytesMax: 2_000, inboxBytesMax: 1_000 },
    { retryAfterSeconds: 0.5 },
    { requestTimeout: 0 },
    { closeTimeout: 'soon' },
    { idempotencyKeysMax: -1 },
  ])('rejects %j', (wrong) => {
    expect(() => planOf({ port: 1, ...wrong })).toThrow(refused)
  })

  test('an invalid token is not repeated in the error', () => {
    expect(() => planOf({ port: 1, token: 'my secret' })).toThrow(/^(?!.*secret).*token/)
  })
})
