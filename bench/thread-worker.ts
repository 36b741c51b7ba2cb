/** The functions that `threads.bench.ts` runs in worker threads. */
import { CLOSED, EMPTY } from '@millrace/channels'
import { bytesCodec, jsonCodec, openChannel, recordCodec } from '@millrace/threads'
import type { ChannelHandle, RingCodec } from '@millrace/threads'

/** An object of seven fields: numbers, short strings, a boolean. */
export interface Order {
  readonly id: number
  readonly price: number
  readonly quantity: number
  readonly symbol: string
  readonly side: string
  readonly at: number
  readonly isOpen: boolean
}

/** By name, since a codec cannot be posted. */
export const codecs = {
  bytes: bytesCodec,
  order: recordCodec({
    id: 'int32',
    price: 'float64',
    quantity: 'int32',
    symbol: 'text',
    side: 'text',
    at: 'float64',
    isOpen: 'boolean',
  }),
  json: jsonCodec<Order>(),
} as const

interface Drain {
  readonly handle: ChannelHandle<unknown>
  readonly codec: keyof typeof codecs
}

function open({ handle, codec }: Drain): ReturnType<typeof openChannel<unknown>> {
  // The sender uses the same codec.
  return openChannel(handle, codecs[codec] as unknown as RingCodec<unknown>)
}

/** Receives everything in batches, and returns the number of values. */
export async function drainMany(from: Drain): Promise<number> {
  const channel = open(from)
  for (let count = 0; ;) {
    const values = await channel.receiveMany(256)
    if (values.length === 0) return count
    count += values.length
  }
}

/** Receives everything one value at a time, trying before it waits. */
export async function drainSingly(from: Drain): Promise<number> {
  const channel = open(from)
  for (let count = 0; ; count++) {
    const value = channel.tryReceive()
    if (value === CLOSED || (value === EMPTY && !(await channel.receive()).ok)) return count
  }
}

/** A few milliseconds of arithmetic. */
export function compute(seed: number): number {
  let hash = seed
  for (let round = 0; round < 2_000_000; round++) hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) + round
  return hash
}
