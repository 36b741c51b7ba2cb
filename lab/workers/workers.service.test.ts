import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { readWithJava } from '../../scripts/services/kafka-console.ts'
import { realBroker } from '../../packages/connector-kafka/test/real-broker.ts'

/** `MILLRACE_CLUSTER=full` is the proof in its full size: an hour. */
const isFull = process.env['MILLRACE_CLUSTER'] === 'full'
const size = isFull
  ? { records: 2_000_000, rounds: 50, restartsEvery: 5, freezesEvery: 5 }
  : { records: 60_000, rounds: 4, restartsEvery: 3, freezesEvery: 2 }
const keys = 200
const partitions = 12
const leases = 8
/** So far apart are the event times of two records. */
const stepMs = 20
const windowMs = 10_000
const minuteMs = 60_000
const timeout = isFull ? 7_200_000 : 300_000

const broker = await realBroker()
const program = fileURLToPath(new URL('program.ts', import.meta.url))
const running = new Set<ChildProcess>()
const directories: string[] = []

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL')
  for (const directory of directories) await rm(directory, { recursive: true, force: true })
})

interface Job {
  readonly job: string
  readonly input: string
  readonly output: string
}

/** Starts a worker. It resolves when that has joined: one that starts while no broker answers ends with an error. */
async function worker(of: Job, name: string): Promise<ChildProcess> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'millrace-worker-'))
  directories.push(directory)
  const child = launch(of, name, directory)
  const lines = createInterface({ input: child.stdout! })
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => line.includes('"kind":"joined"') && resolve())
    child.once('exit', (code) => reject(new Error(`worker ${name} ended with ${code} before it had joined`)))
  })
  return child
}

function launch(of: Job, name: string, directory: string): ChildProcess {
  const setup = JSON.stringify({ ...of, brokers: broker.brokers, leases, directory, name })
  const child = spawn(
    process.execPath,
    ['--conditions=@millrace/source', '--import', 'tsx', program, setup],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

const keyOf = (n: number): string => `k${n % keys}`
const timeOf = (n: number): number => n * stepMs

function records(from: number, end: number): { readonly partition: number; readonly value: string }[] {
  return Array.from({ length: end - from }, (_, index) => {
    const n = from + index
    return { partition: n % partitions, value: JSON.stringify({ n, k: keyOf(n), at: timeOf(n) }) }
  })
}

/** One late record for each partition, so that event time reaches the end of the others. */
const last = Array.from({ length: partitions }, (_, partition) => ({
  partition,
  value: JSON.stringify({ n: 0, k: 'last', at: timeOf(size.records) + 10 * minuteMs }),
}))

interface Row {
  readonly what: string
  readonly key: string
  readonly start?: number
  readonly minute?: number
  readonly count: number
  readonly sum?: number
}

/** What the output must have, each once: windows with count and sum, each count of a key, and each minute in which a key occurs. */
function expectedRows(): ReadonlySet<string> {
  const windows = new Map<string, { count: number; sum: number }>()
  const rows = new Set<string>()
  const counts = new Map<string, number>()
  for (let n = 0; n < size.records; n++) {
    const key = keyOf(n)
    const name = `${key} ${Math.floor(timeOf(n) / windowMs) * windowMs}`
    const total = windows.get(name) ?? { count: 0, sum: 0 }
    windows.set(name, { count: total.count + 1, sum: total.sum + n })
    const seen = (counts.get(key) ?? 0) + 1
    counts.set(key, seen)
    rows.add(`running ${key} ${seen}`)
    rows.add(`minute ${key} ${Math.ceil((timeOf(n) + 1) / minuteMs) * minuteMs}`)
  }
  for (const [name, total] of windows) rows.add(`window ${name} ${total.count} ${total.sum}`)
  return rows
}

function textOf({ what, key, start, minute, count, sum }: Row): string {
  if (what === 'window') return `window ${key} ${start} ${count} ${sum}`
  return what === 'running' ? `running ${key} ${count}` : `minute ${key} ${minute}`
}

test.skipIf(broker.missing !== undefined)(
  'workers that are killed, paused past their session, added and removed leave every result exactly once for the Java consumer',
  { timeout },
  async () => {
    const of: Job = {
      job: `sales-${process.pid}`,
      input: await broker.freshTopic(partitions),
      output: await broker.freshTopic(4),
    }
    const workers = [await worker(of, 'a'), await worker(of, 'b'), await worker(of, 'c')]
    const each = Math.ceil(size.records / size.rounds)
    for (let round = 0; round < size.rounds; round++) {
      const before = await broker.ends(of.output)
      await broker.produce(of.input, records(round * each, Math.min(size.records, (round + 1) * each)))
      await grownBeyond(before, of.output)
      // A moment that no test chooses.
      await delay((round * 137) % 500)
      if (round % size.restartsEvery === 2) await broker.restart()
      const victim = workers.shift()!
      if (round % size.freezesEvery === 1) {
        victim.kill('SIGSTOP')
        // Longer than its session: others take over what it held, and it wakes up beside them.
        setTimeout(() => victim.kill('SIGCONT'), 9_000)
        workers.push(await worker(of, `more-${round}`), victim)
      } else {
        victim.kill('SIGKILL')
        await once(victim, 'exit')
        workers.push(await worker(of, `next-${round}`))
      }
    }
    await broker.produce(of.input, last)
    const expected = expectedRows()
    // Results are records, and each transaction has a mark as well.
    await expect
      .poll(() => readRows(of.output, expected.size), { timeout, interval: 1_000 })
      .toBeGreaterThanOrEqual(expected.size)
    for (const child of workers) {
      child.kill('SIGTERM')
      const [code] =
        child.exitCode === null ? ((await once(child, 'exit')) as [number | null]) : [child.exitCode]
      expect(code).toBe(0)
    }
    await broker.transactionsMarked()
    const found = (await readWithJava(broker.brokers, of.output, expected.size * 2))
      .map(({ value }) => JSON.parse(value) as Row)
      .filter(({ key }) => key !== 'last')
      .map(textOf)
    const seen = new Set(found)
    const missing = [...expected].filter((row) => !seen.has(row))
    const surplus = found.filter((row) => !expected.has(row))
    expect({
      lost: missing.slice(0, 5),
      wrong: surplus.slice(0, 5),
      double: found.length - seen.size,
    }).toEqual({
      lost: [],
      wrong: [],
      double: 0,
    })
  },
)

async function grownBeyond(before: number, output: string): Promise<void> {
  await expect.poll(() => broker.ends(output), { timeout: 120_000, interval: 50 }).toBeGreaterThan(before)
}

async function readRows(output: string, atMost: number): Promise<number> {
  return (await readWithJava(broker.brokers, output, atMost * 2)).length
}
