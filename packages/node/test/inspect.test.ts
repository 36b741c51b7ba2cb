import { execFile } from 'node:child_process'
import path from 'node:path'
import process, { execPath } from 'node:process'
import { expect, test } from 'vitest'
import { Channel } from '@millrace/channels'
import { inspectProcess } from '../src/index.ts'

interface Ended {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program of `programs/` as a user does, with the built packages. */
function run(program: string, isInspected: boolean): Promise<Ended> {
  const file = path.join(import.meta.dirname, 'programs', `${program}.js`)
  const watched = isInspected ? ['--import', '@millrace/node/inspect'] : []
  return new Promise((resolve) => {
    execFile(execPath, [...watched, file], { cwd: import.meta.dirname }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    )
  })
}

test('GO-073 a process that ends while tasks wait prints them, and exits with 2', async () => {
  expect(await run('asleep', false)).toEqual({ code: 0, stdout: '', stderr: '' })
  const { code, stderr } = await run('asleep', true)
  expect(code).toBe(2)
  expect(stderr).toContain('all tasks are asleep')
  expect(stderr).toMatch(
    /"worker", started at \S+asleep\.js:5\n {2}receive on channel "jobs" \(0 of 2, made at \S+asleep\.js:3\) since \d+ ms, at \S+asleep\.js:5\n$/,
  )
})

test('SIGQUIT prints the waiting tasks, and the program continues', async () => {
  const { code, stdout, stderr } = await run('busy', true)
  expect([code, stdout]).toEqual([0, 'done'])
  expect(stderr).toMatch(/"sender", started at \S+busy\.js:6\n {2}send on channel "jobs"/)
})

test('an inspection that has ended leaves no handlers in the process', () => {
  const before = process.listenerCount('beforeExit')
  {
    using inspector = inspectProcess()
    void new Channel().receive()
    expect(inspector.waits.length).toBe(1)
  }
  expect(process.listenerCount('beforeExit')).toBe(before)
  expect(process.listenerCount('SIGQUIT')).toBe(0)
})
