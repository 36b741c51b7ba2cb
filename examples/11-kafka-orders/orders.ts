/**
 * Orders from Kafka, enriched with the countries of shops from Redis, and what each country sells in a minute back into Kafka,
 * exactly once.
 *
 *     npx millrace run examples/11-kafka-orders/orders.ts --parameter brokers=localhost:9092
 */
import { kafka } from '@millrace/connector-kafka'
import { redis } from '@millrace/connector-redis'
import { count, deadLetter, pipeline, sum, tumbling } from 'millrace'

/** A customer has ordered something. */
export interface Order {
  readonly id: string
  readonly shop: string
  readonly cents: number
  readonly at: number
}

/** What is known of a shop: a field of the hash `shops`. */
export interface Shop {
  readonly country: string
}

/** What a country sells in a minute. */
export interface Sales {
  readonly country: string
  readonly minute: number
  readonly orders: number
  readonly cents: number
}

/** Checks what comes from outside. A schema of a library such as zod does the same. */
function order(value: unknown): Order {
  const { id, shop, cents, at } = value as Partial<Order>
  if (
    typeof id === 'string' &&
    typeof shop === 'string' &&
    typeof cents === 'number' &&
    typeof at === 'number'
  ) {
    return { id, shop, cents, at }
  }
  throw new Error('an order has an id, a shop, cents and a time')
}

export default pipeline('orders', (p) => {
  const brokers = p.parameter('brokers', 'localhost:9092')
  const url = p.parameter('redis', 'redis://127.0.0.1:6379')
  const orders = p.parameter('orders', 'orders')
  const totals = p.parameter('totals', 'totals')
  const rejected = deadLetter(
    'rejected',
    kafka.writeJson({ brokers, topic: p.parameter('rejected', 'orders-rejected') }),
  )

  p.from('orders', kafka.readJson({ brokers, topic: orders, schema: order }), { onError: rejected })
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '5s' })
    .lookup('shop', {
      key: ({ shop }) => shop,
      load: redis.loadFields<Shop>('shops', { url }),
      combine: ({ cents }, shop) => ({ country: shop?.country ?? 'unknown', cents }),
      cache: { ttl: '10s' },
      timeout: '5s',
      retry: { attempts: 10 },
      breaker: { failures: 5, openFor: '1s' },
    })
    .keyBy(({ country }) => country)
    .window(tumbling('1m'))
    .aggregate('sales', { orders: count(), cents: sum(({ cents }) => cents) })
    .map(({ key, window, orders, cents }): Sales => ({ country: key, minute: window.start, orders, cents }))
    .to('totals', kafka.writeJson({ brokers, topic: totals, key: ({ country }) => country }))
})
