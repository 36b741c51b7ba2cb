import net from 'node:net'
import { once } from 'node:events'
import { pipeline } from '@millrace/flow'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { dataDirectory, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { kafkaPorts } from '../../../scripts/services/kafka.ts'
import { readWithJava } from '../../../scripts/services/kafka-console.ts'
import { kafka } from '../src/index.ts'
import { numbered, type Numbered } from './job-parts.ts'
import { realBroker } from './real-broker.ts'

const broker = await realBroker()
const isOurs = broker.missing === undefined && broker.server.directory !== ''
const timeout = 300_000

/** Passes bytes between two ports, until it is stopped. */
class Proxy {
  readonly #server: net.Server
  readonly #sockets = new Set<net.Socket>()
  #isBlack = false

  constructor(from: number, to: number) {
    this.#server = net.createServer((near) => {
      const far = net.connect(to, '127.0.0.1')
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(one)
        one.on('data', (bytes) => void (this.#isBlack || other.write(bytes)))
        one.on('error', () => {})
        one.on('close', () => {
          this.#sockets.delete(one)
          other.destroy()
        })
      }
    })
    this.#server.listen(from, '127.0.0.1')
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Swallows what comes, in both directions: no end, no answer. */
  blackHole(isBlack: boolean): void {
    this.#isBlack = isBlack
    // An answer that lacks a part is of no use to a client.
    if (!isBlack) this.cut()
  }

  async close(): Promise<void> {
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

const proxy = isOurs
  ? new Proxy(kafkaPorts(broker.server.ports).proxy, kafkaPorts(broker.server.ports).behind)
  : undefined
afterEach(() => proxy?.blackHole(false))
afterAll(() => proxy?.close())

/** How many outages have begun and not ended. */
function outages(warnings: readonly string[]): number {
  const count = (beginning: string) => warnings.filter((text) => text.startsWith(beginning)).length
  return count('down: ') - count('up: ')
}

describe.skipIf(!isOurs)('behind a network that fails', () => {
  test('a job loses and doubles nothing when connections are cut and black-holed', async () => {
    const [input, output] = [await broker.freshTopic(2), await broker.freshTopic(2)]
    const options = {
      brokers: `127.0.0.1:${kafkaPorts(broker.server.ports).proxy}`,
      // So that the test need not wait for a minute until a request times out.
      requestTimeout: '2s',
    }
    const built = pipeline('copy', (p) => {
      p.from('in', kafka.readJson<Numbered>({ ...options, topic: input })).to(
        'out',
        kafka.writeJson({ ...options, topic: output, key: ({ k }) => k }),
      )
    })
    const warnings: string[] = []
    const job = startOn(built, await dataDirectory(), { warnings })
    await expect.poll(() => job.status().lastCheckpoint, { timeout }).toBeDefined()
    for (let round = 0; round < 6; round++) {
      await broker.produce(input, numbered(round * 2_000, (round + 1) * 2_000))
      if (round % 2 === 0) {
        proxy!.cut()
        continue
      }
      // What the cut has interrupted is first up again: an outage is reported once, when it begins.
      await expect.poll(() => outages(warnings), { timeout }).toBe(0)
      proxy!.blackHole(true)
      await broker.produce(input, numbered(12_000 + round, 12_001 + round))
      await expect.poll(() => outages(warnings), { timeout }).toBeGreaterThan(0)
      proxy!.blackHole(false)
      await expect.poll(() => broker.ends(output), { timeout }).toBeGreaterThan((round + 1) * 2_000)
    }
    const expected = [...upTo(12_000), 12_001, 12_003, 12_005]
    await expect
      .poll(async () => (await readWithJava(broker.brokers, output, expected.length)).length, {
        timeout,
        interval: 2_000,
      })
      .toBe(expected.length)
    await job.stop()
    const records = await readWithJava(broker.brokers, output, expected.length + 10)
    const numbers = records.map(({ value }) => (JSON.parse(value) as Numbered).n).toSorted((a, b) => a - b)
    expect(numbers).toEqual(expected)
    expect(warnings.join('\n')).toContain('down: Kafka')
    expect(warnings.join('\n')).toContain('up: ')
  })
})
