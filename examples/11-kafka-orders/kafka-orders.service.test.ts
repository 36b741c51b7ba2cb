import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { realBroker } from '../../packages/connector-kafka/test/real-broker.ts'
import { realServer } from '../../packages/connector-redis/test/real-server.ts'
import { Command, scratch } from '../../packages/millrace/test/command.ts'
import { readWithJava } from '../../scripts/services/kafka-console.ts'
import type { Order, Sales } from './orders.ts'

const broker = await realBroker()
const server = await realServer()
const program = fileURLToPath(new URL('orders.ts', import.meta.url))
const minute = 60_000
const countries = ['CH', 'FR', 'CH', 'unknown']
const shops = countries.length

/** An order each second of some minutes. */
function ordersOf(from: number, to: number): readonly Order[] {
  return Array.from({ length: (to - from) * 60 }, (_, n) => {
    const at = from * minute + n * 1_000
    return { id: `${at}`, shop: `s${n % shops}`, cents: n % 100, at }
  })
}

test.skipIf(broker.missing !== undefined || server.missing !== undefined)(
  'orders are enriched from Redis and each minute of a country is there once, when the job is killed and Redis too',
  async () => {
    const [input, totals, rejected] = [
      await broker.freshTopic(2),
      await broker.freshTopic(),
      await broker.freshTopic(),
    ]
    for (const [shop, country] of countries.entries()) {
      if (country !== 'unknown') await server.client.hset('shops', `s${shop}`, JSON.stringify({ country }))
    }
    const parameters = Object.entries({
      brokers: broker.brokers,
      redis: server.url,
      orders: input,
      totals,
      rejected,
    }).flatMap(([name, value]) => ['--parameter', `${name}=${value}`])
    const args = ['run', program, '--data-dir', `${await scratch()}/data`, ...parameters]
    const send = async (orders: readonly Order[]): Promise<void> => {
      // Both partitions get the orders of each minute, so that none is late.
      await broker.produce(
        input,
        orders.map((order, n) => ({ value: JSON.stringify(order), partition: n % 2 })),
      )
    }

    await send(ordersOf(0, 100))
    await broker.produce(input, [{ value: '{"id":1}', partition: 0 }])
    const killed = new Command(args)
    await expect.poll(() => broker.ends(totals), { timeout: 300_000 }).toBeGreaterThan(0)
    killed.kill('SIGKILL')
    await killed.ended
    await server.restart()
    await send(ordersOf(100, 200))
    const job = new Command([...args, '--bounded'])
    expect((await job.ended).code).toBe(0)

    await broker.transactionsMarked()
    const expected = new Map<string, Omit<Sales, 'country' | 'minute'>>()
    for (const [n, { at, cents }] of [...ordersOf(0, 100), ...ordersOf(100, 200)].entries()) {
      const name = `${countries[n % shops]} ${Math.floor(at / minute)}`
      const before = expected.get(name) ?? { orders: 0, cents: 0 }
      expected.set(name, { orders: before.orders + 1, cents: before.cents + cents })
    }
    const found = (await readWithJava(broker.brokers, totals, expected.size + 10)).map(
      ({ value }) => JSON.parse(value) as Sales,
    )
    expect(found.length).toBe(expected.size)
    expect(
      new Map(
        found.map(({ country, minute: start, orders, cents }) => [
          `${country} ${start / minute}`,
          { orders, cents },
        ]),
      ),
    ).toEqual(expected)
    const [letter] = await readWithJava(broker.brokers, rejected, 2)
    expect(JSON.parse(letter!.value)).toMatchObject({
      message: expect.stringContaining('an order has an id'),
    })
  },
)
