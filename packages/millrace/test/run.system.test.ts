import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Command, launcher, millrace, pipelineFile, scratch } from './command.ts'

const numbers = pipelineFile('numbers.ts')

/** Reads the output of the pipeline `numbers`. */
async function sums(directory: string): Promise<readonly string[]> {
  return (await readFile(`${directory}/out/sums.ndjson`, 'utf8')).trim().split('\n').toSorted()
}

function runNumbers(directory: string, ...options: readonly string[]): Command {
  return new Command([
    'run',
    numbers,
    '--data-dir',
    `${directory}/data`,
    '--parameter',
    `out=${directory}/out`,
    ...options,
  ])
}

describe('millrace run', () => {
  let expected: readonly string[]
  beforeAll(async () => {
    const directory = await scratch()
    const { code, err } = await runNumbers(directory, '--bounded').ended
    expect(err).toMatch(/finished: 2,000 records in, 100 out; checkpoint \d+ holds it all/)
    expect(code).toBe(0)
    expected = await sums(directory)
    expect(expected).toHaveLength(100)
  })

  test.each(['SIGTERM', 'SIGHUP'] as const)(
    'EN-248 a job that is stopped by %s exits with 0 and resumes where it was',
    async (signal) => {
      const directory = await scratch()
      const first = runNumbers(directory, '--bounded', '--parameter', 'rate=50')
      await first.says(/checkpoint 3/)
      first.kill(signal)
      const stopped = await first.ended
      expect(stopped.code).toBe(0)
      expect(stopped.err).toMatch(/stopping; a second signal ends the job at once\n[^]*stopped: \d/)
      const second = await runNumbers(directory, '--bounded').ended
      expect(second.err).toMatch(/'numbers' runs from checkpoint \d+/)
      expect(second.code).toBe(0)
      expect(await sums(directory)).toEqual(expected)
    },
  )

  test('a killed job resumes from its last checkpoint, and every result occurs once', async () => {
    const directory = await scratch()
    for (let life = 0; life < 2; life++) {
      const killed = runNumbers(directory, '--bounded', '--parameter', 'rate=50')
      await killed.says(/(?:checkpoint \d+,[^]*){2}/)
      killed.kill('SIGKILL')
      expect((await killed.ended).code).toBe('SIGKILL')
    }
    expect((await runNumbers(directory, '--bounded').ended).code).toBe(0)
    expect(await sums(directory)).toEqual(expected)
  })

  test('--drain fires windows before the job stops, and leaves no input to resume', async () => {
    const directory = await scratch()
    const job = runNumbers(directory, '--drain', '--parameter', 'rate=1000')
    await job.says(/checkpoint 1/)
    job.kill('SIGINT')
    const { code, err } = await job.ended
    expect(code).toBe(0)
    const read = Number(/finished: ([\d,]+) records in/.exec(err)![1]!.replace(',', ''))
    const counted = (await sums(directory)).map((line) => (JSON.parse(line) as { n: number }).n)
    expect(counted.reduce((a, b) => a + b, 0)).toBe(read)
  })

  test('a finished job that is started again reports that there is nothing new', async () => {
    const directory = await scratch()
    await runNumbers(directory, '--bounded').ended
    const { code, err } = await runNumbers(directory, '--bounded').ended
    expect(code).toBe(0)
    expect(err).toContain('nothing new had arrived since checkpoint')
    expect(await sums(directory)).toEqual(expected)
  })

  test('a signal while the pipeline is loading stops the job before it starts', async () => {
    const directory = await scratch()
    const job = new Command(
      ['run', pipelineFile('slow-to-load.ts'), '--parameter', `out=${directory}/out`],
      directory,
    )
    await job.says(/loading/)
    job.kill('SIGINT')
    expect((await job.ended).code).toBe(0)
    await expect(stat(`${directory}/out`)).rejects.toThrow('ENOENT')
  })

  test('a signal while the command itself is loading stops the job before it starts', async () => {
    const directory = await scratch()
    const job = new Command(['run', numbers, '--parameter', `out=${directory}/out`], directory, [
      '--import',
      pipelineFile('slow-command.mjs'),
    ])
    await job.says(/loading the command/)
    job.kill('SIGTERM')
    job.write('')
    expect((await job.ended).code).toBe(0)
    await expect(stat(`${directory}/out`)).rejects.toThrow('ENOENT')
  })

  test('a signal after the job has ended does not change the exit code', async () => {
    const directory = await scratch()
    const job = new Command(['run', pipelineFile('slow-to-exit.ts'), '--bounded'], directory)
    await job.says(/exiting/)
    job.kill('SIGTERM')
    const { code, err } = await job.ended
    expect(err).toContain('finished: 3 records in')
    expect(code).toBe(0)
  })

  test('a job whose log has lost its reader still stops gracefully', async () => {
    const directory = await scratch()
    const first = runNumbers(directory, '--bounded', '--parameter', 'rate=50')
    await first.says(/checkpoint 2/)
    first.closeOutputs()
    first.kill('SIGHUP')
    expect((await first.ended).code).toBe(0)
    expect((await runNumbers(directory, '--bounded').ended).code).toBe(0)
    expect(await sums(directory)).toEqual(expected)
  })

  // "script" gives a command its own terminal, which closes when "script" is killed.
  test.skipIf(!existsSync('/usr/bin/script'))(
    'a job whose terminal is closed stops gracefully and exits with 0',
    async () => {
      const directory = await scratch()
      const options = `--data-dir ${directory}/data --parameter out=${directory}/out --parameter rate=50`
      // The first wait ends when the terminal closes; the shell passes that on and tells how the job ended.
      const job = `trap 'kill -HUP $!' HUP; '${process.execPath}' '${launcher}' run '${numbers}' ${options} & wait; wait $!; echo $? > ${directory}/code`
      const terminal = spawn('/usr/bin/script', ['-qc', job, '/dev/null'])
      const isRunning = async (): Promise<boolean> =>
        (await readdir(`${directory}/data/checkpoints`).catch(() => [])).length > 0
      while (!(await isRunning())) await setTimeout(20)
      terminal.kill('SIGKILL')
      const code = (): Promise<string> => readFile(`${directory}/code`, 'utf8').catch(() => '')
      while ((await code()) === '') await setTimeout(20)
      expect(await code()).toBe('0\n')
      expect((await runNumbers(directory, '--bounded').ended).code).toBe(0)
      expect(await sums(directory)).toEqual(expected)
    },
  )

  test('EN-249 a signal while the job is starting stops it gracefully', async () => {
    const directory = await scratch()
    for (const restoredFrom of ['the beginning', 'checkpoint 1']) {
      const job = new Command(
        ['run', pipelineFile('slow-to-open.ts'), '--parameter', `out=${directory}/out`],
        directory,
      )
      await job.says(/opening/)
      job.kill('SIGTERM')
      const { code, err } = await job.ended
      expect(err).toContain(`runs from ${restoredFrom}`)
      expect(err).toMatch(/stopped: \d+ records in/)
      expect(code).toBe(0)
    }
  })

  test('a job that does not stop in time is cancelled and exits with 6', async () => {
    const directory = await scratch()
    const job = new Command(['run', pipelineFile('stalled.ts'), '--stop-timeout', '300ms'], directory)
    await job.says(/writing/)
    job.kill('SIGTERM')
    const { code, err } = await job.ended
    expect(err).toContain('STOP_TIMEOUT: the job did not stop within 0.3 s')
    expect(code).toBe(6)
  })

  test.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second %s ends the job at once with %i', async (signal, expectedCode) => {
    const directory = await scratch()
    const job = new Command(['run', pipelineFile('stalled.ts')], directory)
    await job.says(/writing/)
    job.kill(signal)
    await job.says(/stopping/)
    // Two signals in a short time count as one; the second must be later.
    await setTimeout(300)
    job.kill(signal)
    expect((await job.ended).code).toBe(expectedCode)
  })

  test('a second job on the same data directory exits with 4', async () => {
    const directory = await scratch()
    const first = runNumbers(directory, '--parameter', 'rate=20')
    await first.says(/checkpoint 1/)
    const { code, err } = await runNumbers(directory).ended
    expect(err).toMatch(/^DIRECTORY_LOCKED: .* is in use by process \d+/)
    expect(code).toBe(4)
    first.kill('SIGTERM')
    expect((await first.ended).code).toBe(0)
  })

  test('a checkpoint of another program exits with 5', async () => {
    const directory = await scratch()
    await runNumbers(directory, '--bounded').ended
    const options = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
    const { code, err } = await millrace(['run', pipelineFile('failing.ts'), ...options])
    expect(err).toContain('CHECKPOINT_INCOMPATIBLE: checkpoint')
    expect(err).toContain("It belongs to pipeline 'numbers', not 'failing'")
    expect(code).toBe(5)
  })

  test('a failed job exits with 1, names the place, and commits nothing', async () => {
    const directory = await scratch()
    const options = [
      '--data-dir',
      `${directory}/data`,
      '--parameter',
      `out=${directory}/out`,
      '--restart',
      'none',
    ]
    const { code, err } = await millrace(['run', pipelineFile('failing.ts'), ...options])
    expect(code).toBe(1)
    expect(err).toContain('OPERATOR_FAILED: ')
    expect(err).toContain("'refuse'")
    expect(err).toContain('seven is \\u001b[31mout\n    of the question')
    expect(err).toMatch(/at refuseSeven .*failing\.ts:13/)
    expect(await readFile(`${directory}/out/numbers.ndjson`, 'utf8').catch(() => '')).toBe('')
  })

  test('the first run with a data directory says once that types are not checked', async () => {
    const directory = await scratch()
    const said: boolean[] = []
    for (let run = 0; run < 2; run++) {
      const { err } = await runNumbers(directory, '--bounded').ended
      said.push(err.includes('types were not checked') && err.includes('npx tsc --noEmit'))
    }
    expect(said).toEqual([true, false])
  })

  test('with --json every line of the log is an object', async () => {
    const directory = await scratch()
    const { err } = await runNumbers(directory, '--bounded', '--json').ended
    const events = err
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events[0]).toMatchObject({
      event: 'started',
      level: 'info',
      pipeline: 'numbers',
      restoredFrom: null,
    })
    expect(events.at(-1)).toMatchObject({ event: 'finished', recordsIn: 2_000, recordsOut: 100 })
    expect(events.every(({ time }) => typeof time === 'number')).toBe(true)
  })

  test('the default data directory is named after the pipeline', async () => {
    const directory = await scratch()
    const job = await millrace(['run', numbers, '--bounded', '--parameter', 'out=results'], directory)
    expect(job.code).toBe(0)
    expect((await stat(`${directory}/.millrace/numbers/checkpoints`)).isDirectory()).toBe(true)
    expect((await stat(`${directory}/results/sums.ndjson`)).isFile()).toBe(true)
  })
})
