import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import { nodePlatform } from '@millrace/node'
import { simulateSeeds } from '@millrace/simulator'
import { expect, test } from 'vitest'
import sshGuard from './01-ssh-guard/ssh-guard.ts'
import cardFraud from './02-card-fraud/fraud.ts'
import adClicks from './05-ad-clicks/ad-clicks.ts'
import kafkaOrders, { type Order } from './11-kafka-orders/orders.ts'

const seeds = env['MILLRACE_TEST_LEVEL'] === 'full' ? 200 : 20
const data = fileURLToPath(new URL('05-ad-clicks/data', import.meta.url))
const log = fileURLToPath(new URL('01-ssh-guard/sample.log', import.meta.url))

test.each([
  ['01-ssh-guard', sshGuard, { log, year: 2026 }],
  ['02-card-fraud', cardFraud, {}],
  ['05-ad-clicks', adClicks, { data }],
])('%s gives the same results in every simulated world', async (_name, pipeline, parameters) => {
  const report = await simulateSeeds(pipeline, { seeds, parameters, fs: nodePlatform().fs })
  expect(report).toMatchObject({ seeds, failures: [], notCompared: [] })
  expect(report.lives).toBeGreaterThan(2 * seeds)
})

/** Orders in two partitions. */
function orders(): Readonly<Record<string, readonly Order[]>> {
  const made = (partition: number): Order[] =>
    Array.from({ length: 20 }, (_, n) => ({
      id: `${partition}-${n}`,
      shop: `shop-${(n * 7) % 5}`,
      cents: n * 100,
      at: 1_000_000 + n * 10_000,
    }))
  return { 'orders-0': made(0), 'orders-1': made(1) }
}

test('11-kafka-orders gives the same results in every simulated world, without a broker', async () => {
  const report = await simulateSeeds(kafkaOrders, { seeds: seeds / 4, inputs: { orders: orders() } })
  expect(report).toMatchObject({ seeds: seeds / 4, failures: [], notCompared: [] })
})
