/**
 * Orders from Kafka, and what each shop sells in a minute back into Kafka, exactly once.
 *
 *     npx millrace run examples/11-kafka-orders/orders.ts --parameter brokers=localhost:9092
 */
import { kafka } from '@millrace/connector-kafka'
import { count, deadLetter, pipeline, sum, tumbling } from 'millrace'

/** A customer has ordered something. */
export interface Order {
  readonly id: string
  readonly shop: string
  readonly cents: number
  readonly at: number
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
  const rejected = deadLetter('rejected', kafka.writeJson({ brokers, topic: 'orders-rejected' }))

  p.from('orders', kafka.readJson({ brokers, topic: 'orders', schema: order }), { onError: rejected })
    .withTimestamps({ timestamp: ({ at }) => at, maxOutOfOrderness: '5s' })
    .keyBy(({ shop }) => shop)
    .window(tumbling('1m'))
    .aggregate('sales', { orders: count(), cents: sum(({ cents }) => cents) })
    .map(({ key, window, orders, cents }) => ({ shop: key, minute: window.start, orders, cents }))
    .to('totals', kafka.writeJson({ brokers, topic: 'totals', key: ({ shop }) => shop }))
})
