import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'
import { Command, scratch } from '../../packages/millrace/test/command.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const results = ['alerts', 'spending'] as const

function fraud(directory: string, ...options: readonly string[]): Command {
  const base = [
    'run',
    `${here}fraud.ts`,
    '--data-dir',
    `${directory}/data`,
    '--parameter',
    `out=${directory}/out`,
  ]
  return new Command([...base, '--checkpoint-every', '100ms', ...options])
}

const quick = ['--bounded', '--parameter', 'count=3000', '--parameter', 'rate=Infinity']
const slow = ['--bounded', '--parameter', 'count=3000', '--parameter', 'rate=1000']

async function linesOf(path: string): Promise<readonly string[]> {
  return (await readFile(path, 'utf8')).trim().split('\n').toSorted()
}

/** The ids of the dead-lettered payments; a dead letter itself contains the time of the failure. */
async function rejectedIds(directory: string): Promise<readonly number[]> {
  const letters = (await linesOf(`${directory}/out/rejected.ndjson`)).map(
    (line) => JSON.parse(line) as { readonly value: string },
  )
  return letters.map(({ value }) => Number(/"id\\":(\d+)/.exec(value)![1])).toSorted((a, b) => a - b)
}

describe('the card fraud example', () => {
  const expected = new Map<string, readonly string[]>()

  beforeAll(async () => {
    const directory = await scratch()
    const { code, out } = await fraud(directory, ...quick).ended
    expect(code).toBe(0)
    expect(out.trim().split('\n').toSorted()).toEqual(await linesOf(`${here}expect.txt`))
    for (const name of results) expected.set(name, await linesOf(`${directory}/out/${name}.ndjson`))
    expect(expected.get('alerts')).toHaveLength(10)
    expect(await rejectedIds(directory)).toEqual([499, 999, 1499, 1999, 2499, 2999])
  })

  async function expectAll(directory: string): Promise<void> {
    for (const name of results) {
      expect(await linesOf(`${directory}/out/${name}.ndjson`)).toEqual(expected.get(name))
    }
    expect(await rejectedIds(directory)).toEqual([499, 999, 1499, 1999, 2499, 2999])
  }

  test('killed twice and restarted, it finds the same alerts, each once', async () => {
    const directory = await scratch()
    for (let life = 0; life < 2; life++) {
      const job = fraud(directory, ...slow)
      await job.says(/(?:checkpoint \d+,[^]*){3}/)
      job.kill('SIGKILL')
      expect((await job.ended).code).toBe('SIGKILL')
    }
    expect((await fraud(directory, ...quick).ended).code).toBe(0)
    await expectAll(directory)
  })

  test('stopped and restarted, it resumes where it was', async () => {
    const directory = await scratch()
    const job = fraud(directory, ...slow)
    await job.says(/(?:checkpoint \d+,[^]*){4}/)
    job.kill('SIGINT')
    expect((await job.ended).code).toBe(0)
    expect((await fraud(directory, ...quick).ended).code).toBe(0)
    await expectAll(directory)
  })

  test('prints alerts within ten seconds', async () => {
    const job = fraud(await scratch())
    const startedAt = performance.now()
    await job.says(/velocity: 5 payments within a minute\n/)
    expect(performance.now() - startedAt).toBeLessThan(10_000)
    job.kill('SIGTERM')
    expect((await job.ended).code).toBe(0)
  })
})
