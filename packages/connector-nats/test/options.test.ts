import { expect, test } from 'vitest'
import { nats } from '../src/index.ts'
import { fits, isPattern, isSubject } from '../src/subject.ts'

const invalid = expect.objectContaining({ code: 'OPTION_INVALID' })

test('options that make no sense are refused', () => {
  expect(() => nats.readText({ stream: [] })).toThrow(invalid)
  expect(() => nats.readText({ stream: 'two words' })).toThrow(invalid)
  expect(() => nats.readText({ stream: 'A', subjects: 'a..b' })).toThrow(invalid)
  expect(() => nats.readText({ stream: 'A', from: 'yesterday' as never })).toThrow(invalid)
  expect(() => nats.readText({ stream: 'A', from: { sequence: 0 } })).toThrow(invalid)
  expect(() => nats.readText({ stream: 'A', from: { time: Number.NaN } })).toThrow(invalid)
  expect(() => nats.readText({ stream: 'A', ifTrimmed: 'ignore' as never })).toThrow(invalid)
  expect(() => nats.readText({ stream: 'A', streem: 'B' } as never)).toThrow(invalid)
  expect(() => nats.receiveText({ subject: [] })).toThrow(invalid)
  expect(() => nats.receiveText({ subject: 'a', waitingMax: 0 })).toThrow(invalid)
  expect(() => nats.readKeys({ bucket: 'two words' })).toThrow(invalid)
  expect(() => nats.readKeys({ bucket: 'A', keys: 'a..b' })).toThrow(invalid)
  expect(() => nats.readKeys({ bucket: 'A', stream: 'B' } as never)).toThrow(invalid)
  expect(() => nats.loadKeys({ bucket: '' })).toThrow(invalid)
  expect(() => nats.writeText({ stream: 'A', subject: 'a.*' })).toThrow(invalid)
  expect(() => nats.writeText({ stream: 'A', messageId: String })).toThrow(invalid)
  expect(() => nats.writeText({ stream: 'A', guarantee: 'maybe' as never })).toThrow(invalid)
  expect(() => nats.writeText({ stream: 'A', tls: { certificate: 'c' } })).toThrow(invalid)
})

test('a url that is none is refused without being printed', () => {
  const refused = (url: string): unknown => {
    try {
      nats.readText({ stream: 'A', url })
      return undefined
    } catch (error) {
      return error
    }
  }
  for (const url of [
    'http://user:secret-word@host',
    'nats://user:secret-word@',
    'nats://a:secret-word@h:x',
  ]) {
    expect(refused(url)).toMatchObject({ code: 'OPTION_INVALID' })
    expect(String(refused(url))).not.toContain('secret-word')
  }
  expect(refused('nats://user:secret-word@one:4222,two')).toBeUndefined()
})

test('a subject fits patterns word by word', () => {
  expect(isSubject('a.b')).toBe(true)
  for (const none of ['', 'a.', 'a b', 'a.*', '>', undefined]) expect(isSubject(none)).toBe(false)
  for (const pattern of ['a.*.c', '>', 'a.>', '*']) expect(isPattern(pattern)).toBe(true)
  for (const none of ['', 'a.>.b', 'a..b', 'a*']) expect(isPattern(none)).toBe(false)
  expect(fits('a.b.c', 'a.*.c')).toBe(true)
  expect(fits('a.b.c', 'a.>')).toBe(true)
  expect(fits('a', 'a.>')).toBe(false)
  expect(fits('a.b', 'a.b.c')).toBe(false)
  expect(fits('a.b.c', 'a.b')).toBe(false)
  expect(fits('a.b', 'a.*')).toBe(true)
})

test('a sink says that it reconnects by itself, so that retry and breaker of to are refused', () => {
  expect(nats.writeText({ stream: 'A' }).reconnects).toBe(true)
  expect(nats.writeText({ stream: 'A', guarantee: 'at-least-once' }).reconnects).toBe(true)
})
