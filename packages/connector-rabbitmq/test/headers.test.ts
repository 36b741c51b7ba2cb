import type { Batch } from '@millrace/core/connector'
import type { RecordHeaders } from '@millrace/core'
import { expect, test } from 'vitest'
import { carriedHeaders, type RabbitHeaders } from '../src/headers.ts'
import { messagesOf, type OutgoingMessage } from '../src/outgoing.ts'

const carried = (headers: RabbitHeaders | undefined): RecordHeaders | undefined =>
  carriedHeaders({ properties: headers === undefined ? {} : { headers } })

/** What a sink sends of records with headers, and why it rejects some. */
function sent(headers: readonly (RecordHeaders | undefined)[], make?: (carried: RecordHeaders) => object) {
  const times = new Float64Array(headers.length)
  const batch: Batch<string> = {
    length: headers.length,
    values: headers.map(() => 'v'),
    times,
    watermarks: times,
    origin: undefined,
    originIndex: undefined,
    headers,
  }
  const rejected: unknown[] = []
  const messageOf = (value: string, given: RecordHeaders): OutgoingMessage => ({
    data: value,
    ...make?.(given),
  })
  const options = { exchange: '', routingKey: 'q', isPersistent: true, confirmMs: 1, messageOf }
  const messages = messagesOf(
    batch,
    (_index, error) => rejected.push(error),
    options,
    () => 'id',
  )
  return { headers: messages.map(({ properties }) => properties.headers as unknown), rejected }
}

test('a record has the headers of its message: text and bytes as they are, numbers and booleans as text', () => {
  const bytes = Buffer.from([255, 0])
  const headers = carried({ traceparent: '00-1', empty: '', bytes, count: 3, part: 0.5, isNew: true })!
  expect(headers).toEqual({
    traceparent: '00-1',
    empty: '',
    bytes: Uint8Array.of(255, 0),
    count: '3',
    part: '0.5',
    isNew: 'true',
  })
  bytes[0] = 0
  expect(headers['bytes']).toEqual(Uint8Array.of(255, 0))
})

test('times, lists, tables and null have no counterpart, so a record does not have them', () => {
  const time = { '!': 'timestamp', value: 1_700_000_000 }
  expect(carried({ time, list: [1], table: { a: 'b' }, nothing: null })).toBeUndefined()
  expect(carried(undefined)).toBeUndefined()
})

const brokerOwn = {
  'x-death': 'a',
  'x-first-death-queue': 'a',
  'x-last-death-reason': 'a',
  'x-delivery-count': '2',
  'x-stream-offset': '7',
  'x-delay': '1000',
  'x-received-from': 'a',
  'x-shovelled-by': 'a',
  'x-opt-enqueue-ttl': '1',
  CC: 'other-queue',
  BCC: 'other-queue',
}

test('what a broker says of a message, or reads as where it goes, is carried by no source and written by no sink', () => {
  expect(carried({ ...brokerOwn, 'x-request-id': 'r' })).toEqual({ 'x-request-id': 'r' })
  expect(sent([brokerOwn, { ...brokerOwn, trace: 't' }]).headers).toEqual([{}, { trace: 't' }])
})

test('a message has the headers of its record, unless it is given its own', () => {
  const bytes = Uint8Array.of(1, 255)
  const headers = [undefined, { trace: 't', bytes }]
  expect(sent(headers).headers).toEqual([undefined, { trace: 't', bytes: bytes }])
  const added = sent(headers, (given) => ({ headers: { ...given, n: 1 } }))
  expect(added.headers).toEqual([{ n: 1 }, { trace: 't', bytes: bytes, n: 1 }])
  expect(sent(headers, () => ({ headers: {} })).headers).toEqual([{}, {}])
  expect(sent(headers, () => ({ headers: { CC: ['q'] } })).headers).toEqual([{ CC: ['q'] }, { CC: ['q'] }])
})

test('a record whose headers are too large for a message is rejected, and the others are sent', () => {
  const { headers, rejected } = sent([{ trace: 't'.repeat(70_000) }, { trace: 't' }])
  expect(headers).toEqual([{ trace: 't' }])
  expect(rejected).toEqual([expect.objectContaining({ code: 'CODEC_FAILED' })])
})
