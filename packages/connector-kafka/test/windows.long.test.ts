import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { builtProgram } from '../../../lab/servers/built-program.ts'
import { dataDirectory } from '../../../lab/servers/job-on-disk.ts'
import { readWithJava } from '../../../scripts/services/kafka-console.ts'
import { realBroker } from './real-broker.ts'

/** `MILLRACE_KAFKA_WINDOWS=full` is the proof in its full size: about a minute. Each round ends with SIGKILL, or is frozen. */
const isFull = process.env['MILLRACE_KAFKA_WINDOWS'] === 'full'
const size = isFull
  ? { records: 1_100_000, rounds: 22, restartsAt: [3, 9, 15], frozenAt: [5, 12] }
  : { records: 50_000, rounds: 4, restartsAt: [1], frozenAt: [2] }
const keys = 50
/** As program.ts has them. */
const [stepMs, windowMs] = [10, 10_000]

const broker = await realBroker()
const timeout = 600_000
const program = await builtProgram(new URL('program.ts', import.meta.url))

function launch(...args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, broker.brokers, 'windows', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

const keyOf = (n: number): string => `k${n % keys}`

function records(from: number, end: number): { readonly key: string; readonly value: string }[] {
  return Array.from({ length: end - from }, (_, index) => {
    const n = from + index
    return { key: keyOf(n), value: JSON.stringify({ n, k: keyOf(n) }) }
  })
}

/** Each key and window, with how many records it has and their sum. */
function expectedTotals(): Map<string, string> {
  const totals = new Map<string, { count: number; sum: number }>()
  for (let n = 0; n < size.records; n++) {
    const start = Math.floor((n * stepMs) / windowMs) * windowMs
    const name = `${keyOf(n)} ${start}`
    const total = totals.get(name) ?? { count: 0, sum: 0 }
    totals.set(name, { count: total.count + 1, sum: total.sum + n })
  }
  return new Map([...totals].map(([name, { count, sum }]) => [name, `${count} ${sum}`]))
}

/** Waits until there are results. */
async function grownBeyond(before: number, output: string, child: ChildProcess): Promise<void> {
  const hasGrown = async (): Promise<boolean> => {
    expect(child.exitCode).toBe(null)
    return (await broker.ends(output)) > before
  }
  await expect.poll(hasGrown, { timeout: 120_000, interval: 20 }).toBe(true)
}

interface Total {
  readonly key: string
  readonly start: number
  readonly count: number
  readonly sum: number
}

test.skipIf(broker.missing !== undefined)(
  'EN-217 EN-229 windows from topic to topic are there once each for the Java consumer: with kills, broker restarts, and frozen processes that wake up',
  { timeout: isFull ? 7_200_000 : timeout },
  async () => {
    const [input, output] = [await broker.freshTopic(4), await broker.freshTopic(4)]
    const directory = await dataDirectory()
    const { rounds } = size
    const frozen: ChildProcess[] = []
    const each = Math.ceil(size.records / rounds)
    const half = Math.floor(each / 2)
    for (let round = 0; round < rounds; round++) {
      const before = await broker.ends(output)
      const child = launch(input, output, directory, 'endless', `host-${round}`)
      const end = Math.min(size.records, (round + 1) * each)
      await broker.produce(input, records(round * each, round * each + half))
      await grownBeyond(before, output, child)
      if (size.restartsAt.includes(round)) {
        await broker.restart()
        await broker.produce(input, records(round * each + half, end))
        await grownBeyond(await broker.ends(output), output, child)
      } else await broker.produce(input, records(round * each + half, end))
      // A moment that no test chooses.
      await delay((round * 37) % 200)
      if (size.frozenAt.includes(round)) {
        child.kill('SIGSTOP')
        frozen.push(child)
      } else {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
      await delay(350)
    }
    const ended = once(launch(input, output, directory, 'bounded', 'host-last'), 'exit')
    // They wake up while another process works, or after it if that is quick.
    await delay(1_000)
    for (const zombie of frozen) zombie.kill('SIGCONT')
    expect(await ended).toEqual([0, null])
    for (const zombie of frozen) {
      if (zombie.exitCode === null) await once(zombie, 'exit')
      expect(zombie.exitCode).toBe(1)
    }
    const expected = expectedTotals()
    await broker.transactionsMarked()
    const found = await readWithJava(broker.brokers, output, expected.size + 100)
    const totals = found.map(({ value }) => JSON.parse(value) as Total)
    const seen = new Map(totals.map(({ key, start, count, sum }) => [`${key} ${start}`, `${count} ${sum}`]))
    const missing = [...expected.keys()].filter((name) => !seen.has(name))
    expect(missing).toEqual([])
    expect(seen).toEqual(expected)
    expect(totals.length).toBe(expected.size)
  },
)
