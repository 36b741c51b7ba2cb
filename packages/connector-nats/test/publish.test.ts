import { JetStreamApiError } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'
import { ManualClock } from '@millrace/world'
import { expect, test } from 'vitest'
import type { Link } from '../src/options.ts'
import { publishAll, type NamedMessage } from '../src/publish.ts'
import { FakeServer } from './fake-server.ts'

const messages = ['a', 'b'].map((id): NamedMessage => {
  return { id, message: { subject: 's', data: Buffer.from(id), headers: [] } }
})

function publishing() {
  const server = new FakeServer()
  const clock = new ManualClock()
  const link = { timer: (ms: number, expired: () => void) => clock.schedule(ms, expired) } as unknown as Link
  const outcome: unknown[] = []
  const target = { nc: server as unknown as NatsConnection, stream: 'S', link }
  const done = publishAll(target, messages).then(
    () => outcome.push('written'),
    (error: unknown) => outcome.push(error),
  )
  const replies = server.published.map(({ reply }) => reply!)
  const answer = async (to: number, text: string): Promise<readonly unknown[]> => {
    server.send({ subject: replies[to]!, json: () => JSON.parse(text) as never })
    await clock.advance(0)
    return outcome
  }
  return { server, clock, outcome, done, answer }
}

test('messages are written when each of them was answered; an answer that comes twice counts for no other', async () => {
  const { server, answer } = publishing()
  expect(server.published.map(({ headers }) => [...headers!])).toEqual(
    ['a', 'b'].map((id) => [
      ['Nats-Msg-Id', [id]],
      ['Nats-Expected-Stream', ['S']],
    ]),
  )
  const stored = '{"stream":"S","seq":1}'
  expect(await answer(0, stored)).toEqual([])
  expect(await answer(0, stored)).toEqual([])
  expect(await answer(1, stored)).toEqual(['written'])
  expect(server.isSubscribed).toBe(false)
})

test.each([
  [
    '{"error":{"code":400,"err_code":10060,"description":"expected stream does not match"}}',
    JetStreamApiError,
  ],
  ['{}', /the answer names no stream/],
  ['null', /the answer is not one of JetStream/],
  ['hello', /the answer is not one of JetStream/],
])('an answer that does not say that a message was stored fails it: %s', async (text, why) => {
  const { answer } = publishing()
  const [problem] = await answer(1, text)
  expect(() => {
    throw problem
  }).toThrow(why)
})

test('messages that are not answered in 30 seconds, or whose connection is closed, are not written', async () => {
  const late = publishing()
  await late.answer(0, '{"stream":"S","seq":1}')
  await late.clock.advance(30_000)
  expect(late.outcome).toEqual([new Error('1 messages were not answered in 30000 ms')])

  const cut = publishing()
  cut.server.close()
  await cut.done
  expect(cut.outcome).toEqual([new Error('the connection is closed')])
})
