import { reveal } from '@millrace/core'
import { expect, test } from 'vitest'
import { clusterAddress } from './cluster-address.ts'

test('an address has brokers, and nothing else by default', () => {
  expect(clusterAddress('kafka://a:9092,b:9093')).toEqual({ brokers: 'a:9092,b:9093', tls: false })
})

test('a login is decoded, and its password is a secret', () => {
  const { brokers, tls, sasl } = clusterAddress('kafka://app:p%40ss@a:9092?tls=true&sasl=scram-sha-512')
  expect({ brokers, tls }).toEqual({ brokers: 'a:9092', tls: true })
  expect(sasl).toMatchObject({ mechanism: 'scram-sha-512', username: 'app' })
  expect(JSON.stringify(sasl)).not.toContain('p@ss')
  expect(sasl?.mechanism !== 'oauthbearer' && sasl !== undefined && reveal(sasl.password)).toBe('p@ss')
})

test.each([
  ['localhost:9092', /write it as 'kafka:\/\/HOST:PORT'/],
  ['kafka://app:hunter2@', /write it as/],
  ['kafka://a:9092?tls=yes', /tls is yes; give true or false/],
  ['kafka://a:9092?acks=1', /'acks' is no setting of a cluster/],
  ['kafka://app:hunter2@a:9092?sasl=gssapi', /sasl is gssapi; give one of plain/],
  ['kafka://a:9092?sasl=plain', /without a login/],
])('%s is refused with advice', (address, message) => {
  expect(() => clusterAddress(address)).toThrow(message)
  try {
    clusterAddress(address)
  } catch (error) {
    expect(String(error)).not.toContain('hunter2')
  }
})
