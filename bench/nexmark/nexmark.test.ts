import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { memory } from '@millrace/connector-memory'
import type { ConnectorContext } from '@millrace/core/connector'
import { testPipeline } from '@millrace/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isBid, type NexmarkEvent } from './events.ts'
import { NexmarkGenerator } from './generator.ts'
import { inputFiles, type Input, type InputOptions } from './input.ts'
import { queries } from './queries/all.ts'
import { finalLines, lineOf } from './row-text.ts'
import { pipelineOf } from './run-query.ts'
import { readEvents } from './source.ts'
import { SplittableRandom } from './splittable-random.ts'

interface Expected extends InputOptions {
  /** Of the binary file. */
  readonly sha256: string
  readonly queries: Readonly<Record<string, { readonly rows: number; readonly sha256: string }>>
}

const expected = JSON.parse(
  await readFile(path.join(import.meta.dirname, 'expected.json'), 'utf8'),
) as Expected
const generator = new NexmarkGenerator(expected)
const events = Array.from({ length: expected.events }, (_, number) => generator.event(number))
const none = undefined as unknown as ConnectorContext

let folder: string
let input: Input

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'millrace-nexmark-test-'))
  input = await inputFiles(expected, folder)
})

afterAll(() => rm(folder, { recursive: true }))

/** Reads the binary file from a position, at most `limit` events at a time and `most` in all. */
async function readFrom(offset: number | undefined, limit: number, most = Infinity) {
  const reader = await readEvents(input.binary).open(
    input.binary,
    offset === undefined ? undefined : { offset },
    none,
  )
  const read: NexmarkEvent[] = []
  while (read.length < most) {
    const poll = reader.poll(limit)
    if (poll.kind === 'end') break
    if (poll.kind === 'records') read.push(...poll.values)
    else await reader.ready()
  }
  await reader.close()
  return { read, offset: reader.position().offset }
}

test('SplittableRandom: the numbers are those of Java 17', () => {
  const random = new SplittableRandom(20_150_715_000_001)
  expect([random.int(), random.int(), random.int(), random.int()]).toEqual([
    -1532491490, -1370683921, 1546218039, 1789353588,
  ])
  expect([1, 2, 3, 4].map(() => random.below(10_000))).toEqual([6646, 8052, 728, 681])
  expect([random.below(4), random.below(4)]).toEqual([0, 0])
  expect([random.fraction(), random.fraction()]).toEqual([0.10729850749391145, 0.8545431435187528])
})

describe('the generator', () => {
  test('the same options give the same bytes on every machine', () => {
    expect(input.sha256).toBe(expected.sha256)
  })

  test('an event is the same whether or not the events before it are computed', () => {
    const alone = [2_999, 17, 0, 1_234].map((number) => new NexmarkGenerator(expected).event(number))
    expect(alone).toEqual([2_999, 17, 0, 1_234].map((number) => events[number]))
  })

  test('of fifty events one is a person, three are auctions and the others bids, of ids from 1001', () => {
    const inOrder = new NexmarkGenerator()
    const kinds = Array.from({ length: 100 }, (_, number) => inOrder.event(number))
    expect(kinds.filter(isBid)).toHaveLength(92)
    const ids = kinds.flatMap((event) => (event.kind === 'bid' ? [] : [`${event.kind} ${event.id}`]))
    expect(ids.slice(0, 4)).toEqual(['auction 1001', 'auction 1002', 'person 1001', 'auction 1003'])
  })
})

describe('the file of events', () => {
  test('reading gives the events that were written, in both formats', async () => {
    expect((await readFrom(undefined, 1_000)).read).toEqual(events)
    const lines = (await readFile(input.ndjson, 'utf8')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as NexmarkEvent)).toEqual(events)
  })

  test('reading continues at the position of any record', async () => {
    for (const most of [1, 7, 500, 2_999]) {
      const { read, offset } = await readFrom(undefined, most, most)
      expect(read).toHaveLength(most)
      expect((await readFrom(offset, 4_000)).read).toEqual(events.slice(most))
    }
  })
})

describe('a query stopped and started again gives the rows of DuckDB', () => {
  test.each(Object.keys(queries))('%s', async (name) => {
    const query = queries[name]!
    const job = pipelineOf(query, memory.read<NexmarkEvent>([]), (rows) =>
      rows.map(lineOf(query)).to('rows', memory.write<string>()),
    )
    const started = await testPipeline(job)
    await started.send('events', ...events.slice(0, 1_700))
    await started.restart()
    await started.send('events', ...events.slice(1_700))
    await started.end()
    const rows = await finalLines(query, started.output<string>('rows'))
    const sha256 = createHash('sha256').update(rows.toSorted().join('\n')).digest('hex')
    expect({ rows: rows.length, sha256 }).toEqual(expected.queries[name])
  })
})
