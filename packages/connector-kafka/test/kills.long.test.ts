import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { memory } from '@millrace/connector-memory'
import { pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { builtProgram } from '../../../lab/servers/built-program.ts'
import { dataDirectory, startOn } from '../../../lab/servers/job-on-disk.ts'
import { killTenTimes, recordsOfTrial } from '../../../lab/servers/kill-ten-times.ts'
import { readWithJava } from '../../../scripts/services/kafka-console.ts'
import { kafka } from '../src/index.ts'
import { numbered, type Numbered } from './job-parts.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const timeout = 300_000
const source = new URL('program.ts', import.meta.url)
const program = await builtProgram(source)

interface Result {
  readonly key: string
  readonly value: { readonly count: number; readonly sum: number }
}

function launch(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, broker.brokers, 'counts', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

async function resultsOf(output: string, count: number): Promise<Result[]> {
  await broker.transactionsMarked()
  return (await readWithJava(broker.brokers, output, count)).map(({ value }) => JSON.parse(value) as Result)
}

/** What a count of these records gives, in the order of each key. */
function expectedOf(values: readonly Numbered[], key: string): Result[] {
  let [count, sum] = [0, 0]
  return values
    .filter(({ k }) => k === key)
    .map(({ n }) => ({ key, value: { count: ++count, sum: (sum += n) } }))
}

async function checkResults(input: readonly Numbered[], output: string): Promise<void> {
  const results = await resultsOf(output, input.length + 100)
  expect(results.length).toBe(input.length)
  for (const key of new Set(input.map(({ k }) => k))) {
    // Two partitions of the input give the records of a key in one order, because its records are in one of them.
    expect(results.filter((result) => result.key === key)).toEqual(expectedOf(input, key))
  }
}

test.skipIf(broker.missing !== undefined)(
  'EN-217 a process that is killed ten times, beside a broker that is killed at one third and one half, writes each result once',
  async () => {
    const [input, output] = [await broker.freshTopic(4), await broker.freshTopic(4)]
    const committed = memory.write<Result>()
    const reader = pipeline('committed', (p) => {
      p.from('in', kafka.readJson<Result>({ brokers: broker.brokers, topic: output })).to('out', committed)
    })
    startOn(reader, await dataDirectory())
    await killTenTimes({
      program: source,
      args: [broker.brokers, 'counts', input, output],
      feed: (from, end) => broker.produce(input, numbered(from, end)),
      written: () => broker.ends(output),
      seen: () => committed.values.length,
      restart: broker.restart,
    })
    await checkResults(
      numbered(0, recordsOfTrial).map(({ value }) => JSON.parse(value) as Numbered),
      output,
    )
  },
)

test.skipIf(broker.missing !== undefined)(
  'EN-229 a process that is frozen and replaced writes nothing when it wakes up',
  async () => {
    const [input, output, directory] = [
      await broker.freshTopic(4),
      await broker.freshTopic(4),
      await dataDirectory(),
    ]
    const zombies: ChildProcess[] = []
    const each = 1_000
    const run = (round: number): ChildProcess => launch(input, output, directory, 'endless', `host-${round}`)
    for (let round = 0; round < 5; round++) {
      const before = await broker.ends(output)
      const child = run(round)
      await broker.produce(input, numbered(round * each, (round + 1) * each))
      await expect.poll(async () => (await broker.ends(output)) > before, { timeout, interval: 5 }).toBe(true)
      child.kill('SIGSTOP')
      zombies.push(child)
    }
    const last = run(5)
    await broker.produce(input, numbered(5 * each, 6 * each))
    await expect
      .poll(async () => (await resultsOf(output, 6 * each)).length, { timeout, interval: 1_000 })
      .toBe(6 * each)
    for (const zombie of zombies) zombie.kill('SIGCONT')
    for (const zombie of zombies) {
      if (zombie.exitCode === null) await once(zombie, 'exit')
      expect(zombie.exitCode).toBe(1)
    }
    last.kill('SIGKILL')
    await once(last, 'exit')
    await checkResults(
      numbered(0, 6 * each).map(({ value }) => JSON.parse(value) as Numbered),
      output,
    )
  },
)
