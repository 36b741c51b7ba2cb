import { ManualClock } from '@millrace/world'
import { expect, test } from 'vitest'
import type { Confirmed } from '../src/amqp/confirms.ts'
import type { Connection } from '../src/amqp/connection.ts'
import type { Link } from '../src/options.ts'
import type { ReadyMessage } from '../src/outgoing.ts'
import { Publisher } from '../src/publisher.ts'

/** A connection whose broker confirms what the test confirms. */
class Broker {
  isBlocked = false
  readonly published: { readonly text: string; readonly confirm: () => void }[] = []

  confirmChannel(): Promise<unknown> {
    const publish = (_to: object, data: Uint8Array, _properties: object, confirmed: Confirmed): void =>
      void this.published.push({ text: String(data), confirm: () => confirmed(true) })
    return Promise.resolve({ publish, isOpen: true, closed: new Promise(() => {}) })
  }

  confirmAll(): void {
    for (const { confirm } of this.published) confirm()
  }
}

const messages = ['a', 'b', 'c'].map((text, index): ReadyMessage => {
  return { index, exchange: '', routingKey: 'q', data: Buffer.from(text), properties: { messageId: text } }
})

/** Publishes through brokers, one after the other as connections fail. */
function publishing(brokers: readonly Broker[]) {
  const clock = new ManualClock()
  const failures: string[] = []
  const link = {
    timer: (ms: number, expired: () => void) => clock.schedule(ms, expired),
    async repeat<R>(action: (connection: Connection) => Promise<R>): Promise<R> {
      for (const broker of brokers) {
        try {
          return await action(broker as unknown as Connection)
        } catch (error) {
          failures.push((error as Error).message)
        }
      }
      throw new Error('no broker is left')
    },
  } as unknown as Link
  let isDone = false
  const done = new Publisher(link, 1_000).publish(messages, () => {}).then(() => (isDone = true))
  return { clock, failures, done, isDone: () => isDone }
}

test('a broker that confirms nothing in time gets the messages again over another connection', async () => {
  const [silent, sound] = [new Broker(), new Broker()]
  const { clock, failures, done } = publishing([silent, sound])
  await clock.advance(1_000)
  expect(failures).toEqual(['the broker has not confirmed 3 messages within 1000 ms (confirmTimeout)'])
  sound.confirmAll()
  await done
  expect(sound.published.map(({ text }) => text)).toEqual(['a', 'b', 'c'])
})

test('a broker that confirms slowly, or has blocked the connection, is waited for', async () => {
  const slow = new Broker()
  const { clock, failures, done, isDone } = publishing([slow])
  for (const at of [0, 1]) {
    await clock.advance(900)
    slow.published[at]!.confirm()
  }
  slow.isBlocked = true
  await clock.advance(60_000)
  expect([failures, isDone()]).toEqual([[], false])
  slow.published[2]!.confirm()
  await done
  expect(slow.published).toHaveLength(3)
})
