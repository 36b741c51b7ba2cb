import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startJob, type Job, type JobEvent } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { startOn } from '../../../lab/servers/job-on-disk.ts'
import { securedUser } from '../../../scripts/services/catalogue.ts'
import { authorityOf } from '../../../scripts/services/certificates.ts'
import { service } from '../../../scripts/services/service.ts'
import { nats, type NatsOptions } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshStream, store, textsIn, countIn } = server

const secured = await service('securedNats')
afterAll(() => ('missing' in secured ? undefined : secured.stop()))

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean()
})

async function freshDirectory(): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'millrace-nats-outage-'))
  cleanups.push(() => rm(directory, { recursive: true, force: true }))
  return directory
}

async function copy(
  address: string,
  input: string,
  output: string,
  { events = [], from = address }: { readonly events?: JobEvent[]; readonly from?: string } = {},
): Promise<Job> {
  const job = startJob({
    graph: pipeline('copy', (p) => {
      p.from('in', nats.readJson<number>({ url: from, stream: input })).to(
        'out',
        nats.writeJson({ url: address, stream: output, subject: output }),
      )
    }).describe({}).graph,
    platform: nodePlatform(),
    store: memoryStore(),
    directory: await freshDirectory(),
    isBounded: false,
    checkpoints: { everyMs: 50 },
    restart: { kind: 'none' },
    observer: (event) => void events.push(event),
  })
  return job
}

/** Forwards what a client and the server send each other. */
class Proxy {
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>()
  /** Whether it closes new connections at once. */
  isRefusing = false
  readonly #listener = net.createServer((client) => {
    if (this.isRefusing) return void client.destroy()
    const { hostname, port } = new URL(url)
    const upstream = net.connect(Number(port), hostname)
    const pair = [client, upstream] as const
    this.#pairs.add(pair)
    for (const [from, to] of [pair, [upstream, client]] as const) {
      from.on('error', () => {})
      from.on('data', (bytes) => to.write(bytes))
      from.on('close', () => to.destroy())
    }
  })

  async open(): Promise<string> {
    this.#listener.listen(0, '127.0.0.1')
    await once(this.#listener, 'listening')
    return `nats://127.0.0.1:${(this.#listener.address() as net.AddressInfo).port}`
  }

  /** Ends every connection. */
  cut(): void {
    for (const [client, upstream] of this.#pairs) for (const end of [client, upstream]) end.destroy()
    this.#pairs.clear()
  }

  /** Every connection stays open, and nothing comes through it any longer. New ones work. */
  swallow(): void {
    for (const [client, upstream] of this.#pairs) {
      for (const end of [client, upstream]) end.removeAllListeners('data').resume()
    }
  }

  close(): void {
    this.cut()
    this.#listener.close()
  }
}

describe.skipIf(server.missing !== undefined)('a connection', () => {
  test('that is cut, or swallows everything, costs no message and doubles none', async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    const proxy = new Proxy()
    const address = await proxy.open()
    cleanups.push(() => proxy.close())
    const job = await copy(address, input, output)
    const [rounds, each] = [6, 2_000]
    for (let round = 0; round < rounds; round++) {
      await store(
        input,
        Array.from({ length: each }, (_, n) => String(round * each + n)),
      )
      await expect
        .poll(() => countIn(output), { timeout: 300_000, interval: 5 })
        .toBeGreaterThan(round * each * 0.8)
      if (round === 3) proxy.swallow()
      else proxy.cut()
    }
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(rounds * each)
    await job.stop()
    expect((await textsIn(output)).map(Number)).toEqual(Array.from({ length: rounds * each }, (_, n) => n))
  })

  test('to a server that is down opens the breaker of the sink, and closes it again', async () => {
    const [input, output] = [await freshStream(), await freshStream()]
    const proxy = new Proxy()
    const address = await proxy.open()
    cleanups.push(() => proxy.close())
    const events: JobEvent[] = []
    const job = await copy(address, input, output, { events, from: url })
    await store(input, ['1'])
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(1)
    const kinds = (): string[] =>
      events.flatMap((event) =>
        event.kind === 'breaker' ? [event.state] : 'part' in event ? [event.kind] : [],
      )
    proxy.isRefusing = true
    proxy.cut()
    await store(input, ['2'])
    await expect
      .poll(kinds, { timeout: 300_000 })
      .toEqual(expect.arrayContaining(['outage', 'open', 'half-open']))
    proxy.isRefusing = false
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(2)
    expect(kinds().slice(0, 3)).toEqual(['outage', 'open', 'half-open'])
    expect(kinds().slice(-3)).toEqual(['half-open', 'closed', 'recovered'])
    await job.stop()
  })
})

describe.skipIf('missing' in secured || secured.directory === '')('a server with TLS and a password', () => {
  const { port } = new URL('missing' in secured ? 'nats://none:1' : secured.url)
  const right = `${securedUser.username}:${securedUser.password}@`

  async function end(login: string, tls?: NatsOptions['tls']): Promise<string> {
    const options = { url: `nats://${login}127.0.0.1:${port}`, ...(tls !== undefined && { tls }) }
    const built = pipeline('copy', (p) => {
      p.from('in', nats.readText({ ...options, stream: 'a' })).to(
        'out',
        nats.writeText({ ...options, stream: 'a', subject: 'a' }),
      )
    })
    const { outcome, ...rest } = await startOn(built, await freshDirectory(), { isBounded: true }).ended
    expect(outcome).toBe('failed')
    const { error } = rest as { readonly error: Error }
    const text = `${String(error)} ${error.stack} ${JSON.stringify(error)}`
    expect(text).not.toMatch(/secret-word|another-word/)
    return text
  }

  const trusted = async (): Promise<NatsOptions['tls']> => ({
    ca: 'missing' in secured ? '' : await readFile(authorityOf(secured.directory), 'utf8'),
  })

  test('refuses a wrong password at once, and the right one is printed nowhere', async () => {
    const tls = await trusted()
    const refused = /Authorization Violation.*give user and password/s
    expect(await end('millrace:another-word@', tls)).toMatch(refused)
    expect(await end('', tls)).toMatch(refused)
    // With the right one it comes as far as the stream.
    expect(await end(right, tls)).toMatch(/there is no stream a on/)
  })

  test('is not trusted if its authority is not', async () => {
    expect(await end(right, true)).toMatch(/no connection to NATS on .*(self-signed|unable to verify)/)
  })
})
