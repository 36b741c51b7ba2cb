import { readdir, readFile } from 'node:fs/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Command, pipelineFile, scratch } from './command.ts'

/** What `peek --json` prints, as far as the test reads it. */
interface PeekRecord {
  readonly subtask: number
  readonly key: unknown
  readonly value: unknown
}

/** Runs the pipeline `numbers` with its control API, until it has made two checkpoints. */
async function serve(directory: string, ...options: readonly string[]): Promise<Command> {
  const job = new Command([
    'run',
    pipelineFile('numbers.ts'),
    '--data-dir',
    `${directory}/data`,
    '--control',
    '0',
    '--parameter',
    `out=${directory}/out`,
    '--parameter',
    'rate=50',
    '--parameter',
    'count=100000',
    ...options,
  ])
  onTestFinished(() => job.kill('SIGKILL'))
  await job.says(/checkpoint 2,/)
  return job
}

function peek(directory: string, ...args: readonly string[]): Command['ended'] {
  return new Command(['peek', `${directory}/data`, ...args]).ended
}

function recordsIn(out: string): readonly PeekRecord[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as PeekRecord)
}

describe('millrace peek', () => {
  test.each([1, 2])(
    'with %d subtasks: shows results that the job writes, of every subtask, or of one key',
    async (parallelism) => {
      const directory = await scratch()
      const job = await serve(directory, '--parallelism', String(parallelism))
      const all = await peek(directory, 'sums', '--limit', '20', '--rate', '100', '--json')
      expect([all.code, all.err]).toEqual([
        0,
        expect.stringMatching(/^20 records shown of \d+ that passed\n$/),
      ])
      const records = recordsIn(all.out)
      expect(records).toHaveLength(20)
      expect(new Set(records.map(({ subtask }) => subtask)).size).toBe(parallelism)
      const own = await peek(directory, 'sums', '--json-key', '3', '--limit', '3', '--json')
      const ofKey = recordsIn(own.out)
      expect(ofKey.map(({ key }) => key)).toEqual([3, 3, 3])
      expect((await new Command(['stop', `${directory}/data`]).ended).code).toBe(0)
      expect((await job.ended).code).toBe(0)
      const files = (await readdir(`${directory}/out`)).map((name) =>
        readFile(`${directory}/out/${name}`, 'utf8'),
      )
      const written = (await Promise.all(files)).join('').trim().split('\n')
      for (const { value } of [...records, ...ofKey]) expect(written).toContain(JSON.stringify(value))
    },
  )

  test('prints a line for each record, and says what helps', async () => {
    const directory = await scratch()
    await serve(directory)
    const { code, out } = await peek(directory, 'numbers', '--limit', '2')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}#0 {2}key \d {2}\{"index":\d+,"time":\d+\}\n){2}$/,
    )
    const text = await peek(directory, 'numbers', '--key', '3', '--seconds', '1')
    expect([text.code, text.out]).toEqual([0, ''])
    expect(text.err).toMatch(/^0 records shown of 0 of this key, and \d+ that passed\. .* use --json-key\n$/)
    const wrong = await peek(directory, 'numbrs')
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringMatching(/no operator 'numbrs'; did you mean 'numbers'\?/),
    ])
    const missing = await peek(directory)
    expect([missing.code, missing.err]).toEqual([
      2,
      expect.stringMatching(/OPERATOR is missing; it has numbers, .*sums, file/),
    ])
    const none = await peek(directory, 'file', '--output', 'x', '--rate', '0')
    expect([none.code, none.err]).toEqual([2, expect.stringMatching(/--rate is 0/)])
  })

  test('what the job hides is hidden', async () => {
    const directory = await scratch()
    await serve(directory, '--redact', 'Index, other')
    const { out } = await peek(directory, 'numbers', '--limit', '2', '--json')
    for (const { key, value } of recordsIn(out)) {
      expect(key).toBe('***')
      expect(value).toEqual({ index: '***', time: expect.any(Number) })
    }
    const { code, err } = await new Command([
      'run',
      pipelineFile('numbers.ts'),
      '--parameter',
      `out=${directory}/x`,
      '--data-dir',
      `${directory}/y`,
      '--control',
      '0',
      '--redact',
      ',',
    ]).ended
    expect([code, err]).toEqual([2, expect.stringMatching(/--redact is ,/)])
  })
})
