import { readdir, readFile, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Command, millrace, pipelineFile, scratch, type Ended } from './command.ts'

describe('millrace state, of a data directory without a running job', () => {
  let data: string
  let saved: string

  async function state(action: string, ...args: readonly string[]): Promise<Ended> {
    return millrace(['state', action, data, ...args])
  }

  async function rows(...args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
    const { out } = await state(...(args as [string]))
    return out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  beforeAll(async () => {
    const directory = await scratch()
    ;[data, saved] = [`${directory}/data`, `${directory}/saved`]
    const out = ['--parameter', `out=${directory}/out`, '--parameter', 'rate=200', '--parameter', 'count=1e9']
    const job = new Command(['run', pipelineFile('numbers.ts'), '--data-dir', data, '--control', '0', ...out])
    await job.says(/checkpoint 2,/)
    await millrace(['savepoint', data, '--to', saved])
    await job.says(/checkpoint 8,/)
    expect((await millrace(['stop', data])).code).toBe(0)
    expect((await job.ended).code).toBe(0)
  })

  test('ls lists the operators of the newest checkpoint, and says which one it is', async () => {
    const { code, out, err } = await state('ls')
    expect(code).toBe(0)
    expect(err).toBe(`no job with a control API runs in ${data}: this is its newest checkpoint\n`)
    expect(out).toMatch(
      /^checkpoint \d+, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\nsums \(window\): \d keys? of type number; slices \d+ \(\d+ B\)\n$/,
    )
    const listed = JSON.parse((await state('ls', '--json', '--committed')).out) as Record<string, unknown>
    expect(listed['operators']).toMatchObject([{ operator: 'sums', type: 'window', keyKinds: ['number'] }])
  })

  test('export prints every value, and get those of a key, with the names of the aggregates', async () => {
    const exported = await rows('export', '--operator', 'sums')
    expect(exported.length).toBeGreaterThan(0)
    const { key, value } = exported[0]!
    expect(value).toEqual({ n: expect.any(Number), sum: expect.any(Number) })
    const { out } = await state('get', '--operator', 'sums', '--json-key', JSON.stringify(key), '--json')
    const { entries } = JSON.parse(out) as { readonly entries: readonly unknown[] }
    expect(entries).toEqual(exported.filter((row) => row['key'] === key))
    expect((await state('get', '--operator', 'sums', '--key', 'none', '--committed')).out).toBe('nothing\n')
  })

  test('diff prints what has changed since the checkpoint before, and since a savepoint', async () => {
    const { code, out } = await state('diff')
    expect(code).toBe(0)
    expect(out).toMatch(/(^|\n)\d+ added, \d+ removed, \d+ changed\n$/)
    const since = await state('diff', '--against', saved)
    expect(since.out).toMatch(/^\+ sums \d slices \d+: \{"n":\d+,"sum":\d+\}\n/)
    const same = await millrace(['state', 'diff', saved, '--against', saved])
    expect(same.out).toBe('0 added, 0 removed, 0 changed\n')
  })

  test('a wrong operator, checkpoint or directory is named, with what there is', async () => {
    const wrong = await state('get', '--operator', 'sum', '--key', '1')
    expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("Did you mean 'sums'?")])
    const missing = await state('ls', '--checkpoint', '12345')
    expect([missing.code, missing.err]).toEqual([
      1,
      expect.stringMatching(/has no checkpoint 12345; it has \d+/),
    ])
    const empty = await millrace(['state', 'ls', await scratch()])
    expect([empty.code, empty.err]).toEqual([
      1,
      expect.stringContaining('has no checkpoint; give the data directory'),
    ])
  })

  test('a damaged checkpoint is not shown, and exits with 5', async () => {
    const directory = `${saved}/state`
    const [segment] = await readdir(directory)
    const bytes = await readFile(`${directory}/${segment}`)
    bytes[bytes.length >> 1]! ^= 0x01
    await writeFile(`${directory}/${segment}`, bytes)
    const { code, out, err } = await millrace(['state', 'ls', saved])
    expect([code, out]).toEqual([5, ''])
    expect(err).toMatch(/checkpoint \d+ of .* is damaged: CHECKPOINT_CORRUPT/)
  })
})
