import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { millrace, scratch } from './command.ts'
import type { Balance, Booking } from './pipelines/balances.ts'

const program = fileURLToPath(new URL('pipelines/limited.ts', import.meta.url))

describe('millrace dlq', () => {
  let directory: string
  let options: readonly string[]

  beforeEach(async () => {
    directory = await scratch()
    options = ['--data-dir', `${directory}/data`, '--parameter', `directory=${directory}`]
    await writeFile(`${directory}/in.ndjson`, '{"n":1}\n{"n":20}\nno JSON\n{"n":30}\n{"n":2}\n')
    expect((await millrace(['run', program, '--bounded', ...options])).code).toBe(0)
  })

  const dlq = async (action: string, ...more: readonly string[]): Promise<string> =>
    (await millrace(['dlq', action, program, ...options, ...more])).out

  test('lists, groups and shows letters, and drops those that are selected', async () => {
    expect(await dlq('list')).toMatch(
      /check {4}OPERATOR_FAILED {2}RangeError: 20 is over the limit \(source 'numbers', split '.*in\.ndjson', line 2, byte 8\)\n/,
    )
    expect(await dlq('group')).toMatch(
      /^2 {2}check {4}OPERATOR_FAILED {2}RangeError: 20 is over the limit .*\n1 {2}numbers {2}DECODE_FAILED .*\n3 letters\n$/,
    )
    expect(await dlq('show', '--code', 'DECODE_FAILED')).toMatch(/raw +no JSON\n[^]* at /)
    expect(await dlq('drop', '--code', 'DECODE_FAILED')).toBe('dropped 1 letter\n')
    expect(await dlq('list')).toMatch(/\n2 letters\n$/)
    expect((await millrace(['dlq', 'drop', program, ...options])).code).toBe(2)
  })

  test('rehearses a fix without a trace, and redrives letters into the next run', async () => {
    const fix = ['--parameter', 'limit=25']
    expect(await dlq('redrive', '--operator', 'check', '--rehearse', ...fix)).toMatch(
      /^rehearsed 2 letters on a copy, and changed nothing: 1 record to 'out', 1 failed again\n {2}check: RangeError: 30 is over the limit \(line 4, byte 25 of .*in\.ndjson\)\n$/,
    )
    expect(await dlq('list')).toMatch(/\n3 letters\n$/)
    expect(await dlq('redrive', '--operator', 'check', ...fix)).toMatch(/^2 letters queued for 'numbers'/)
    expect(await dlq('list')).toMatch(/\n1 letter\n$/)
    expect((await millrace(['run', program, '--bounded', ...options, ...fix])).code).toBe(0)
    expect(await readFile(`${directory}/out.ndjson`, 'utf8')).toBe('{"n":1}\n{"n":2}\n{"n":20}\n')
    expect(await dlq('list', '--operator', 'check')).toMatch(
      /30 is over the limit .*line 4, byte 25 of .*\n1 letter\n$/,
    )
  })
})

test('a poison record among 100,000 is one letter, the order of its key is kept, and a redrive completes the results', async () => {
  const directory = await scratch()
  const records = 100_000
  const poison = 50_001
  const accountOf = (n: number): string => `account-${n % 101}`
  const bookings = Array.from({ length: records }, (_, n): Booking => {
    return { n, account: accountOf(n), amount: n === poison ? 11 : 1 + (n % 10) }
  })
  await writeFile(
    `${directory}/bookings.ndjson`,
    bookings.map((each) => `${JSON.stringify(each)}\n`).join(''),
  )
  const balances = fileURLToPath(new URL('pipelines/balances.ts', import.meta.url))
  const common = [balances, '--data-dir', `${directory}/data`, '--parameter', `directory=${directory}`]
  const found = async (): Promise<readonly Balance[]> =>
    (await readFile(`${directory}/balances.ndjson`, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Balance)
  /** What the bookings give when they are made in this order. */
  const expectedOf = (order: readonly Booking[]): readonly Balance[] => {
    const totals = new Map<string, number>()
    return order.map(({ n, account, amount }) => {
      const balance = (totals.get(account) ?? 0) + amount
      totals.set(account, balance)
      return { n, account, balance }
    })
  }
  const others = bookings.filter(({ n }) => n !== poison)

  expect((await millrace(['run', ...common, '--bounded'])).code).toBe(0)
  expect(await found()).toEqual(expectedOf(others))
  expect((await millrace(['dlq', 'list', ...common])).out).toMatch(/11 is over the limit .*\n1 letter\n$/)

  const fix = ['--parameter', 'limit=20']
  expect((await millrace(['dlq', 'redrive', '--rehearse', ...common, ...fix])).out).toMatch(
    /^rehearsed 1 letter on a copy, and changed nothing: 1 record to 'balances', none failed again\n/,
  )
  expect(await found()).toHaveLength(records - 1)
  expect((await millrace(['dlq', 'redrive', ...common, ...fix])).code).toBe(0)
  expect((await millrace(['run', ...common, ...fix, '--bounded'])).code).toBe(0)
  expect(await found()).toEqual(expectedOf([...others, bookings[poison]!]))
  expect((await millrace(['dlq', 'list', ...common])).out).toMatch(/^(no|0) letters\n$/)
})
