import { describe, expect, test } from 'vitest'
import { parseLine } from './auth-log.ts'

const failed = 'Failed password for root from 203.0.113.5 port 22 ssh2'
const start = Date.UTC(2016, 11, 10, 6, 55, 46)

describe('parsing a line of the log', () => {
  test('returns a failed attempt', () => {
    expect(parseLine(`Dec 10 06:55:46 host sshd[1]: ${failed}`, 2016)).toEqual([
      { at: start, address: '203.0.113.5', user: 'root', isAccepted: false, times: 1 },
    ])
  })

  test('returns the number of repeated failures', () => {
    const line = `Dec 10 06:55:46 host sshd[1]: message repeated 5 times: [ ${failed}]`
    expect(parseLine(line, 2016)).toMatchObject([{ address: '203.0.113.5', times: 5 }])
  })

  test('returns a login by any method', () => {
    const line =
      'Dec  1 06:55:46 host sshd-session[1]: Accepted publickey for a from 2001:db8::1 port 2 ssh2: RSA SHA256:x'
    expect(parseLine(line, 2016)).toMatchObject([{ address: '2001:db8::1', user: 'a', isAccepted: true }])
  })

  test('accepts an ISO date', () => {
    const line = `2016-12-10T07:55:46.250000+01:00 host sshd[1]: ${failed}`
    expect(parseLine(line, 1999)).toMatchObject([{ at: start + 250 }])
  })

  test.each([
    'x from 10.9.9.9 port 22 ssh2',
    'from 10.9.9.9 port 22',
    '',
    ' 0101',
    'Failed password for root from 10.9.9.9 port 22 ssh2',
  ])('is not misled by the user name %j', (user) => {
    const line = `Dec 10 06:55:46 host sshd[1]: Failed password for invalid user ${user} from 203.0.113.5 port 7 ssh2`
    expect(parseLine(line, 2016)).toMatchObject([{ address: '203.0.113.5', user }])
  })

  test.each([
    '',
    'Dec 10 06:55:46 host sshd[1]: Invalid user Failed password for root from 10.9.9.9 port 22 ssh2 from 203.0.113.5',
    'Dec 10 06:55:46 host sshd[1]: Failed none for invalid user a from 203.0.113.5 port 22 ssh2',
    'Dec 10 06:55:46 host sshd[1]: Failed publickey for a from 203.0.113.5 port 22 ssh2: RSA SHA256:x',
    `Dec 10 06:55:46 host other[1]: ${failed}`,
  ])('returns nothing for an unrelated line: %j', (line) => {
    expect(parseLine(line, 2016)).toEqual([])
  })

  test.each([
    [`Foo 10 06:55:46 host sshd[1]: ${failed}`, 'does not begin with a date'],
    [`2016-12-99T00:00 host sshd[1]: ${failed}`, 'does not begin with a date'],
    [
      'Dec 10 06:55:46 host sshd[1]: Failed password for root from 203.0.113.5',
      'does not end with an address',
    ],
  ])('throws for a line that begins like an attempt but is malformed: %j', (line, reason) => {
    expect(() => parseLine(line, 2016)).toThrow(reason)
  })

  test('accepts a carriage return at the end', () => {
    expect(parseLine(`Dec 10 06:55:46 host sshd[1]: ${failed}\r`, 2016)).toHaveLength(1)
  })
})
