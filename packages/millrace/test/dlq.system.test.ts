import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { millrace, scratch } from './command.ts'

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
