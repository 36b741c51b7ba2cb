import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import {
  expectedCounts,
  killTenTimes,
  numberedText,
  numberedTexts,
  recordsOfTrial,
  type CountedNumber,
} from '../../../lab/servers/kill-ten-times.ts'
import { KeyReceiver } from './key-receiver.ts'
import { LoopbackServer } from './loopback.ts'

/** A server with pages and events of numbers: those that a test has fed so far. */
class NumberServer {
  #available = 0
  #wake: (() => void)[] = []

  feed(end: number): Promise<void> {
    this.#available = end
    for (const wake of this.#wake.splice(0)) wake()
    return Promise.resolve()
  }

  pages({ url }: IncomingMessage, response: ServerResponse): void {
    const after = Number(new URL(url ?? '', 'http://x').searchParams.get('after'))
    const page = numberedTexts(after, Math.max(after, Math.min(after + 50, this.#available)))
    response.setHeader('content-type', 'application/json').end(`[${page.join(',')}]`)
  }

  /** Sends events, after the last that a client has. Ends after the last of all. */
  events({ headers }: IncomingMessage, response: ServerResponse): void {
    const last = headers['last-event-id']
    response.on('error', () => {})
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 10\n\n')
    let next = last === undefined ? 0 : Number(last) + 1
    const send = (): void => {
      if (response.destroyed) return
      while (next < this.#available) {
        const isTaken = response.write(`id: ${next}\ndata: ${numberedText(next)}\n\n`)
        next++
        // Small steps, so that a connection is in the middle of something when it is cut.
        if (!isTaken || next % 100 === 0) return void setImmediate(send)
      }
      if (next === recordsOfTrial) response.end()
      else this.#wake.push(send)
    }
    send()
  }
}

/** Posts numbers to `http.receive` at a port, until it has answered: also to the next process that listens there. */
async function post(port: number, from: number, end: number): Promise<void> {
  for (let at = from; at < end; at += 100) {
    const texts = numberedTexts(at, Math.min(at + 100, end))
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': String(at) },
        body: texts.join('\n'),
      }).catch(() => undefined)
      if (answer?.status === 200) break
      if (answer !== undefined && answer.status < 429)
        throw new Error(`${answer.status} ${await answer.text()}`)
      await delay(20)
    }
  }
}

async function servedBy(listener: RequestListener): Promise<LoopbackServer> {
  const server = await LoopbackServer.open(listener)
  onTestFinished(() => server.stop())
  return server
}

test.each(['poll', 'events', 'receive'] as const)(
  'a process that is killed ten times, beside a server that restarts at one third and one half, reads and sends each record once: %s',
  async (what) => {
    const [numbers, receiver] = [new NumberServer(), new KeyReceiver<CountedNumber>()]
    const server = await servedBy((request, response) => {
      if (request.method === 'POST') receiver.listener(request, response)
      else if (request.url!.startsWith('/events')) numbers.events(request, response)
      else numbers.pages(request, response)
    })
    // A port that is free, for a server that comes and goes.
    const own = await servedBy(() => {})
    await own.stop()
    let posting = Promise.resolve()
    await killTenTimes({
      program: new URL('program.ts', import.meta.url),
      args: [
        what,
        String(what === 'receive' ? own.port : server.port),
        `http://127.0.0.1:${server.port}/numbers`,
      ],
      feed: async (from, end) => {
        if (what !== 'receive') return numbers.feed(end)
        await posting
        const first = end === recordsOfTrial ? end : from + 100
        await post(own.port, from, first)
        // The process is killed in the middle of this.
        posting = post(own.port, first, end)
      },
      written: () => receiver.accepted.length,
      restart: async () => {
        await server.stop()
        await server.start()
      },
    })
    expect(receiver.conflicts).toBe(0)
    expect(receiver.repeated).toBeGreaterThan(0)
    expect(receiver.accepted.toSorted((a, b) => a.value.n - b.value.n)).toEqual(expectedCounts())
  },
)
