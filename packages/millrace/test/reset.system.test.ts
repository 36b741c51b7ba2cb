import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { Command, millrace, pipelineFile, scratch } from './command.ts'

test('millrace reset shows its plan, is refused while the job runs, and lets it read everything again', async () => {
  const directory = await scratch()
  const data = `${directory}/data`
  const run = (out: string, ...more: readonly string[]): Command =>
    new Command(['run', pipelineFile('numbers.ts'), '--data-dir', data, '--parameter', `out=${out}`, ...more])
  const running = run(`${directory}/one`, '--parameter', 'rate=200')
  await running.says(/checkpoint 2,/)
  const refused = await millrace(['reset', data, '--all', '--yes'])
  expect([refused.code, refused.err]).toEqual([4, expect.stringContaining('DIRECTORY_LOCKED')])
  running.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)

  const plan = await millrace(['reset', data, '--all'])
  expect([plan.code, plan.err]).toEqual([0, ''])
  expect(plan.out).toMatch(
    /^numbers {2}the positions of all its splits are forgotten; the generator source is read from where the program begins\nsums {5}its open windows \(n, sum\) and timers are gone\nsinks keep .*\nnothing was changed; add --yes/,
  )
  const wrong = await millrace(['reset', data, '--source', 'number'])
  expect([wrong.code, wrong.err]).toEqual([2, expect.stringContaining("Did you mean 'numbers'?")])

  expect((await millrace(['reset', data, '--all', '--yes', '--backup', `${directory}/backup`])).code).toBe(0)
  expect((await millrace(['reset', data, '--undo'])).out).toContain('the reset is taken back')
  expect((await millrace(['reset', data, '--all', '--yes'])).out).toContain('--undo takes it back until then')
  expect((await run(`${directory}/two`, '--bounded').ended).code).toBe(0)
  const sums = (await readFile(`${directory}/two/sums.ndjson`, 'utf8')).trim().split('\n')
  const total = sums.reduce((all, text) => all + (JSON.parse(text) as { readonly n: number }).n, 0)
  expect(total).toBe(2_000)
})
