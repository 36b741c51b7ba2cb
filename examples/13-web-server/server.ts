/**
 * A web server with a pipeline inside: it takes orders, and sends what each shop has sold to web pages as it changes.
 *
 *     npx tsx examples/13-web-server/server.ts
 *     curl -d '{"id":"1","shop":"nord","cents":250}' -H 'content-type: application/json' localhost:3000/orders
 *     curl -N localhost:3000/totals
 */
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import { memory, pipeline, start } from 'millrace'

/** A customer has ordered something. */
export interface Order {
  readonly id: string
  readonly shop: string
  readonly cents: number
}

/** What a shop has sold. */
export interface Total {
  readonly shop: string
  readonly orders: number
  readonly cents: number
}

const orders = memory.receive<Order>()
const totals = memory.writeIterable<Total>()

export const sales = pipeline('sales', (p) => {
  p.from('orders', orders)
    .keyBy(({ shop }) => shop)
    .scan(
      'sales',
      () => ({ orders: 0, cents: 0 }),
      (sold, { cents }) => ({ orders: sold.orders + 1, cents: sold.cents + cents }),
    )
    .map(({ key, value }) => ({ shop: key, ...value }))
    .to('totals', totals)
})

/** Makes the web application. `listen` is called with every new total. */
export function app(): Hono {
  /** The newest total of each shop, and the pages that are open. */
  const latest = new Map<string, Total>()
  const pages = new Set<(total: Total) => void>()
  void (async () => {
    for await (const total of totals) {
      latest.set(total.shop, total)
      for (const show of pages) show(total)
    }
  })()

  const web = new Hono()
  // Answered when the job has read the order: a busy job slows down its callers.
  web.post('/orders', async (c) => {
    const { id, shop, cents } = await c.req.json<Partial<Order>>()
    if (typeof id !== 'string' || typeof shop !== 'string' || !Number.isSafeInteger(cents)) {
      return c.json({ error: 'an order has an id, a shop and cents' }, 400)
    }
    await orders.push({ id, shop, cents: cents! })
    return c.json({ accepted: 1 }, 202)
  })
  web.get('/totals/:shop', (c) => {
    const total = latest.get(c.req.param('shop'))
    return total === undefined ? c.notFound() : c.json(total)
  })
  // What every shop has sold so far, and then each change.
  web.get('/totals', (c) =>
    streamSSE(c, async (stream) => {
      const waiting = [...latest.values()]
      let wake = (): void => {}
      const show = (total: Total): void => {
        waiting.push(total)
        wake()
      }
      pages.add(show)
      stream.onAbort(() => wake())
      while (!stream.aborted) {
        for (const total of waiting.splice(0)) await stream.writeSSE({ data: JSON.stringify(total) })
        if (waiting.length === 0 && !stream.aborted) await new Promise<void>((resolve) => (wake = resolve))
      }
      pages.delete(show)
    }),
  )
  return web
}

if (process.argv[1] === import.meta.filename) {
  const job = start(sales, { dataDir: '.millrace/web-server', checkpointEvery: '200ms' })
  const server = serve({ fetch: app().fetch, port: 3000 }, ({ port }) =>
    console.log(`http://localhost:${port}`),
  )
  process.once('SIGTERM', () => {
    server.close()
    void job.stop()
  })
}
