import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { Command, pipelineFile, scratch } from './command.ts'

/** Runs the pipeline `numbers` with its control API. */
function serve(directory: string, ...options: readonly string[]): Command {
  const out = ['--parameter', `out=${directory}/out`, '--parameter', 'rate=20']
  return new Command([
    'run',
    pipelineFile('numbers.ts'),
    '--data-dir',
    `${directory}/data`,
    ...out,
    ...options,
  ])
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await new Command(args).ended
  expect([args[0], code, err]).toEqual([args[0], 0, ''])
  return out
}

/** What `profile --json` prints, as far as the test reads it. */
interface Profile {
  readonly operators: readonly { readonly operator: string; readonly cpuMs: number }[]
  readonly subtasks: readonly object[]
  readonly threads: readonly { readonly thread: string }[]
}

describe('commands for a running job', () => {
  test('status, events, logs, pause, resume, savepoint and stop, by data directory and by address', async () => {
    const directory = await scratch()
    const data = `${directory}/data`
    const job = serve(directory, '--control', '0')
    await job.says(/checkpoint 2,/)
    const { url } = JSON.parse(await readFile(`${data}/control.json`, 'utf8')) as { url: string }
    expect(await done('status', data)).toMatch(/numbers: running/)
    const overview = JSON.parse(await done('status', url, '--json')) as {
      phase: string
      operators: unknown[]
    }
    expect(overview.phase).toBe('running')
    expect(await done('events', data)).toMatch(/started {2}the job runs from the beginning/)
    expect(await done('logs', url)).toMatch(/the control API is at http/)
    const sources = (overview.operators as { operator: string; splits: number | null }[]).filter(
      ({ splits }) => splits !== null,
    )
    const source = sources[0]!.operator
    expect(await done('pause', data, '--source', source)).toContain('is paused')
    expect(await done('status', data)).toContain(`Source '${source}' is paused`)
    await job.says(new RegExp(`admin asked for pause source=${source}: source '${source}' is paused`))
    expect(await done('resume', data, '--source', source)).toContain('reads again')
    const listed = JSON.parse(await done('state', 'ls', data, '--json')) as {
      operators: { operator: string }[]
    }
    const { operator } = listed.operators[0]!
    const rows = (await done('state', 'export', data, '--operator', operator, '--limit', '3'))
      .trim()
      .split('\n')
    const { key, value } = JSON.parse(rows[0]!) as { key: unknown; value: unknown }
    const one = await done(
      'state',
      'get',
      url,
      '--operator',
      operator,
      '--json-key',
      JSON.stringify(key),
      '--json',
    )
    expect((JSON.parse(one) as { entries: unknown[] }).entries).toHaveLength(1)
    expect(value).toBeDefined()
    const saved = `${directory}/saved`
    expect(await done('savepoint', data, '--to', saved)).toContain(saved)
    expect(await done('stop', data)).toBe('the job has ended\n')
    expect((await job.ended).code).toBe(0)
    await expect(readFile(`${data}/control.json`)).rejects.toThrow('ENOENT')
    const again = new Command([
      'run',
      pipelineFile('numbers.ts'),
      '--bounded',
      '--data-dir',
      saved,
      '--parallelism',
      '2',
      '--parameter',
      `out=${directory}/again`,
    ])
    expect((await again.ended).err).toMatch(/'numbers' runs from checkpoint \d+/)
    const { code, err } = await new Command(['status', data]).ended
    expect(code).toBe(2)
    expect(err).toContain('no job with a control API runs there')
  })

  test.each([1, 2])(
    'profile with %d subtasks: the costly step and window cost most, and a flame graph names them',
    async (parallelism) => {
      const directory = await scratch()
      const place = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
      const threaded = ['--parallelism', String(parallelism)]
      const job = new Command(['run', pipelineFile('costs.ts'), '--control', '0', ...place, ...threaded])
      await job.says(/checkpoint 2,/)
      const file = `${directory}/costs.cpuprofile`
      const printed = await done('profile', `${directory}/data`, '--seconds', '2', '--out', file, '--json')
      const { operators, threads, subtasks } = JSON.parse(printed) as Profile
      const cpuOf = (name: string): number => operators.find(({ operator }) => operator === name)!.cpuMs
      expect(cpuOf('costly-step')).toBeGreaterThan(2 * cpuOf('cheap-step'))
      expect(cpuOf('costly-window')).toBeGreaterThan(2 * cpuOf('cheap-window'))
      expect(threads).toHaveLength(parallelism === 1 ? 1 : 3)
      expect(subtasks).not.toEqual([])
      const files = threads.map(({ thread }) =>
        thread === 'main' ? file : `${directory}/costs.${thread.replace(' ', '_')}.cpuprofile`,
      )
      const texts = await Promise.all(files.map((name) => readFile(name, 'utf8')))
      expect(texts.join('')).toContain("'costly-window'")
      job.kill('SIGKILL')
      await job.ended
    },
  )

  test('an address that other machines reach is refused without a token', async () => {
    const { code, err } = await serve(await scratch(), '--control', '0.0.0.0:0').ended
    expect(code).toBe(2)
    expect(err).toContain('set a token (MILLRACE_CONTROL_TOKEN)')
  })
})
