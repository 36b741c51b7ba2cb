// The module that the tests of pools run in worker threads.
import process from 'node:process'
import { CLOSED, EMPTY } from '@millrace/channels'
import { openChannel } from '../src/channel/shared-channel.ts'
import type { ChannelHandle } from '../src/channel/shared-channel.ts'
import { bytesCodec, jsonCodec } from '../src/codec/plain-codecs.ts'

export const notAFunction = 1

export function double(n: number): number {
  return n * 2
}

export async function doubleLater(n: number): Promise<number> {
  await Promise.resolve()
  return n * 2
}

export class OrderError extends RangeError {
  override readonly name = 'OrderError'
  readonly order = 7
  readonly callback = (): void => {}
}

export function fail(kind: 'error' | 'type' | 'value'): never {
  if (kind === 'type') throw new TypeError('wrong type')
  // oxlint-disable-next-line typescript/only-throw-error -- anything may be thrown
  if (kind === 'value') throw { odd: true }
  throw new OrderError('no such order', { cause: new Error('the shelf is empty') })
}

export function returnFunction(): unknown {
  return { callback: () => 1 }
}

export function untilAborted(gate: Int32Array, signal: AbortSignal): Promise<string> {
  Atomics.add(gate, 0, 1)
  Atomics.notify(gate, 0)
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}

/** Signals at the gate, and computes without a pause. */
export function spinFrom(gate: Int32Array, _signal: AbortSignal): never {
  Atomics.add(gate, 0, 1)
  Atomics.notify(gate, 0)
  for (;;) Atomics.load(gate, 0)
}

/** Ends the worker in the given way. */
export function end(how: 'exit' | 'throw' | 'memory' | 'spin'): Promise<never> {
  if (how === 'exit') process.exit(7)
  if (how === 'throw') {
    setTimeout(() => {
      throw new Error('uncaught on purpose')
    })
  }
  if (how === 'memory') for (const hoard: number[][] = []; ;) hoard.push(Array(10_000).fill(1.5) as number[])
  if (how === 'spin') for (;;) Atomics.load(new Int32Array(1), 0)
  return new Promise(() => {})
}

export function throwLater(): void {
  setTimeout(() => {
    throw new Error('after the call')
  })
}

const numbers = jsonCodec<number>()

interface Production {
  to: ChannelHandle<number>
  from: number
  count: number
}

export async function produce({ to, from, count }: Production): Promise<void> {
  const channel = openChannel(to, numbers)
  for (let n = from; n < from + count; n++) await channel.send(n)
}

export async function produceMany({ to, from, count }: Production): Promise<void> {
  await openChannel(to, numbers).sendMany(Array.from({ length: count }, (_, n) => from + n))
}

export async function consume(from: ChannelHandle<number>): Promise<number[]> {
  const received: number[] = []
  for await (const n of openChannel(from, numbers)) received.push(n)
  return received
}

export async function consumeMany(from: ChannelHandle<number>): Promise<number[]> {
  const channel = openChannel(from, numbers)
  const received: number[] = []
  for (;;) {
    const some = await channel.receiveMany(7)
    if (some.length === 0) return received
    received.push(...some)
  }
}

/** Receives without ever waiting on the event loop. */
export function poll(from: ChannelHandle<number>): number[] {
  const channel = openChannel(from, numbers)
  for (const received: number[] = []; ;) {
    const value = channel.tryReceive()
    if (value === CLOSED) return received
    if (value !== EMPTY) received.push(value)
  }
}

/**
 * Sends one value, signals at the gate, and never returns from encoding the next. The thread must be killed.
 */
export async function dieWhileSending({
  to,
  gate,
}: {
  to: ChannelHandle<Uint8Array>
  gate: Int32Array
}): Promise<void> {
  const channel = openChannel(to, {
    ...bytesCodec,
    encode(value, memory, from, end) {
      const written = bytesCodec.encode(value, memory, from, end)
      if (value.length === 1) return written
      Atomics.add(gate, 0, 1)
      Atomics.notify(gate, 0)
      for (;;) Atomics.load(gate, 0)
    },
  })
  await channel.sendMany([new Uint8Array([1]), new Uint8Array([2, 2])])
}

export async function dieWhileReceiving(from: ChannelHandle<Uint8Array>): Promise<void> {
  await openChannel(from, {
    ...bytesCodec,
    decode: () => process.exit(5),
  }).receive()
}
