import { expect, test } from 'vitest'
import { originOf, placeOf } from '../src/place.ts'

test.each([
  '$JS.ACK.ORDERS.consumer.1.123456.17.1764475200123999999.0',
  '$JS.ACK._.hash.ORDERS.consumer.1.123456.17.1764475200123999999.0',
  '$JS.ACK.7.8.ORDERS.consumer.1.123456.17.1764475200123999999.0.random',
])('a message says its place, stream and time in the subject of its acknowledgement: %s', (reply) => {
  expect(placeOf({ reply })).toEqual({ sequence: 123_456, delivered: 17, pending: 0 })
  expect(originOf({ reply })).toEqual({ stream: 'ORDERS', timestamp: 1_764_475_200_123 })
})

test.each([
  undefined,
  'orders',
  '$JS.ACK.ORDERS.consumer.1.123456.17.1764475200123456789',
  '$JS.ACK.ORDERS.consumer.1.12x.17.1764475200123456789.0',
  '$JS.ACK.ORDERS.consumer.1.12.x.1764475200123456789.0',
  '$JS.NAK.ORDERS.consumer.1.123456.17.1764475200123456789.0',
  '$JS.ACK._.ORDERS.consumer.1.123456.17.1764475200123456789.0',
])('a subject that names no place is refused: %s', (reply) => {
  expect(() => placeOf(reply === undefined ? {} : { reply })).toThrow(
    /is not how a stream asks for an acknowledgement/,
  )
})
