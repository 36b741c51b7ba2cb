import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Command, scratch } from '../../packages/millrace/test/command.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

async function linesOf(path: string): Promise<readonly string[]> {
  return (await readFile(path, 'utf8')).trim().split('\n').toSorted()
}

test.each(['1', '3'])('the ad clicks example gives what it shows, with %s subtasks', async (parallelism) => {
  const directory = await scratch()
  const options = ['--bounded', '--parallelism', parallelism, '--data-dir', `${directory}/data`]
  const parameters = ['--parameter', `data=${here}data`, '--parameter', `out=${directory}/out`]
  const { code, err } = await new Command(['run', `${here}ad-clicks.ts`, ...options, ...parameters]).ended
  expect([code, err]).toEqual([0, expect.not.stringContaining('warning')])
  const written = await readdir(`${directory}/out`)
  for (const name of ['views', 'costs', 'rates', 'visits']) {
    // Each subtask that has results writes a file of its own.
    const parts = written.filter((file) => file.startsWith(`${name}.`))
    const lines = await Promise.all(parts.map((file) => linesOf(`${directory}/out/${file}`)))
    expect(lines.flat().toSorted()).toEqual(await linesOf(`${here}expect.${name}.ndjson`))
  }
})
