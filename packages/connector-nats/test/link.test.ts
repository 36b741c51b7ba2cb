import { Redaction } from '@millrace/core'
import { ManualClock } from '@millrace/world'
import { errors, type NatsConnection } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { Connector } from '../src/link.ts'

/** Connections that open unless there is a failure. */
class Server {
  failure: Error | undefined
  opened = 0
  readonly server = 'one:4222'
  readonly redaction = new Redaction([])

  open(): Promise<NatsConnection> {
    if (this.failure !== undefined) return Promise.reject(this.failure)
    this.opened++
    let isClosed = false
    const close = (): Promise<void> => {
      isClosed = true
      return Promise.resolve()
    }
    return Promise.resolve({ isClosed: () => isClosed, close } as unknown as NatsConnection)
  }
}

function world() {
  const warnings: string[] = []
  const stop = new AbortController()
  const clock = new ManualClock()
  return {
    clock,
    warnings,
    stop,
    signal: stop.signal,
    down: (reason: unknown) => void warnings.push(String(reason)),
    trying: () => void warnings.push('trying'),
    up: () => void (warnings.length > 0 && warnings.push('up')),
  }
}

const refused = new errors.ConnectionError('connection refused')

test('a server that cannot be reached ends the start at once', async () => {
  const server = new Server()
  server.failure = refused
  const starting = new Connector(server).link('sink out', world())
  await expect(starting).rejects.toMatchObject({
    code: 'OPTION_INVALID',
    isFinal: true,
    message: expect.stringContaining('sink out: no connection to NATS on one:4222: connection refused'),
  })
})

test('a later outage: the link tries again with growing pauses, and reports it and its end', async () => {
  const server = new Server()
  const { clock, warnings, ...rest } = world()
  const link = await new Connector(server).link('sink out', { clock, ...rest })
  let tries = 0
  const working = link.repeat(() => {
    tries++
    if (tries > 1) return Promise.resolve('done')
    server.failure = refused
    return Promise.reject(refused)
  })
  await clock.advance(60_000)
  const reason = 'no connection to NATS on one:4222: connection refused'
  // The first pause comes before the outage is sure.
  expect(warnings.slice(0, 5)).toEqual(['trying', reason, 'trying', reason, 'trying'])
  expect(new Set(warnings)).toEqual(new Set(['trying', reason]))
  server.failure = undefined
  await clock.advance(5_000)
  expect(await working).toBe('done')
  expect(warnings.at(-1)).toBe('up')
  expect(server.opened).toBe(2)
})

test('a failure that the next try repairs is no outage, and has a new connection', async () => {
  const server = new Server()
  const { clock, warnings, ...rest } = world()
  const link = await new Connector(server).link('source in', { clock, ...rest })
  const connections = new Set<NatsConnection>()
  const working = link.repeat((nc) => {
    connections.add(nc)
    return connections.size > 1 ? Promise.resolve() : Promise.reject(new Error('the consumer is gone'))
  })
  await clock.advance(1_000)
  await working
  expect(warnings).toEqual(['trying', 'up'])
})

test('what stays is not tried again, and a job that stops waits for nothing', async () => {
  const server = new Server()
  const { clock, stop, ...rest } = world()
  const link = await new Connector(server).link('source in', { clock, ...rest })
  const forbidden = new errors.AuthorizationError('Authorization Violation')
  await expect(link.repeat(() => Promise.reject(forbidden))).rejects.toBe(forbidden)
  const waiting = link.repeat(() => Promise.reject(refused))
  await clock.advance(1)
  stop.abort()
  await expect(waiting).rejects.toThrow()
})
