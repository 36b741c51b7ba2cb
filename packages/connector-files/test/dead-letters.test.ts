import { DataDirectory, startJob, type JobResult } from '@millrace/core/job'
import {
  deadLetter,
  pipeline,
  queueLetters,
  readLetters,
  rehearsalOf,
  removeLetters,
  type KeptLetter,
  type Pipeline,
} from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, SimFs, simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { files } from '../src/index.ts'
import { textOf } from './sink-run.ts'

const data = new DataDirectory('data')
const poison = 54_321

interface Numbered {
  readonly n: number
  readonly key: string
}

/** Counts the records of each key; `check` throws for some. */
const counting = (check: (record: Numbered) => unknown): Pipeline =>
  pipeline('counting', (p) => {
    p.onError(deadLetter('rejected'))
    p.from('in', files.readNdjson<Numbered>('in/*.ndjson'))
      .keyBy(({ key }) => key)
      .scan(
        'count',
        () => 0,
        (count, record) => {
          check(record)
          return count + 1
        },
      )
      .to('out', files.writeNdjson('out/counts.ndjson'))
  })

const strict = counting(({ n }) => {
  if (n === poison) throw new RangeError(`${n} is too much`)
})
const fixed = counting(() => {})

async function run(fs: SimFs, program: Pipeline): Promise<JobResult> {
  const platform = simPlatform({ seed: 1, fs, workPerTurn: 4_096 })
  const { graph } = program.describe()
  const options = { graph, platform, store: memoryStore(), directory: data.path, isBounded: true } as const
  return (await driveJob(startJob({ ...options, restart: { kind: 'none' } }), platform.clock))!
}

/** The counts that were written for each key, in order. */
function countsIn(fs: SimFs): ReadonlyMap<string, readonly number[]> {
  const counts = new Map<string, number[]>()
  for (const line of textOf(fs, 'out/counts.ndjson')!.split('\n').slice(0, -1)) {
    const { key, value } = JSON.parse(line) as { key: string; value: number }
    if (!counts.has(key)) counts.set(key, [])
    counts.get(key)!.push(value)
  }
  return counts
}

const letters = (fs: SimFs): Promise<readonly KeptLetter[]> => readLetters(fs, data.connector('rejected'))

function inputOf(count: number): SimFs {
  const fs = new SimFs()
  const lines = Array.from({ length: count }, (_, n) => JSON.stringify({ n, key: `k${n % 7}` }))
  fs.put('in/all.ndjson', `${lines.join('\n')}\n`)
  return fs
}

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n + 1)

test('a poison record among 100,000 is one dead letter; after a fix it is rehearsed and redriven', async () => {
  const fs = inputOf(100_000)
  expect(await run(fs, strict)).toEqual({ outcome: 'finished' })
  const found = await letters(fs)
  expect(found).toMatchObject([
    {
      pipeline: 'counting',
      operator: 'count',
      code: 'OPERATOR_FAILED',
      message: `RangeError: ${poison} is too much`,
      source: 'in',
      split: 'in/all.ndjson',
      position: expect.stringMatching(/^line 54322, byte \d+$/) as string,
      key: `"k${poison % 7}"`,
      attempts: 1,
      redrives: 0,
      headers: null,
      raw: Buffer.from(JSON.stringify({ n: poison, key: `k${poison % 7}` })).toString('base64'),
    },
  ])
  // Each key is counted in order and without a gap, also the key of the poison record.
  const sizes = [...countsIn(fs).values()].map((counts) => {
    expect(counts).toEqual(upTo(counts.length))
    return counts.length
  })
  expect(sizes.reduce((a, b) => a + b)).toBe(99_999)

  const before = textOf(fs, 'out/counts.ndjson')
  const copy = new SimFs()
  for (const path of fs.paths().filter((each) => /^\/data\/(?!owner)/.test(each)))
    copy.put(path, fs.peek(path)!)
  const { graph, read, written, failed } = rehearsalOf(fixed.describe().graph, found)
  const platform = simPlatform({ seed: 2, fs: copy })
  const job = startJob({ graph, platform, store: memoryStore(), directory: data.path })
  void read.then(() => job.stop())
  expect(await driveJob(job, platform.clock)).toEqual({ outcome: 'stopped' })
  expect([[...written], failed]).toEqual([[['out', 1]], []])

  await queueLetters(fs, data.connector('in'), found)
  await removeLetters(fs, data.connector('rejected'), new Set(found.map(({ id }) => id)))
  expect(textOf(fs, 'out/counts.ndjson')).toBe(before)
  expect(await run(fs, fixed)).toEqual({ outcome: 'finished' })
  const key = `k${poison % 7}`
  expect(countsIn(fs).get(key)!.at(-1)).toBe(countsIn(fs).get(key)!.length)
  expect([...countsIn(fs).values()].flat()).toHaveLength(100_000)
  expect(await letters(fs)).toEqual([])
})

describe('redriven letters', () => {
  test('EN-246 that fail again are letters again, with their first position and the number of redrives', async () => {
    const fs = new SimFs()
    fs.put('in/all.ndjson', '{"n":54321,"key":"a"}\nnot JSON\n{"n":2,"key":"a"}\n')
    await run(fs, strict)
    for (const redrives of [0, 1, 2]) {
      const found = await letters(fs)
      expect(new Set(found.map((each) => `${each.operator} ${each.redrives}`))).toEqual(
        new Set([`count ${redrives}`, `in ${redrives}`]),
      )
      expect(found.map(({ position }) => position!.slice(0, 6)).toSorted()).toEqual(['line 1', 'line 2'])
      await queueLetters(fs, data.connector('in'), found)
      await removeLetters(fs, data.connector('rejected'), new Set(found.map(({ id }) => id)))
      expect(await run(fs, strict)).toEqual({ outcome: 'finished' })
    }
    expect(countsIn(fs)).toEqual(new Map([['a', [1]]]))
  })

  test('are read once, however often they are queued and the job is started', async () => {
    const fs = new SimFs()
    fs.put('in/all.ndjson', '{"n":54321,"key":"a"}\n')
    await run(fs, strict)
    const found = await letters(fs)
    for (let start = 0; start < 3; start++) {
      await queueLetters(fs, data.connector('in'), found)
      expect(await run(fs, fixed)).toEqual({ outcome: 'finished' })
    }
    expect(countsIn(fs)).toEqual(new Map([['a', [1]]]))
  })
})
