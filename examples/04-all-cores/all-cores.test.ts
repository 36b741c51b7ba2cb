import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const here = import.meta.dirname

test('the pipeline gives the same results in one thread and on all cores', async () => {
  // With the built packages, as a user's program runs.
  const args = ['--import', 'tsx', path.join(here, 'all-cores.ts')]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args)
  expect([stdout, stderr]).toEqual([await readFile(path.join(here, 'expect.txt'), 'utf8'), ''])
  const [, alone, together] = stdout.split(/in this thread\n|in workers\n/)
  expect(together).toBe(alone)
})
