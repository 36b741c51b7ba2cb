import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { realServer } from '../../packages/connector-rabbitmq/test/real-server.ts'
import { Command, millrace, scratch } from '../../packages/millrace/test/command.ts'

const broker = await realServer()
const { url, freshQueue, store, textsIn, countIn } = broker
const program = fileURLToPath(new URL('tasks.ts', import.meta.url))
const refusedCents = 13

/** A system that is down until it is up, and refuses amounts that it does not like. */
class Cashier {
  isDown = true
  likesAll = false
  calls = 0
  readonly charged = new Set<string>()
  readonly #server: Server

  constructor() {
    this.#server = createServer((request, response) => {
      this.calls++
      let body = ''
      request.on('data', (text) => (body += String(text)))
      request.on('end', () => {
        const { cents } = JSON.parse(body) as { cents: number }
        const id = String(request.headers['idempotency-key'])
        if (this.isDown) response.statusCode = 503
        else if (cents === refusedCents && !this.likesAll) response.statusCode = 422
        else this.charged.add(id)
        response.end(`receipt of ${id}`)
      })
    })
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/charges`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

const cashier = new Cashier()
afterAll(() => cashier.close())

test.skipIf(broker.missing !== undefined)(
  'tasks wait for a system that is down, one that it refuses is kept, and is done when it is redriven',
  async () => {
    const [queue, receipts] = [await freshQueue(), await freshQueue()]
    const endpoint = await cashier.open()
    const directory = `${await scratch()}/data`
    const parameters = Object.entries({ url, endpoint, queue, receipts }).flatMap(([name, value]) => [
      '--parameter',
      `${name}=${value}`,
    ])
    const common = [program, '--data-dir', directory, ...parameters]
    const tasks = Array.from({ length: 40 }, (_, n) => ({
      id: `task-${n}`,
      customer: `customer-${n % 7}`,
      cents: n === 20 ? refusedCents : 100 + n,
    }))
    const ids = (text: string): string => (JSON.parse(text) as { id: string }).id
    await store(
      queue,
      tasks.map((task) => JSON.stringify(task)),
      { ids },
    )
    const job = new Command(['run', ...common])
    await job.says(/charge.*(down|open)/i)
    const { calls } = cashier
    expect(calls).toBeLessThan(40)
    cashier.isDown = false
    await expect.poll(() => countIn(receipts), { timeout: 300_000 }).toBe(39)
    job.kill('SIGTERM')
    expect((await job.ended).code).toBe(0)
    expect(await countIn(queue)).toBe(0)

    const listed = await millrace(['dlq', 'list', ...common])
    expect(listed.out).toContain('has answered 422')
    cashier.likesAll = true
    expect((await millrace(['dlq', 'redrive', ...common])).code).toBe(0)
    expect((await millrace(['run', ...common, '--bounded'])).code).toBe(0)
    const done = (await textsIn(receipts)).map((text) => (JSON.parse(text) as { id: string }).id)
    expect(done.toSorted()).toEqual(tasks.map(({ id }) => id).toSorted())
    expect(cashier.charged.size).toBe(40)
  },
)
