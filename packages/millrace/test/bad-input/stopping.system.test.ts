import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { Command, scratch } from '../command.ts'

const program = fileURLToPath(new URL('pipelines/slow-phases.ts', import.meta.url))

describe('stopping during an operation', () => {
  let directory: string
  beforeEach(async () => {
    directory = await scratch()
  })

  function start(slow: string, ...options: readonly string[]): Command {
    const where = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
    return new Command(['run', program, '--bounded', ...where, '--parameter', `slow=${slow}`, ...options])
  }

  async function output(): Promise<readonly string[]> {
    const text = await readFile(`${directory}/out/seen.ndjson`, 'utf8').catch(() => '')
    return text === '' ? [] : text.trimEnd().split('\n')
  }

  /** Runs the rest of the job: in the end every record occurs once, with the right count. */
  async function expectExactlyOnce(): Promise<void> {
    expect((await start('none', '--parameter', 'rate=Infinity').ended).code).toBe(0)
    const expected = Array.from({ length: 600 }, (_, n) => `{"n":${n},"seen":${Math.floor(n / 50) + 1}}`)
    expect(await output()).toEqual(expected)
  }

  /** A job with a checkpoint to restore. */
  async function begun(): Promise<void> {
    const first = start('none')
    await first.says(/checkpoint 2/)
    first.kill('SIGKILL')
    await first.ended
  }

  test.each([
    ['opening its sink', 'open'],
    ['making a checkpoint', 'prepare'],
    ['committing', 'commit'],
  ])('EN-248 EN-249 SIGTERM while the job is %s ends it with 0 and loses nothing', async (_, slow) => {
    const job = start(slow)
    await job.says(new RegExp(`in ${slow}`))
    job.kill('SIGTERM')
    const { code, err } = await job.ended
    expect(err).toMatch(/stopping; a second signal ends the job at once\n[^]*stopped: /)
    expect(code).toBe(0)
    await expectExactlyOnce()
  })

  test('EN-249 SIGTERM while the job is restoring ends it with 0 and loses nothing', async () => {
    await begun()
    const job = start('restore')
    await job.says(/in restore/)
    job.kill('SIGTERM')
    const { code, err } = await job.ended
    expect(err).toMatch(/stopped: [\d,]+ records in/)
    expect(code).toBe(0)
    await expectExactlyOnce()
  })

  test.each(['open', 'prepare', 'commit'])(
    'EN-250 Ctrl-C twice during %s ends the job at once, and no commit is partial',
    async (slow) => {
      await begun()
      const before = await output()
      const job = start(slow)
      await job.says(new RegExp(`in ${slow}`))
      job.kill('SIGINT')
      await job.says(/stopping/)
      // Two signals in a short time count as one; the second must be later.
      await pause(250)
      job.kill('SIGINT')
      expect((await job.ended).code).toBe(130)
      const after = await output()
      expect(after.slice(0, before.length)).toEqual(before)
      for (const line of after) expect(line).toMatch(/^\{"n":\d+,"seen":\d+\}$/)
      await expectExactlyOnce()
    },
  )
})
