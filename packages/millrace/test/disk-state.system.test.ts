import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { Command, pipelineFile, scratch } from './command.ts'

const manyKeys = pipelineFile('many-keys.ts')

function runManyKeys(directory: string, ...options: readonly string[]): Command {
  const place = ['--data-dir', `${directory}/data`, '--parameter', `out=${directory}/out`]
  return new Command(['run', manyKeys, ...place, '--bounded', ...options])
}

/** How often each count was emitted. */
async function emitted(directory: string): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const counts = new Map<number, Set<string>>()
  const lines = (await readFile(`${directory}/out/counts.ndjson`, 'utf8')).trim().split('\n')
  for (const line of lines) {
    const { key, value } = JSON.parse(line) as { key: string; value: number }
    const keys = counts.get(value) ?? new Set()
    counts.set(value, keys.add(key))
  }
  expect([...counts.values()].reduce((sum, keys) => sum + keys.size, 0)).toBe(lines.length)
  return counts
}

test('state that does not fit into its memory is exact after kills, and in the other store', async () => {
  const directory = await scratch()
  for (const memory of ['1', '2']) {
    const killed = runManyKeys(directory, '--state-memory', memory, '--parameter', 'rate=8000')
    await killed.says(/(?:checkpoint \d+,[^]*){2}/)
    killed.kill('SIGKILL')
    expect((await killed.ended).code).toBe('SIGKILL')
  }
  const inMemory = runManyKeys(directory, '--state', 'memory', '--parameter', 'rate=8000')
  await inMemory.says(/(?:checkpoint \d+,[^]*){2}/)
  inMemory.kill('SIGKILL')
  expect((await inMemory.ended).code).toBe('SIGKILL')
  const last = await runManyKeys(directory, '--state-memory', '1').ended
  expect([last.code, last.err]).toEqual([0, expect.stringContaining("'many-keys' runs from checkpoint")])
  const counts = await emitted(directory)
  expect([...counts].map(([count, keys]) => [count, keys.size])).toEqual([
    [1, 20_000],
    [2, 20_000],
  ])
})

test('a limit for state that is in memory is refused, and so is an unknown kind', async () => {
  const directory = await scratch()
  const limited = await runManyKeys(directory, '--state', 'memory', '--state-memory', '64').ended
  expect(limited.err).toContain('--state-memory limits state on disk, but the state is in memory')
  const unknown = await runManyKeys(directory, '--state', 'tape').ended
  expect(unknown.err).toContain("--state is tape. Give 'memory' or 'disk'")
})
