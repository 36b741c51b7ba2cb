import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { Command, pipelineFile, scratch, type Ended } from './command.ts'

const program = pipelineFile('threads.ts')

/** Four files of records. */
async function input(records: number): Promise<string> {
  const directory = await scratch()
  await mkdir(`${directory}/in`)
  for (let file = 0; file < 4; file++) {
    const lines = Array.from({ length: records / 4 }, (_, i) =>
      JSON.stringify({ key: `${file}.${(i * 31) % 23}`, n: (i * 7) % 50, at: i }),
    )
    await writeFile(`${directory}/in/${file}.ndjson`, `${lines.join('\n')}\n`)
  }
  return directory
}

function start(directory: string, ...options: readonly string[]): Command {
  const where = ['--data-dir', `${directory}/data`, '--parameter', `directory=${directory}`]
  return new Command(['run', program, '--bounded', ...where, ...options])
}

/** All visible lines, sorted, whatever the files are called. */
async function output(directory: string): Promise<readonly string[]> {
  const lines: string[] = []
  for (const name of await readdir(`${directory}/out`)) {
    if (!name.endsWith('.ndjson') || name.startsWith('.')) continue
    const text = await readFile(`${directory}/out/${name}`, 'utf8')
    for (const line of text.split('\n')) if (line !== '') lines.push(`${name.split(/[-.]/)[0]} ${line}`)
  }
  return lines.toSorted()
}

async function clean(directory: string): Promise<void> {
  for (const name of ['data', 'out']) await rm(`${directory}/${name}`, { recursive: true, force: true })
}

describe('a job in several threads', () => {
  let directory: string
  let expected: readonly string[]

  beforeAll(async () => {
    directory = await input(8_000)
    expect(await start(directory).ended).toMatchObject({ code: 0 })
    expected = await output(directory)
    expect(expected.length).toBeGreaterThan(200)
  })

  test('has the results of one thread, and restarts with another number of threads after it is stopped', async () => {
    for (const threads of ['2', '3']) {
      await clean(directory)
      expect(await start(directory, '--parallelism', threads).ended).toMatchObject({ code: 0 })
      expect(await output(directory)).toEqual(expected)
    }
  })

  test('loses and duplicates nothing when it is killed and started again with other threads', async () => {
    await clean(directory)
    for (const threads of [
      ['--parallelism', '2'],
      ['--parallelism', '3'],
      [],
      ['--parallelism', '3', '--threads', '1'],
    ]) {
      const job = start(directory, ...threads)
      // A small input may be finished before that.
      await job.says(/checkpoint \d+,|finished/)
      job.kill('SIGKILL')
      await job.ended
    }
    expect(await start(directory, '--parallelism', '2').ended).toMatchObject({ code: 0 })
    expect(await output(directory)).toEqual(expected)
  })

  function fails(fault: string, ...options: readonly string[]): Promise<Ended> {
    const how = ['--parallelism', '2', '--restart', 'none', '--parameter', `fault=${fault}`]
    return start(directory, ...how, ...options).ended
  }

  test('names the worker whose thread ends, needs too much memory or hangs, and ends with an error', async () => {
    await clean(directory)
    const thrown = await fails('throw')
    expect(thrown.code).not.toBe(0)
    expect(thrown.err).toMatch(/OPERATOR_FAILED: .*totals.*line \d+.*struck/s)
    expect((await fails('exit')).err).toMatch(/WORKER_FAILED: worker \d has ended: it exited with code 3/)
    expect((await fails('memory', '--worker-memory', '48')).err).toMatch(
      /WORKER_FAILED: worker \d has ended: it needs more memory than 48 MB/,
    )
    expect((await fails('hang', '--worker-timeout', '5s')).err).toMatch(
      /WORKER_FAILED: worker \d has given no sign of life for 5000 ms/,
    )
  })

  test('is restarted after a worker has ended, and continues', async () => {
    await clean(directory)
    const job = start(directory, '--parallelism', '2', '--restart', '1', '--parameter', 'fault=exit')
    const { code, err } = await job.ended
    expect(code).not.toBe(0)
    expect(err.match(/WORKER_FAILED: worker \d/g)!.length).toBeGreaterThanOrEqual(2)
    expect(await start(directory, '--parallelism', '2').ended).toMatchObject({ code: 0 })
    expect(await output(directory)).toEqual(expected)
  })
})
