import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startJob, type Job, type JobEvent } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { afterEach, describe, expect, test } from 'vitest'
import { services } from '../../../scripts/services/catalogue.ts'
import { programOf } from '../../../scripts/services/program.ts'
import { nats } from '../src/index.ts'
import { realServer } from './real-server.ts'

const server = await realServer()
const { url, freshStream, store, textsIn, countIn } = server

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
    for (let round = 0; round < 6; round++) {
      await store(
        input,
        Array.from({ length: 500 }, (_, n) => String(round * 500 + n)),
      )
      await expect.poll(() => countIn(output), { timeout: 300_000, interval: 5 }).toBeGreaterThan(round * 400)
      if (round === 3) proxy.swallow()
      else proxy.cut()
    }
    await expect.poll(() => countIn(output), { timeout: 300_000 }).toBe(3_000)
    await job.stop()
    expect((await textsIn(output)).map(Number)).toEqual(Array.from({ length: 3_000 }, (_, n) => n))
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

  test('with a wrong password fails the start at once, and the right one is printed nowhere', async () => {
    const program = await programOf(services.nats)
    const directory = await freshDirectory()
    const args = services.nats.arguments({ port: 0, ports: [], directory, jars: '' })
    args[args.indexOf('--port') + 1] = '-1'
    const child = spawn(program.file, [...args, '--user', 'millrace', '--pass', 'secret-word'])
    cleanups.push(() => child.kill('SIGKILL'))
    let log = ''
    const port = await new Promise<string>((resolve) => {
      child.stderr.on('data', (data) => {
        log += String(data)
        const [, found] = /client connections on 127\.0\.0\.1:(\d+)/.exec(log) ?? []
        if (found !== undefined) resolve(found)
      })
    })
    const end = async (login: string, stream: string): Promise<string> => {
      const job = await copy(`nats://${login}127.0.0.1:${port}`, stream, stream)
      const { outcome, ...rest } = await job.ended
      expect(outcome).toBe('failed')
      const { error } = rest as { readonly error: Error }
      const text = `${String(error)} ${error.stack} ${JSON.stringify(error)}`
      expect(text).not.toMatch(/secret-word|another-word/)
      return text
    }
    expect(await end('millrace:another-word@', 'a')).toMatch(
      /Authorization Violation.*give user and password/s,
    )
    expect(await end('', 'a')).toMatch(/Authorization Violation.*give user and password/s)
    // With the right one it comes as far as the stream.
    expect(await end('millrace:secret-word@', 'a')).toMatch(/there is no stream a on/)
  })
})
