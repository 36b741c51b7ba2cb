import { readFile } from 'node:fs/promises'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import { nodePlatform } from '@millrace/node'
import { simulateSeeds } from '@millrace/simulator'
import { expect, test } from 'vitest'
import sshGuard from './01-ssh-guard/ssh-guard.ts'
import cardFraud from './02-card-fraud/fraud.ts'
import adClicks from './05-ad-clicks/ad-clicks.ts'
import sensorAnomalies from './06-sensor-anomalies/sensor-anomalies.ts'
import type { Reading } from './06-sensor-anomalies/readings.ts'
import recommendations from './07-recommendations/recommendations.ts'
import monitoring from './08-monitoring/monitoring.ts'
import webSessions from './09-web-sessions/web-sessions.ts'
import monthlyBill from './10-monthly-bill/monthly-bill.ts'
import kafkaOrders, { type Order } from './11-kafka-orders/orders.ts'
import taskQueue, { type Task } from './12-task-queue/tasks.ts'
import { sales, type Order as Sale } from './13-web-server/server.ts'
import natsAlerts, { type Reading as Temperature } from './14-nats-alerts/alerts.ts'

const seeds = env['MILLRACE_TEST_LEVEL'] === 'full' ? 200 : 20
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const log = here('01-ssh-guard/sample.log')

test.each([
  ['01-ssh-guard', sshGuard, { log, year: 2026 }],
  ['02-card-fraud', cardFraud, {}],
])('%s gives the same results in every simulated world', async (_name, pipeline, parameters) => {
  const report = await simulateSeeds(pipeline, { seeds, parameters, fs: nodePlatform().fs })
  expect(report).toMatchObject({ seeds, failures: [], notCompared: [] })
  expect(report.lives).toBeGreaterThan(2 * seeds)
})

/** Examples that read files and write files: the sinks, and what they are shown to write. */
const fromFiles = [
  {
    folder: '05-ad-clicks',
    pipeline: adClicks,
    parameters: { data: here('05-ad-clicks/data') },
    sinks: {
      'views-with-clicks': 'views',
      costs: 'costs',
      rates: 'rates',
      'visits-of-users': 'visits',
      'ranking-of-exchanges': 'ranking',
    },
    share: 1,
  },
  {
    folder: '07-recommendations',
    pipeline: recommendations,
    parameters: { data: here('07-recommendations/data') },
    sinks: { users: 'users', items: 'items' },
    share: 0.5,
  },
  {
    folder: '08-monitoring',
    pipeline: monitoring,
    parameters: { data: here('08-monitoring/data') },
    sinks: { 'rates-out': 'rates', alerts: 'alerts' },
    share: 0.25,
  },
  {
    folder: '09-web-sessions',
    pipeline: webSessions,
    parameters: { log: here('09-web-sessions/access.log') },
    sinks: { 'visits-out': 'visits', 'hours-out': 'hours' },
    share: 0.5,
  },
  {
    folder: '10-monthly-bill',
    pipeline: monthlyBill,
    parameters: { data: here('10-monthly-bill/data') },
    sinks: { bills: 'bills' },
    share: 0.5,
  },
] as const

test.each(fromFiles.map((example) => [example.folder, example] as const))(
  '%s gives what it shows in every simulated world',
  async (folder, { pipeline, parameters, sinks, share }) => {
    const options = { seeds: seeds * share, parameters, fs: nodePlatform().fs }
    const report = await simulateSeeds(pipeline, options)
    expect(report).toMatchObject({ seeds: seeds * share, failures: [], notCompared: [] })
    expect(report.lives).toBeGreaterThan(2 * seeds * share)
    for (const [sink, file] of Object.entries(sinks)) {
      const shown = (await readFile(here(`${folder}/expect.${file}.ndjson`), 'utf8')).trim().split('\n')
      const lines = report.expected[sink]!.map((result) => JSON.stringify(result))
      expect(lines.toSorted()).toEqual(shown.toSorted())
    }
  },
)

/** Eight days of two machines, hour by hour. The second is cold on the sixth day. */
function hourly(): readonly Reading[] {
  return Array.from({ length: 2 * 24 * 8 }, (_, n) => {
    const [machine, hour] = [1 + (n % 2), Math.floor(n / 2)]
    const at = new Date(Date.UTC(2026, 0, 1, hour)).toISOString().slice(0, 19).replace('T', ' ')
    const isCold = machine === 2 && hour >= 120 && hour < 144
    return { sensor: `machine-${machine}`, at, value: (isCold ? 50 : 85) + ((n * 7) % 5) }
  })
}

test('06-sensor-anomalies finds the cold machine in every simulated world', async () => {
  const report = await simulateSeeds(sensorAnomalies, {
    seeds: seeds / 10,
    inputs: { readings: { hourly: hourly() } },
  })
  expect(report).toMatchObject({ seeds: seeds / 10, failures: [], notCompared: [] })
  expect(report.expected['alarms-out']).toMatchObject([{ sensor: 'machine-2' }])
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
  const report = await simulateSeeds(kafkaOrders, {
    seeds: seeds / 4,
    inputs: { orders: orders() },
    calls: {
      shop: (value) => {
        const { shop, cents } = value as Order
        return Promise.resolve({ country: shop === 'shop-1' ? 'CH' : 'FR', cents })
      },
    },
  })
  expect(report).toMatchObject({ seeds: seeds / 4, failures: [], notCompared: [] })
})

test('12-task-queue gives the same results in every simulated world, without a broker', async () => {
  const tasks = Array.from({ length: 20 }, (_, n): Task => ({ id: `${n}`, customer: `c${n % 3}`, cents: n }))
  const report = await simulateSeeds(taskQueue, {
    seeds: seeds / 10,
    inputs: { tasks: { tasks } },
    calls: { charge: (value) => Promise.resolve({ id: (value as Task).id, receipt: 'paid' }) },
  })
  expect(report).toMatchObject({ seeds: seeds / 10, failures: [], notCompared: [] })
})

test('13-web-server gives the same totals in every simulated world, without a server', async () => {
  const orders = Array.from({ length: 20 }, (_, n): Sale => ({ id: `${n}`, shop: `s${n % 3}`, cents: n }))
  const report = await simulateSeeds(sales, { seeds: seeds / 2, inputs: { orders: { orders } } })
  expect(report).toMatchObject({ seeds: seeds / 2, failures: [], notCompared: [] })
  expect(report.expected['totals']).toContainEqual({ shop: 's1', orders: 7, cents: 70 })
})

test('14-nats-alerts gives the same results in every simulated world, without a server', async () => {
  const readings = Array.from({ length: 40 }, (_, n): Temperature => {
    return { sensor: `s${n % 2}`, room: `room-${n % 2}`, celsius: 15 + ((n * 7) % 10), at: n * 9_000 }
  })
  const report = await simulateSeeds(natsAlerts, {
    seeds: seeds / 4,
    inputs: { readings: { READINGS: readings } },
    calls: { limit: (value) => Promise.resolve({ ...(value as object), limit: { celsius: 14 } }) },
  })
  expect(report).toMatchObject({ seeds: seeds / 4, failures: [], notCompared: [] })
})
