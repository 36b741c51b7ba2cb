import { expect, test } from 'vitest'
import { rabbitmq } from '../src/index.ts'
import { KnownIds } from '../src/known-ids.ts'

const invalid = expect.objectContaining({ code: 'OPTION_INVALID' })

test('options that make no sense are refused', () => {
  expect(() => rabbitmq.receiveText({ queue: [] })).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: '' })).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: 'a', prefetch: 0 })).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: 'a', prefetch: 65_536 })).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: 'a', rememberIds: 20_000 })).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: 'a', deduplicateBy: 'messageId', rememberIds: 9 })).toThrow(
    invalid,
  )
  expect(() => rabbitmq.receiveText({ queue: 'a', deduplicateBy: 'id' as never })).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: 'a', ifUndecodable: 'drop' as never })).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: 'a', queu: 'b' } as never)).toThrow(invalid)
  expect(() => rabbitmq.receiveText({ queue: 'a', tls: { certificate: 'c' } })).toThrow(invalid)
  expect(() => rabbitmq.writeText({})).toThrow(invalid)
  expect(() => rabbitmq.writeText({ queue: 'a', confirmTimeout: 0 })).toThrow(invalid)
  expect(() => rabbitmq.writeText({ queue: 'a', exchange: 'b' })).toThrow(invalid)
  expect(() => rabbitmq.writeText({ queue: 'a', routingKey: 'b' })).toThrow(invalid)
})

test('a url that is none is refused without being printed', () => {
  for (const url of [
    'http://user:secret-word@host',
    'amqp://user:secret-word@',
    'amqp://a:%zz@secret-word',
    [],
  ]) {
    let refused: unknown
    try {
      rabbitmq.receiveText({ queue: 'a', url })
    } catch (error) {
      refused = error
    }
    expect(refused).toMatchObject({ code: 'OPTION_INVALID' })
    expect(String(refused)).not.toContain('secret-word')
  }
})

test('the newest ids are known, and one that comes again is among the newest', () => {
  const known = new KnownIds(3, ['a', 'b', 'c', 'd'])
  expect(known.list()).toEqual(['b', 'c', 'd'])
  expect(['b', 'e', 'c', 'b'].map((id) => known.note(id))).toEqual([true, false, false, true])
  expect(known.list()).toEqual(['e', 'c', 'b'])
})

test('a sink says that it reconnects by itself, so that retry and breaker of to are refused', () => {
  expect(rabbitmq.writeText({ queue: 'a' }).reconnects).toBe(true)
})
