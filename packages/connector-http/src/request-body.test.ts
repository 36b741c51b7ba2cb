import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { post } from '../test/fake-request.ts'
import { take } from '../test/inbox-life.ts'
import { errorOf, receiving, typed } from '../test/receiving.ts'

const json = typed('application/json')

describe('records in a body', () => {
  test.each([
    ['lines', {}, '{"a":1}\n{"a":2}\n', [{ a: 1 }, { a: 2 }]],
    ['a last line without its end', {}, '1\n2', [1, 2]],
    ['Windows lines and blank ones', {}, '\r\n1\r\n \n\t2\r\n', [1, 2]],
    ['one value', json, ' {"a":[1,2]} ', [{ a: [1, 2] }]],
    ['an array', json, '[1, {"a":[2,"]"]} ,"x,\\"y\\\\", [3,[4]]]', [1, { a: [2, ']'] }, 'x,"y\\', [3, [4]]]],
    ['an empty array', json, '[ ]', []],
    ['no lines', {}, '', []],
    ['lines after a byte order mark', {}, '\uFEFF{"a":1}\n2', [{ a: 1 }, 2]],
    ['a value after a byte order mark', json, '\uFEFF{"a":1}', [{ a: 1 }]],
    ['a type that is JSON', typed('application/vnd.acme.order+json'), '{"a":1}', [{ a: 1 }]],
    ['a type in capitals', typed('Application/LD+JSON ; profile="a"'), '[1,2]', [1, 2]],
    ['one CloudEvent', typed('application/cloudevents+json'), '{"id":"1"}', [{ id: '1' }]],
    [
      'several CloudEvents',
      typed('application/cloudevents-batch+json; charset=utf-8'),
      '[{"id":"1"}, {"id":"2"}]',
      [{ id: '1' }, { id: '2' }],
    ],
    ['no CloudEvent', typed('application/cloudevents-batch+json'), '[]', []],
    ['UTF-8 by another name', typed('application/json; charset="UTF8"'), '"ü"', ['ü']],
    ['latin1', typed('application/json; charset=iso-8859-1'), Buffer.from('"ü"', 'latin1'), ['ü']],
    [
      'UTF-16',
      typed('application/x-ndjson; charset=utf-16'),
      Buffer.from('\uFEFF"ü"\n2\n', 'utf16le'),
      ['ü', 2],
    ],
  ])('%s', async (_name, headers, body, expected) => {
    const life = await receiving()
    const answer = await life.receiver.answer(post({ headers, body }))
    expect(answer).toMatchObject({ status: 200, body: { accepted: expected.length } })
    expect(await take(life)).toEqual(expected)
  })

  test.each([
    ['a bad line', {}, '1\n\n{"a":\n4\nx', 3, /line 3: not JSON/],
    ['a line that is not UTF-8', {}, Uint8Array.of(0x31, 0x0a, 0x22, 0xff, 0x22), 2, /line 2: .*UTF-8/],
    ['a line nested too deeply', {}, `1\n${'['.repeat(600)}${']'.repeat(600)}`, 2, /line 2: .*512 levels/],
    ['bad JSON', json, '[1,2', undefined, /not JSON/],
    ['no JSON', json, '', undefined, /not JSON/],
    ['two values', json, '1 2', undefined, /not JSON/],
    [
      'CloudEvents that are sent as one',
      typed('application/cloudevents+json'),
      '[{}]',
      undefined,
      /one event, an object/,
    ],
    [
      'a CloudEvent that is none',
      typed('application/cloudevents+json'),
      '1',
      undefined,
      /one event, an object/,
    ],
    [
      'one CloudEvent sent as several',
      typed('application/cloudevents-batch+json'),
      '{}',
      undefined,
      /array of events/,
    ],
    [
      'a number among CloudEvents',
      typed('application/cloudevents-batch+json'),
      '[{},1]',
      undefined,
      /array of events/,
    ],
    ['an odd byte in UTF-16', typed('application/json; charset=utf-16le'), '"a"', undefined, /not utf-16le/],
    ['JSON nested too deeply', json, '['.repeat(100_000), undefined, /512 levels/],
  ])('%s rejects the whole request', async (_name, headers, body, line, reason) => {
    const life = await receiving()
    const answer = await life.receiver.answer(post({ headers, body }))
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatch(reason)
    expect((answer.body as { line?: number }).line).toBe(line)
    expect(await take(life)).toEqual([])
  })

  test('__proto__ is an ordinary field name', async () => {
    const life = await receiving()
    await life.receiver.answer(post({ body: '{"__proto__":{"isAdmin":true},"constructor":1}' }))
    const [record] = (await take(life)) as [Record<string, unknown>]
    expect(Object.keys(record)).toEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined()
  })
})

describe('a compressed body', () => {
  const body = Buffer.from('{"a":1}\n"ü"\n')

  test.each([
    ['gzip', gzipSync(body)],
    ['x-gzip', gzipSync(body)],
    ['GZIP', Buffer.concat([gzipSync(body.subarray(0, 9)), gzipSync(body.subarray(9))])],
    ['deflate', deflateSync(body)],
    ['br', brotliCompressSync(body)],
    ['identity', body],
  ])('is inflated: %s', async (coding, sent) => {
    const life = await receiving()
    const answer = await life.receiver.answer(post({ headers: { 'content-encoding': coding }, body: sent }))
    expect(answer).toMatchObject({ status: 200, body: { accepted: 2 } })
    expect(await take(life)).toEqual([{ a: 1 }, 'ü'])
  })

  test.each([
    ['damaged', 'gzip', Buffer.from(gzipSync(body)).fill(0x55, 12, 14)],
    ['cut', 'gzip', gzipSync(body).subarray(0, 20)],
    ['not compressed', 'gzip', body],
    ['compressed otherwise', 'br', gzipSync(body)],
    ['empty', 'gzip', new Uint8Array(0)],
  ])('that is %s is rejected as a whole', async (_name, coding, sent) => {
    const life = await receiving()
    const answer = await life.receiver.answer(post({ headers: { 'content-encoding': coding }, body: sent }))
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatch(new RegExp(`^the body is not ${coding}, as its Content-Encoding says: .`))
    expect(await take(life)).toEqual([])
  })

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('that inflates past the limit is rejected: %s', async (coding, compress) => {
    const life = await receiving({ bodyBytesMax: 100_000 })
    const headers = { 'content-encoding': coding }
    const bomb = compress(Buffer.alloc(10_000_000, ' '))
    expect(bomb.length).toBeLessThan(100_000)
    expect((await life.receiver.answer(post({ headers, body: bomb }))).status).toBe(413)
    const full = compress(Buffer.alloc(100_000, ' '))
    expect((await life.receiver.answer(post({ headers, body: full }))).status).toBe(200)
  })

  test('counts with its maximum inflated size while it arrives', async () => {
    const { receiver } = await receiving({ bodyBytesMax: 2_000, inboxBytesMax: 3_000 })
    let arrive: () => void = () => undefined
    const arrival = new Promise<void>((resolve) => (arrive = resolve))
    const headers = { 'content-encoding': 'gzip' }
    const slow = receiver.answer(post({ headers, body: gzipSync('1'), arrival }))
    expect((await receiver.answer(post({ headers, body: gzipSync('2') }))).status).toBe(429)
    arrive()
    expect((await slow).status).toBe(200)
  })
})
