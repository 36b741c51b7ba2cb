import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Channel } from '../src/amqp/channel.ts'
import type { Connection } from '../src/amqp/connection.ts'
import type { Delivered } from '../src/amqp/content.ts'
import type { FrameWriter } from '../src/amqp/frame-writer.ts'
import { methods, writeLimits, writeMethod } from '../src/amqp/methods.ts'
import { FakeBroker, framesOf, writeBody, writeDelivery } from './fake-broker.ts'

const text = (bytes: string): Buffer => Buffer.from(bytes)

interface Reading {
  readonly broker: FakeBroker
  readonly connection: Connection
  readonly channel: Channel
  readonly messages: Delivered[]
}

/** A connection that reads a queue. */
async function reading(): Promise<Reading> {
  const broker = new FakeBroker()
  const connection = await broker.open()
  const channel = await connection.channel()
  const messages: Delivered[] = []
  await channel.consume('q', (message) => message && messages.push(message))
  return { broker, connection, channel, messages }
}

/** Why a connection is lost; undefined while it is not. */
async function lossOf({ lost }: Connection): Promise<string | undefined> {
  return Promise.race([lost.catch((error: unknown) => (error as Error).message), settled()])
}

async function settled(): Promise<undefined> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}

test('messages come whole and in order, wherever the stream of bytes is cut', async () => {
  const contents = ['a', '', 'b'.repeat(300), 'cd']
  const properties = {
    messageId: 'm',
    headers: { __proto__: 'own', list: [1, -2.5, null], 'x-stream-offset': 2 ** 40 },
  }
  const bytes = framesOf((out) => {
    for (const [at, content] of contents.entries()) {
      writeDelivery(out, at + 1, text(content.slice(0, 100)), { properties, size: content.length })
      for (let from = 100; from < content.length; from += 100)
        writeBody(out, text(content.slice(from, from + 100)))
    }
  })
  for (const step of [1, 2, 7, 8, 100, bytes.length]) {
    const { broker, messages } = await reading()
    for (let at = 0; at < bytes.length; at += step) broker.send(bytes.subarray(at, at + step))
    expect(messages.map(({ tag, content }) => [tag, content.toString()])).toEqual(
      contents.map((content, at) => [at + 1, content]),
    )
    expect(messages[0]!.properties).toEqual(properties)
  }
})

test('a header called __proto__ is a header', async () => {
  const { broker, messages } = await reading()
  const headers = JSON.parse('{"__proto__":"x","a":{"__proto__":1}}') as Record<string, string>
  broker.write((out) => writeDelivery(out, 1, text('a'), { properties: { headers } }))
  expect(Object.entries(messages[0]!.properties.headers!)).toEqual(Object.entries(headers))
  expect(Object.getPrototypeOf(messages[0]!.properties.headers)).toBe(Object.prototype)
})

const limits = { channelMax: 0, frameMax: 0, heartbeatSeconds: 0 }

test.each<[string, RegExp, (broker: FakeBroker) => void]>([
  [
    'another protocol',
    /is no broker of AMQP 0\.9\.1, or speaks TLS/,
    (b) => b.send(text('HTTP/1.1 400 Bad Request\r\n')),
  ],
  ['another version', /does not speak AMQP 0\.9\.1/, (b) => b.send(text('AMQP\u0003\u0001\u0000\u0000'))],
  ['a frame for a channel', /there is no channel 7/, (b) => b.method(7, methods.channelOpenOk)],
  [
    'the wrong method',
    /sends tune instead of start/,
    (b) => b.method(0, methods.tune, (out) => writeLimits(out, limits)),
  ],
  ['an unknown method', /sends method 10\.99 instead of start/, (b) => b.method(0, 0x0a_0063)],
  ['a greeting that ends too soon', /ends in the middle of a value/, (b) => b.method(0, methods.start)],
  ['a length that cannot be', /is no broker/, (b) => b.send(Uint8Array.of(1, 0, 0, 255, 255, 255, 255))],
  [
    'a frame without an end',
    /does not end where its length says/,
    (b) => b.send(Uint8Array.of(8, 0, 0, 0, 0, 0, 0, 7)),
  ],
])('a broker that begins with %s fails the connection at once', async (_what, why, attack) => {
  const broker = new FakeBroker()
  broker.unanswered.add(methods.start)
  const opening = broker.open()
  await settled()
  attack(broker)
  await expect(opening).rejects.toThrow(why)
  expect(broker.ended).toBe('destroyed')
})

test.each([methods.start, methods.startOk, methods.open])(
  'a broker that sends a byte now and then, and does not answer %s, fails the connection in time',
  async (unanswered) => {
    const broker = new FakeBroker()
    broker.unanswered.add(unanswered)
    const opening = broker.open()
    opening.catch(() => {})
    await settled()
    const head = [1, 0, 0, 0, 0, 200, 0]
    for (let second = 0; second < 10; second++) {
      broker.send(Uint8Array.of(head[second] ?? 0))
      await broker.clock.advance(1_000)
    }
    await expect(opening).rejects.toThrow(/no connection after 10 s/)
    expect(broker.ended).toBe('destroyed')
  },
)

test('a connection that is no longer wanted is not waited for', async () => {
  const broker = new FakeBroker()
  broker.unanswered.add(methods.startOk)
  const ending = new AbortController()
  const opening = broker.open(ending.signal)
  await settled()
  ending.abort()
  await expect(opening).rejects.toThrow(/no longer wanted/)
  expect(broker.ended).toBe('destroyed')
})

test.each<[string, RegExp, (out: FrameWriter) => void]>([
  [
    'a message twice',
    /delivers message 1 after message 1/,
    (out) => {
      writeDelivery(out, 1, text('a'))
      writeDelivery(out, 1, text('a'))
    },
  ],
  ['a message too late', /delivers message 2 after message 0/, (out) => writeDelivery(out, 2, text('a'))],
  [
    'more bytes than it says',
    /more bytes than it says/,
    (out) => writeDelivery(out, 1, text('ab'), { size: 1 }),
  ],
  [
    'a message that nothing can hold',
    /larger than any/,
    (out) => writeDelivery(out, 1, text('a'), { size: 2 ** 40 }),
  ],
  [
    'bytes without a message',
    /bytes of a message come without a message/,
    (out) => writeBody(out, text('a')),
  ],
  [
    'no bytes of a message',
    /bytes of a message come without a message, or none/,
    (out) => {
      writeDelivery(out, 1, text('a'), { size: 9 })
      writeBody(out, text(''))
    },
  ],
  [
    'a message in a message',
    /in the middle of a message/,
    (out) => {
      writeDelivery(out, 1, text('a'), { size: 9 })
      writeDelivery(out, 2, text('a'))
    },
  ],
  [
    'an answer to nothing',
    /sends qos-ok, which nothing has asked for/,
    (out) => writeMethod(out, 1, methods.qosOk),
  ],
  [
    'a confirm of nothing',
    /confirms message 4294967295, for which nothing waits/,
    (out) =>
      writeMethod(out, 1, methods.ack, () => {
        out.int64(2 ** 32 - 1)
        out.uint8(1)
      }),
  ],
  [
    'a frame of an unknown type',
    /no frames of type 99/,
    (out) => {
      out.begin(99, 1)
      out.end()
    },
  ],
  ['a channel that is not there', /there is no channel 9/, (out) => writeMethod(out, 9, methods.qosOk)],
  [
    'a method of the handshake',
    /sends start, which nothing has asked for/,
    (out) => writeMethod(out, 0, methods.start),
  ],
])('a broker that sends %s loses the connection, and says why', async (_what, why, attack) => {
  const { broker, connection, channel } = await reading()
  const question = channel.checkQueue('q').catch((error: unknown) => (error as Error).message)
  broker.unanswered.add(methods.queueDeclare)
  broker.write(attack)
  expect(await lossOf(connection)).toMatch(why)
  expect(await question).toMatch(why)
  expect((await channel.closed).message).toMatch(why)
  expect(broker.ended).toBe('destroyed')
})

test('a message whose headers cannot be read arrives with what is wrong with it, and those behind it follow', async () => {
  const { broker, messages } = await reading()
  const deep = framesOf((out) => {
    writeDelivery(out, 1, text('a'), { properties: { contentType: 'c', headers: { h: true } } })
    writeDelivery(out, 2, text('b'))
  })
  // The type of the value.
  deep[deep.indexOf('ht') + 1] = 0xff
  broker.send(deep)
  expect(messages.map(({ content }) => String(content))).toEqual(['a', 'b'])
  expect(messages[0]!.problem?.message).toMatch(/a value of the unknown type/)
  expect(messages[0]!.properties).toEqual({ contentType: 'c' })
  expect(messages[1]!.problem).toBeUndefined()
})

test('headers nested without end are refused', async () => {
  const { broker, messages } = await reading()
  let headers: Record<string, never> = {}
  for (let depth = 0; depth < 500; depth++) headers = { a: headers } as never
  broker.write((out) => writeDelivery(out, 1, text('a'), { properties: { headers } }))
  expect(messages[0]!.problem?.message).toMatch(/nested deeper than 64 times/)
})

test('a broker that is silent, does not end a frame, or does not answer counts as lost', async () => {
  const silent = await reading()
  await silent.broker.clock.advance(25_000)
  expect(await lossOf(silent.connection)).toMatch(/was silent for 20 s/)
  const stuck = await reading()
  stuck.broker.send(framesOf((out) => writeDelivery(out, 1, text('a'.repeat(999)))).subarray(0, 500))
  await stuck.broker.beat(15)
  expect(await lossOf(stuck.connection)).toMatch(/a frame of the broker did not end in 10 s/)
  const mute = await reading()
  mute.broker.unanswered.add(methods.queueDeclare)
  const question = mute.channel.checkQueue('tasks').catch((error: unknown) => (error as Error).message)
  await mute.broker.beat(50)
  expect(await lossOf(mute.connection)).toBeUndefined()
  await mute.broker.beat(20)
  expect(await question).toMatch(/has not answered queue-declare of tasks in 60 s/)
})

test('a broker that takes no messages is waited for', async () => {
  const { broker, connection, channel } = await reading()
  const said: (string | undefined)[] = []
  connection.blocked = (reason) => said.push(reason)
  broker.method(0, methods.blocked, (out) => out.shortText('low on memory'))
  broker.unanswered.add(methods.queueDeclare)
  channel.checkQueue('q').catch(() => {})
  await broker.beat(600)
  expect(await lossOf(connection)).toBeUndefined()
  broker.method(0, methods.unblocked)
  expect(said).toEqual(['low on memory', undefined])
})

test('a connection says that it is there while it has nothing to send', async () => {
  const { broker, connection } = await reading()
  await broker.beat(120)
  expect(await lossOf(connection)).toBeUndefined()
  connection.close()
  await settled()
  expect(broker.asked.at(-1)).toBe(methods.close)
  expect(broker.ended).toBe('closed')
})

test('a broker that does not say goodbye is not waited for', async () => {
  const { broker, connection } = await reading()
  broker.unanswered.add(methods.close)
  connection.close()
  await broker.beat(3)
  expect(broker.ended).toBe('destroyed')
})

test('any bytes after any answer end the connection or are waited for, and nothing is thrown', async () => {
  const bytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), fc.constant(Uint8Array.of(0)))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(methods.start, methods.startOk, methods.open, undefined),
      fc.array(bytes, { maxLength: 4 }),
      async (unanswered, parts) => {
        const broker = new FakeBroker()
        if (unanswered !== undefined) broker.unanswered.add(unanswered)
        const opening = broker.open()
        opening.catch(() => {})
        await settled()
        for (const part of parts) broker.send(part)
        await broker.clock.advance(60_000)
        expect(broker.ended).toBe('destroyed')
      },
    ),
  )
})

test('frames that are changed on their way bring no message twice, and none out of its turn', async () => {
  const whole = framesOf((out) => {
    for (let tag = 1; tag <= 8; tag++)
      writeDelivery(out, tag, text(`message ${tag}`), {
        properties: { messageId: `m${tag}`, headers: { a: [tag, 'b'] } },
      })
  })
  const edit = fc.record({
    at: fc.nat(whole.length - 1),
    byte: fc.nat(255),
    kind: fc.constantFrom('change', 'insert', 'remove'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 3 }), async (edits) => {
      let bytes = [...whole]
      for (const { at, byte, kind } of edits) {
        bytes =
          kind === 'change'
            ? bytes.with(Math.min(at, bytes.length - 1), byte)
            : bytes.toSpliced(at, kind === 'remove' ? 1 : 0, ...(kind === 'insert' ? [byte] : []))
      }
      const { broker, messages } = await reading()
      broker.send(Uint8Array.from(bytes))
      expect(messages.map(({ tag }) => tag)).toEqual(messages.map((_, at) => at + 1))
      await broker.clock.advance(60_000)
      expect(broker.ended).toBe('destroyed')
    }),
  )
})

test('a message that is larger than a frame is sent in several, and what cannot be written leaves nothing behind', async () => {
  const broker = new FakeBroker()
  const connection = await broker.open()
  const channel = await connection.confirmChannel()
  const confirmed: boolean[] = []
  const to = { exchange: '', routingKey: 'q' }
  const publish = (content: Uint8Array, properties: object = {}): void =>
    channel.publish(to, content, properties, (isThere) => confirmed.push(isThere))
  expect(() => publish(text('a'), { messageId: 'x'.repeat(300) })).toThrow(RangeError)
  expect(() => publish(text('a'), { headers: { a: { '!': 'nothing' } } })).toThrow(TypeError)
  publish(Buffer.alloc(300_000))
  publish(text('b'))
  publish(text('c'))
  await settled()
  expect(broker.asked.filter((id) => id === methods.publish)).toHaveLength(3)
  const confirm = (id: number, tag: number, isMultiple: boolean): void =>
    broker.method(1, id, (out) => {
      out.int64(tag)
      out.uint8(isMultiple ? 1 : 0)
    })
  confirm(methods.nack, 2, false)
  confirm(methods.ack, 3, true)
  expect(confirmed).toEqual([false, true, true])
  confirm(methods.ack, 2, false)
  expect(await lossOf(connection)).toMatch(/confirms message 2, for which nothing waits/)
})
