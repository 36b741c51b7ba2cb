import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, expect, onTestFailed, test } from 'vitest'
import { kafkaTool, readWithJava } from '../../../scripts/services/kafka-console.ts'
import { service } from '../../../scripts/services/service.ts'
import { Command, project } from './command.ts'
import { commandsIn, shell } from './document-commands.ts'

const document = 'docs/operating/scale-out.md'
const broker = await service('kafka')
const running = new Set<Command>()

afterAll(async () => {
  for (const command of running) command.kill('SIGKILL')
  if (!('missing' in broker)) await broker.stop()
})

/** The pipelines of the page, by file, for the broker of the test. */
async function pipelines(brokers: string): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(path.resolve(import.meta.dirname, '../../..', document), 'utf8')
  const files = [...text.matchAll(/^ *```ts\n *\/\/ (\S+)\n([^]*?)^ *```$/gm)].map(
    ([, name, body]) => [name!, body!.replaceAll('localhost:9092', brokers)] as const,
  )
  expect(files.map(([name]) => name)).toEqual(['orders.ts', 'feed.ts'])
  return Object.fromEntries(files)
}

interface Order {
  readonly customer: string
  readonly amount: number
  readonly at: number
}

interface Spending {
  readonly key: string
  readonly window: { readonly start: number }
  readonly orders: number
  readonly spent: number
}

/** What a window of ten seconds has for a customer, as text. */
function expectedOf(orders: readonly Order[]): readonly string[] {
  const windows = new Map<string, { orders: number; spent: number }>()
  for (const { customer, amount, at } of orders) {
    const name = `${customer} ${Math.floor(at / 10_000) * 10_000}`
    const { orders: before, spent } = windows.get(name) ?? { orders: 0, spent: 0 }
    windows.set(name, { orders: before + 1, spent: spent + amount })
  }
  return Array.from(windows, ([name, { orders: n, spent }]) => `${name}: ${n}, ${spent}`).toSorted()
}

class Page {
  readonly directory: string
  readonly commands: string[]

  constructor(directory: string, commands: readonly string[]) {
    this.directory = directory
    this.commands = [...commands]
  }

  /** Takes the next command of the page, which must begin so. */
  next(begin: string): string {
    const command = this.commands.shift()
    expect(command?.slice(0, begin.length)).toBe(begin)
    return command!
  }

  /** Runs the next command to its end, and returns what it prints. */
  run(begin: string): Promise<string> {
    return shell(`PATH="$PWD/bin:$PATH"; ${this.next(begin)}`, this.directory)
  }

  /** Starts the next command, which runs until it is stopped. */
  start(begin: string): Command {
    const command = new Command(this.next(begin).split(' ').slice(1), this.directory)
    running.add(command)
    return command
  }
}

/** The page with the broker of the test, in a directory with its files and the tools of Kafka. */
async function openPage(brokers: string): Promise<Page> {
  const directory = await project(await pipelines(brokers))
  await mkdir(path.join(directory, 'bin'))
  for (const [name, program] of [
    ['kafka-topics.sh', 'org.apache.kafka.tools.TopicCommand'],
    ['kafka-console-consumer.sh', 'org.apache.kafka.tools.consumer.ConsoleConsumer'],
  ] as const) {
    const file = path.join(directory, 'bin', name)
    await writeFile(file, await kafkaTool(program))
    await chmod(file, 0o755)
  }
  const commands = (await commandsIn(document)).map((each) => each.replaceAll('localhost:9092', brokers))
  // What the page shows first comes again below.
  return new Page(directory, commands.slice(1))
}

async function records<T>(brokers: string, topic: string): Promise<readonly T[]> {
  return (await readWithJava(brokers, topic, 1_000_000)).map(({ value }) => JSON.parse(value) as T)
}

/** Waits until so many workers run all leases, as `status` says. */
async function placed(page: Page, workers: number): Promise<void> {
  const head = `orders: ${workers} ${workers === 1 ? 'worker' : 'workers'}, 16 leases`
  const places = async (): Promise<readonly string[]> => {
    const text = await shell('npx millrace status data/1 || true', page.directory)
    return text.split('\n').filter((line) => line === head || /^orders\/\d+ +(?:running|http)/.test(line))
  }
  await expect.poll(places, { timeout: 90_000, interval: 1_000 }).toHaveLength(17)
}

/** Waits until the worker, which has all leases, has read all orders. */
async function caughtUp(): Promise<void> {
  const lags = (): Promise<readonly (number | null)[]> =>
    Promise.all(
      Array.from({ length: 16 }, async (_, lease) => {
        const response = await fetch(`http://127.0.0.1:9191/api/jobs/orders%2F${lease}/metrics`)
        const { operators } = (await response.json()) as {
          readonly operators: readonly { readonly operator: string; readonly lagRecords: number | null }[]
        }
        return operators.find(({ operator }) => operator === 'orders')!.lagRecords
      }),
    )
  // The twelve partitions are in as many leases, or in fewer.
  const isCaughtUp = async (): Promise<boolean> => {
    const known = (await lags()).filter((lag) => lag !== null)
    return known.length > 0 && known.every((lag) => lag === 0)
  }
  await expect.poll(isCaughtUp, { timeout: 60_000, interval: 2_000 }).toBe(true)
}

test.skipIf('missing' in broker)(
  'every command of scale-out.md: from one process to three, a kill, a drain, and every result once',
  { timeout: 400_000 },
  async () => {
    const brokers = (broker as { readonly url: string }).url
    const page = await openPage(brokers)
    onTestFailed(() => {
      for (const command of running) process.stderr.write(`${command.said}\n\n`)
    })
    await page.run('kafka-topics.sh')
    await page.run('kafka-topics.sh')
    const feed = page.start('millrace run feed.ts')
    await feed.says(/checkpoint \d/)
    const first = page.start('millrace run orders.ts')
    await placed(page, 1)
    const second = page.start('millrace run orders.ts')
    const third = page.start('millrace run orders.ts')
    await placed(page, 3)
    expect(await page.run('millrace status data/1')).toContain('orders: 3 workers, 16 leases')
    expect(await page.run('millrace state get data/1')).toMatch(/\[\d+,\d+\]/)

    third.kill('SIGKILL')
    await third.ended
    await placed(page, 2)
    const drain = page.next('millrace stop data/1 --drain')
    const consume = page.next('kafka-console-consumer.sh')
    expect(await page.run('millrace status data/1 --job')).toMatch(/orders\/3: running/)
    expect(await page.run('curl')).toContain('"key":"c17"')
    expect(await page.run('millrace state get data/1')).toMatch(/\[\d+,\d+\]/)
    const stop = page.next('millrace stop data/1')
    expect(page.commands).toEqual([])

    // All workers are stopped, and one alone continues with the whole job.
    await shell(stop, page.directory)
    for (const worker of [first, second]) expect((await worker.ended).code).toBe(0)
    feed.kill('SIGINT')
    expect((await feed.ended).code).toBe(0)
    const options = ['--cluster', `kafka://${brokers}`, '--data-dir', 'data/1', '--control', '9191']
    const again = new Command(['run', 'orders.ts', ...options], page.directory)
    running.add(again)
    await placed(page, 1)
    await caughtUp()
    await shell(drain, page.directory)
    expect((await again.ended).code).toBe(0)
    expect(await shell(`PATH="$PWD/bin:$PATH"; ${consume} || true`, page.directory)).toContain('"spent"')

    const results = (await records<Spending>(brokers, 'spending')).map(
      ({ key, window, orders, spent }) => `${key} ${window.start}: ${orders}, ${spent}`,
    )
    expect(results.toSorted()).toEqual(expectedOf(await records<Order>(brokers, 'orders')))
    expect(first.said).not.toContain('Warning')
  },
)
