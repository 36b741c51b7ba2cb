/**
 * What does sending a record to another thread cost, compared with postMessage? How much faster are two cores
 * than one?
 */
import { Channel, parallelMap, Scope } from '@millrace/channels'
import { pool, sharedChannel } from '@millrace/threads'
import type { RingCodec, SharedChannel } from '@millrace/threads'
import { Worker } from 'node:worker_threads'
import { compare, cost, costOf } from './compare.ts'
import type { Question, Shape } from './compare.ts'
import { codecs, compute } from './thread-worker.ts'

const records = 400_000
const batch = 256

const workers = pool<typeof import('./thread-worker.ts')>(new URL('./thread-worker.ts', import.meta.url), {
  size: 2,
})

// The rival: the simplest program in which one thread posts records and another counts them.
const counter = new Worker(
  `const { parentPort } = require('node:worker_threads')
   let left = 0
   parentPort.on('message', (message) => {
     if (typeof message === 'number') left = message
     else if (--left === 0) parentPort.postMessage('done')
   })`,
  { eval: true },
)

function posted(value: unknown): Shape {
  return async (operations) => {
    const done = new Promise((resolve) => counter.once('message', resolve))
    counter.postMessage(operations)
    for (let n = 0; n < operations; n++) counter.postMessage(value)
    await done
  }
}

type Send<T> = (channel: SharedChannel<T>, value: T, operations: number) => Promise<void>

async function sendMany<T>(channel: SharedChannel<T>, value: T, operations: number): Promise<void> {
  const values = Array<T>(batch).fill(value)
  for (let sent = 0; sent < operations; sent += batch) {
    await channel.sendMany(sent + batch > operations ? values.slice(0, operations - sent) : values)
  }
}

async function sendSingly<T>(channel: SharedChannel<T>, value: T, operations: number): Promise<void> {
  for (let sent = 0; sent < operations; sent++) if (!channel.trySend(value)) await channel.send(value)
}

function crossing<T>(codec: keyof typeof codecs, value: T, send: Send<T>): Shape {
  return async (operations) => {
    const channel = sharedChannel<T>({ capacity: 4096, codec: codecs[codec] as unknown as RingCodec<T> })
    const drain = send === sendMany<T> ? 'drainMany' : 'drainSingly'
    const received = workers.run(drain, { handle: channel.handle() as never, codec })
    await send(channel, value, operations)
    channel.close()
    if ((await received) !== operations) throw new Error(`${await received} of ${operations} values arrived`)
  }
}

const order = { id: 1234, price: 101.25, quantity: 5, symbol: 'ACME', side: 'buy', at: 1.7e12, isOpen: true }

function questions<T>(what: string, codec: keyof typeof codecs, value: T, times?: number): Question[] {
  const rival = posted(value)
  const rivals = { postMessage: (operations: number) => cost(rival, operations / 10) }
  const bar = times === undefined ? undefined : { rival: 'postMessage', times }
  return [
    {
      name: `${what}, ${batch} at a time`,
      operations: records,
      ours: costOf(crossing(codec, value, sendMany)),
      rivals,
      bar,
    },
    {
      name: `${what}, one at a time`,
      operations: records,
      ours: costOf(crossing(codec, value, sendSingly)),
      rivals,
    },
  ]
}

function orderedMap(map: (seed: number) => number | Promise<number>, limit: number): Shape {
  return async (operations) => {
    await using scope = new Scope()
    const seeds = new Channel<number>(4)
    scope.go(async (signal) => {
      for (let seed = 0; seed < operations; seed++) await seeds.send(seed, signal)
      seeds.close()
    })
    let count = 0
    for await (const _result of parallelMap(scope, seeds, limit, map)) count++
    if (count !== operations) throw new Error(`${count} of ${operations} results`)
    await scope.wait()
  }
}

await compare(
  [
    ...questions('16 B', 'bytes', new Uint8Array(16)),
    ...questions('128 B', 'bytes', new Uint8Array(128), 1 / 5),
    ...questions('object of 7 fields, recordCodec', 'order', order),
    ...questions('object of 7 fields, jsonCodec', 'json', order),
    {
      name: 'ordered map of computation, 2 workers',
      operations: 50,
      ours: costOf(orderedMap(workers.fn('compute'), 4)),
      rivals: { 'one core': costOf(orderedMap(compute, 1)) },
      bar: { rival: 'one core', times: 1 / 1.7 },
    },
  ],
  7,
)
await workers.close()
await counter.terminate()
