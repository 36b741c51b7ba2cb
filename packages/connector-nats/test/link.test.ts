import { ManualClock } from '@millrace/world'
import { errors, type NatsConnection } from '@nats-io/transport-node'
import { expect, test } from 'vitest'
import { Connector } from '../src/link.ts'

/** Connections that open unless there is a failure. */
class Server {
  failure: Error | undefined
  opened = 0
  readonly server = 'one:4222'

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
    warn: (message: string) => void warnings.push(message),
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

test('a later outage is waited for with growing pauses, and said once when it begins and once when it is over', async () => {
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
  expect(warnings).toEqual([
    'sink out has lost its connection to NATS on one:4222, and waits until the server is back: connection refused',
  ])
  server.failure = undefined
  await clock.advance(5_000)
  expect(await working).toBe('done')
  expect(warnings[1]).toMatch(/^sink out is connected to NATS on one:4222 again, after \d+ s$/)
  expect(server.opened).toBe(2)
})

test('a failure that the next try repairs is not worth a warning, and has a new connection', async () => {
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
  expect(warnings).toEqual([])
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
