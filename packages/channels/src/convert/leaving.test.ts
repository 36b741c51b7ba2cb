import { Readable } from 'node:stream'
import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { hasSettled, settle } from '../../test/probe.ts'
import { Channel } from '../channel/channel.ts'
import type { ReceiveChannel } from '../channel/channel-end.ts'
import { Outlet } from '../task/outlet.ts'
import { Scope } from '../task/scope.ts'
import { toWebReadable } from './web-stream.ts'

const broken = new Error('broken')

/** A reader that reads one value at a time, and can leave. */
interface Reader {
  read(): Promise<unknown>
  leave(): Promise<unknown>
}

function walk(values: AsyncIterableIterator<number>): Reader {
  return { read: () => values.next(), leave: () => values.return!() }
}

/** Every kind of reader of a channel. */
const ways: readonly (readonly [
  name: string,
  readerOf: (input: ReceiveChannel<number>, scope: Scope) => Reader,
])[] = [
  ['an iterator', (input) => walk(input.values())],
  ['an iterator under a signal', (input) => walk(input.values(new AbortController().signal))],
  [
    'a Node Readable',
    (input) => {
      const stream = Readable.from(input, { highWaterMark: 1 })
      const values = stream[Symbol.asyncIterator]() as AsyncIterableIterator<number>
      return { read: () => values.next(), leave: () => settle().then(() => stream.destroy()) }
    },
  ],
  [
    'a ReadableStream',
    (input, scope) => {
      const reader = toWebReadable(scope, input).getReader()
      return { read: () => reader.read(), leave: () => reader.cancel() }
    },
  ],
]

describe.each(ways)('a reader of a channel as %s', (_, readerOf) => {
  test('that leaves ends only its own reading, and takes no value', async () => {
    await using scope = new Scope()
    const channel = new Channel<number>()
    for (const input of [channel, new Outlet(channel, scope)]) {
      const reader = readerOf(input, scope)
      const outcome = reader.read().then(
        () => 'over',
        () => 'over',
      )
      expect(await hasSettled(outcome)).toBe(false)
      await reader.leave()
      expect(await hasSettled(outcome)).toBe(true)
      expect(channel.trySend(1)).toBe(false)
      expect(scope.signal.aborted).toBe(false)
      expect(getEventListeners(scope.signal, 'abort')).toEqual([])
    }
  })

  test('that leaves at the moment when a value arrives has that value', async () => {
    await using scope = new Scope()
    const channel = new Channel<number>()
    const reader = readerOf(new Outlet(channel, scope), scope)
    const read = reader.read().catch(() => undefined)
    await settle()
    const isTaken = channel.trySend(1)
    await reader.leave()
    expect(isTaken).toBe(true)
    expect(await read).toMatchObject({ value: 1 })
  })

  test('that receives a failure while it waits counts as informed, so leaving the block does not throw it again', async () => {
    await using scope = new Scope()
    const reader = readerOf(new Outlet(new Channel<number>(), scope), scope)
    const read = reader.read()
    await settle()
    scope.go(() => Promise.reject(broken))
    await expect(read).rejects.toBe(broken)
  })

  test('that receives a failure at its next read counts as informed', async () => {
    await using scope = new Scope()
    const channel = new Channel<number>(1)
    const reader = readerOf(new Outlet(channel, scope), scope)
    channel.trySend(1)
    await reader.read()
    scope.go(() => Promise.reject(broken))
    await settle()
    await expect(reader.read()).rejects.toBe(broken)
  })
})
