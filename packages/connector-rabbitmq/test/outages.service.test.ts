import { readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import type { Job } from '@millrace/core/job'
import { pipeline, type Pipeline } from '@millrace/flow'
import { describe, expect, onTestFinished, test } from 'vitest'
import { dataDirectory, failed, run, startOn, upTo } from '../../../lab/servers/job-on-disk.ts'
import { authorityOf } from '../../../scripts/services/certificates.ts'
import { LoopbackProxy } from '../../../scripts/services/loopback-proxy.ts'
import { rabbitPorts } from '../../../scripts/services/rabbitmq.ts'
import { rabbitmq, type RabbitOptions } from '../src/index.ts'
import { texts } from './job-parts.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshQueue, store, textsIn, countIn } = server
const ids = (text: string): string => `id-${text}`

/** Copies a queue, or a stream, to a queue. */
function copying(
  options: RabbitOptions,
  from: { queue: string } | { stream: string },
  output: string,
): Pipeline {
  return pipeline('copy', (p) => {
    const source =
      'queue' in from
        ? rabbitmq.receiveJson<number>({ ...options, ...from, deduplicateBy: 'messageId' })
        : rabbitmq.readJson<number>({ ...options, ...from })
    p.from('in', source)
      .keyBy(() => 'all')
      .scan(
        'count',
        () => ({ count: 0, n: -1 }),
        (before, n) => ({ count: before.count + 1, n }),
      )
      .to('out', rabbitmq.writeJson({ ...options, queue: output }))
  })
}

async function proxied(): Promise<{ readonly proxy: LoopbackProxy; readonly url: string }> {
  const proxy = new LoopbackProxy(Number(new URL(url).port))
  onTestFinished(() => proxy.close())
  return { proxy, url: `amqp://127.0.0.1:${await proxy.open()}` }
}

describe.skipIf(server.missing !== undefined)('a connection to a real broker', () => {
  test.each(['queue', 'stream'] as const)(
    'that is cut, or swallows everything, loses no message of a %s and counts none twice',
    async (kind) => {
      const input = await freshQueue(kind === 'stream' ? { 'x-queue-type': 'stream' } : {})
      const output = await freshQueue()
      const { proxy, url: address } = await proxied()
      const built = copying({ url: address }, kind === 'queue' ? { queue: input } : { stream: input }, output)
      const warnings: string[] = []
      const job: Job = startOn(built, await dataDirectory(), { warnings })
      const counts = async (): Promise<ReadonlyMap<number, number>> =>
        new Map(
          (await textsIn(output)).map((text) => {
            const { value } = JSON.parse(text) as { value: { count: number; n: number } }
            return [value.n, value.count]
          }),
        )
      const [rounds, each] = [5, 2_000]
      for (let round = 0; round < rounds; round++) {
        await store(input, texts(round * each, each), { ids })
        await expect.poll(() => countIn(output), { timeout: 300_000 }).toBeGreaterThan(round * each * 0.75)
        if (round === 2) proxy.swallow()
        else proxy.cut()
      }
      await expect
        .poll(async () => (await counts()).size, { timeout: 300_000, interval: 500 })
        .toBe(rounds * each)
      await job.stop()
      const found = await counts()
      expect([...found.values()].toSorted((a, b) => a - b)).toEqual(upTo(rounds * each).map((n) => n + 1))
    },
  )

  test('that was never there fails the start at once', async () => {
    const gone = await proxied()
    gone.proxy.close()
    const built = copying({ url: gone.url }, { queue: 'a' }, 'a')
    expect(await run(built, await dataDirectory())).toMatchObject(
      failed(/no connection to RabbitMQ on 127\.0\.0\.1:\d+: .*ECONNREFUSED.*check the address/),
    )
  })

  test('with a wrong password or virtual host fails the start at once, and no password is printed', async () => {
    const { port } = new URL(url)
    const end = async (login: string, vhost = ''): Promise<string> => {
      const address = `amqp://${login}127.0.0.1:${port}${vhost}`
      const result = await run(copying({ url: address }, { queue: 'a' }, 'a'), await dataDirectory())
      const text = `${inspect(result, { depth: 9 })}${JSON.stringify(result)}`
      expect(result.outcome).toBe('failed')
      expect(text).not.toMatch(/secret-word/)
      return text
    }
    expect(await end('guest:secret-word@')).toMatch(/ACCESS_REFUSED.*check user, password and virtual host/s)
    expect(await end('guest:guest@', '/no-such-host')).toMatch(
      /NOT_ALLOWED - vhost no-such-host not found; check user/,
    )
  })

  test.skipIf(server.directory === '')('with TLS works if the authority is trusted', async () => {
    const [input, output] = [await freshQueue(), await freshQueue()]
    await store(input, texts(0, 10), { ids })
    const address = `amqps://guest:guest@127.0.0.1:${rabbitPorts(server.ports).tls}`
    const ca = await readFile(authorityOf(server.directory), 'utf8')
    const trusting = copying({ url: address, tls: { ca } }, { queue: input }, output)
    expect(await run(trusting, await dataDirectory())).toEqual({ outcome: 'finished' })
    expect(await countIn(output)).toBe(10)
    expect(
      await run(copying({ url: address }, { queue: input }, output), await dataDirectory()),
    ).toMatchObject(failed(/no connection to RabbitMQ on .*(self-signed|unable to verify)/))
  })
})
