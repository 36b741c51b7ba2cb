import { headers, type NatsConnection } from '@nats-io/transport-node'
import { ManualClock } from '@millrace/world'
import { expect, test } from 'vitest'
import type { Link } from '../src/options.ts'
import { Pull } from '../src/pull.ts'
import { FakeServer } from './fake-server.ts'

function pulling(count: number) {
  const server = new FakeServer()
  const clock = new ManualClock()
  const link = { timer: (ms: number, expired: () => void) => clock.schedule(ms, expired) } as unknown as Link
  const pull = new Pull(server as unknown as NatsConnection, link, 'S', 'c')
  const taken: unknown[] = []
  const ask = async (): Promise<void> => {
    for await (const batch of pull.batches(count)) taken.push(batch.map(({ subject }) => subject))
    taken.push('end')
  }
  const fails = (error: unknown): unknown => taken.push(error)
  void ask().catch(fails)
  const send = async (...subjects: readonly string[]): Promise<readonly unknown[]> => {
    for (const subject of subjects) server.send({ subject, reply: '$JS.ACK' })
    await clock.advance(0)
    return taken
  }
  const status = async (request: number, code: number, description: string): Promise<readonly unknown[]> => {
    const subject = server.published[request]!.reply!
    server.send({ subject, headers: headers(code, description) })
    await clock.advance(0)
    return taken
  }
  return { server, clock, pull, taken, send, status, again: () => void ask().catch(fails) }
}

test('messages that come together are a batch, and a request ends with the last one that it asks for', async () => {
  const { server, send } = pulling(3)
  expect(server.published).toMatchObject([
    { subject: '$JS.API.CONSUMER.MSG.NEXT.S.c', data: '{"batch":3,"expires":1000000000}' },
  ])
  expect(await send('a', 'b')).toEqual([['a', 'b']])
  expect(await send('c')).toEqual([['a', 'b'], ['c'], 'end'])
})

test('a request ends when the server has no more messages; what it says of an earlier request means nothing', async () => {
  const { send, status, taken, again } = pulling(3)
  await send('a')
  expect(await status(0, 408, 'Request Timeout')).toEqual([['a'], 'end'])
  again()
  expect(await status(0, 409, 'Consumer Deleted')).toEqual([['a'], 'end'])
  expect(await status(1, 100, 'Idle Heartbeat')).toEqual([['a'], 'end'])
  await send('b')
  expect(await status(1, 404, 'No Messages')).toEqual([['a'], 'end', ['b'], 'end'])
  expect(taken).toHaveLength(4)
})

test('a request fails when the server refuses it, or is silent for three seconds', async () => {
  const refused = pulling(3)
  await refused.send('a')
  const problem = new Error('the consumer gives no messages: 409 Consumer Deleted')
  expect(await refused.status(0, 409, 'Consumer Deleted')).toEqual([['a'], problem])

  const silent = pulling(3)
  await silent.clock.advance(1_000)
  await silent.send('a')
  await silent.clock.advance(2_999)
  await silent.clock.advance(2_000)
  expect(silent.taken).toEqual([['a'], new Error('the server does not answer')])
})

test('a request that waits ends when it is stopped, and fails when the connection is closed', async () => {
  const stopped = pulling(3)
  stopped.pull.stop()
  expect(await stopped.send()).toEqual(['end'])

  const cut = pulling(3)
  cut.server.close()
  expect(await cut.send()).toEqual([new Error('the connection is closed')])
})
