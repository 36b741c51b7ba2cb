import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { MillraceError, describeError } from './errors.ts'
import { maskLogins } from './mask-logins.ts'
import { describeValue } from './safe-json.ts'
import { isSecret, Redaction, reveal, secret, type Secret } from './secret.ts'

const text = 'correct-horse-battery'

describe('a secret', () => {
  const hidden = { sasl: { username: 'app', password: secret(text) } }
  const prints: Readonly<Record<string, (value: typeof hidden) => unknown>> = {
    'a template literal': ({ sasl }) => `${sasl.username} ${String(sasl.password)}`,
    concatenation: ({ sasl }) => [sasl.password, ''].join('-'),
    'JSON.stringify': (value) => JSON.stringify(value),
    'util.inspect': (value) => inspect(value, { depth: Infinity, showHidden: true, getters: true }),
    describeValue: (value) => describeValue(value, 10_000),
    'an error message': ({ sasl }) =>
      new MillraceError('OPTION_INVALID', `password ${String(sasl.password)}`).message,
    describeError: ({ sasl }) => describeError(sasl.password),
    'a copy for another thread': ({ sasl }) => inspect(structuredClone(sasl.password)),
    'the names and values of its fields': ({ sasl }) => Object.entries(sasl.password).flat().join(),
  }
  test.each(Object.keys(prints))('is not shown by %s', (name) => {
    const shown = String(prints[name]!(hidden))
    expect(shown).not.toContain(text)
    expect(hidden.sasl.password.reveal()).toBe(text)
  })

  test('composes with texts and other secrets', () => {
    const url = secret`redis://app:${secret('p@ss/word').map(encodeURIComponent)}@${'host'}:6379`
    expect(url.reveal()).toBe('redis://app:p%40ss%2Fword@host:6379')
    expect(String(url)).toBe('***')
  })

  test('is read each time it is revealed, and not before', () => {
    let reads = 0
    const composed = secret`Bearer ${secret('').map(() => `token-${++reads}`)}`
    expect(reads).toBe(0)
    expect([composed.reveal(), composed.reveal()]).toEqual(['Bearer token-1', 'Bearer token-2'])
  })

  test('an option is revealed whether it is a text or a secret', () => {
    expect([reveal('a'), reveal(secret('b'))]).toEqual(['a', 'b'])
    expect([isSecret('a'), isSecret(null), isSecret(secret('b'))]).toEqual([false, false, true])
  })

  test.each([undefined, 7, null])('secret(%j) is an error that names the type', (value) => {
    expect(() => secret(value as never)).toThrow('secret is given')
    const broken = secret('').map(() => value as never)
    expect(() => broken.reveal()).toThrow('instead of text')
  })
})

describe('maskLogins: addresses in messages', () => {
  test.each([
    ['redis://app:word@host:6379/0', 'redis://***@host:6379/0'],
    ['nats://token@a,nats://b', 'nats://***@a,nats://b'],
    ['see (amqp://u:p%40x@h/v) and https://u:p@i/', 'see (amqp://***@h/v) and https://***@i/'],
    ['postgres://u:a@b@host/db', 'postgres://***@host/db'],
    ['HTTP://U:P@h', 'HTTP://***@h'],
    ['https://host/@scope/name?at=a@b', 'https://host/@scope/name?at=a@b'],
    ['mail app@host.example', 'mail app@host.example'],
  ])('%s', (given, masked) => {
    expect(maskLogins(given)).toBe(masked)
  })

  test('errors have none, in message and stack', () => {
    const error = new MillraceError('SOURCE_FAILED', 'no answer of redis://app:word@host')
    expect(
      [error.message, error.stack, describeError(new Error('at amqp://app:word@host'))].join(),
    ).not.toContain('word')
  })
})

test('Redaction: removes secrets, and their parts of four characters or more', () => {
  const given: readonly (string | Secret)[] = [secret('Bearer T0KEN-1'), 'abc', 'sig;T0KEN-2']
  const redaction = new Redaction(given).with(['T0KEN-3'])
  expect(redaction.redact('Bearer T0KEN-1, T0KEN-1, T0KEN-2, T0KEN-3, abc, sig')).toBe(
    '***, ***, ***, ***, abc, sig',
  )
})
