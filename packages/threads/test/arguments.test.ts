import { background } from '@millrace/channels'
import { describe, expect, test } from 'vitest'
import * as api from '../src/index.ts'

/** The package without its types, as plain JavaScript sees it. */
// oxlint-disable-next-line typescript/no-explicit-any -- that is the point of this test
const js = api as any
const { bytesCodec, textCodec, jsonCodec } = api

const module = new URL('worker.ts', import.meta.url)

// oxlint-disable-next-line typescript/no-explicit-any -- as above
function channelOf(codec: unknown): any {
  return js.sharedChannel({ capacity: 2, codec })
}

/** Calls with arguments of the wrong type, and the messages of their TypeErrors. */
const kinds: readonly (readonly [call: () => unknown, message: string])[] = [
  [() => js.sharedChannel(), 'sharedChannel: the options are undefined; pass { capacity, codec }'],
  [() => js.sharedChannel(5), 'sharedChannel: the options are 5; pass { capacity, codec }'],
  [
    () => js.sharedChannel({ capacity: 1 }),
    'sharedChannel: the codec is undefined; pass one, such as textCodec or jsonCodec()',
  ],
  [
    () => channelOf(jsonCodec),
    'sharedChannel: the codec is a function; pass one, such as textCodec or jsonCodec()',
  ],
  [
    () => js.openChannel(),
    "openChannel: the handle is undefined; pass the result of a shared channel's handle()",
  ],
  [
    () => js.openChannel(channelOf(textCodec), textCodec),
    "openChannel: the handle is an object; pass the result of a shared channel's handle()",
  ],
  [
    () => js.openChannel(channelOf(textCodec).handle()),
    'openChannel: the codec is undefined; pass one, such as textCodec or jsonCodec()',
  ],
  [() => channelOf(textCodec).send(5), 'textCodec: 5 is not a string; pass one'],
  [() => channelOf(textCodec).trySend(), 'textCodec: undefined is not a string; pass one'],
  [() => channelOf(bytesCodec).send('abc'), 'bytesCodec: a string is not a Uint8Array; pass one'],
  [
    () => channelOf(bytesCodec).send(new Float64Array(1)),
    'bytesCodec: an object is not a Uint8Array; pass one',
  ],
  [() => js.recordCodec(), 'recordCodec: the schema is undefined; pass an object of fields and their kinds'],
  [
    () => js.recordCodec({ id: 'int' }),
    'recordCodec: field "id" is of kind "int"; pass int32, float64, boolean, int64 or text',
  ],
  [
    () => channelOf(js.recordCodec({ id: 'int32' })).send(null),
    'recordCodec: null is not a record; pass an object',
  ],
  [
    () => channelOf(textCodec).receive(background),
    'receive: the signal is an EndlessContext; pass its property signal',
  ],
  [() => channelOf(textCodec).sendMany(new Set(['a'])), 'sendMany: values is an object; pass an array'],
  [() => channelOf(textCodec).sendMany(['a'], undefined, 5), 'sendMany: the progress is 5; pass { sent: 0 }'],
  [() => js.pool(module, 2), 'pool: the options are 2; pass { size }'],
  [() => js.watchWorker(), 'watchWorker: the worker is undefined; pass a Worker of node:worker_threads'],
]

const numbers: readonly (readonly [call: () => unknown, message: string])[] = [
  [
    () => js.sharedChannel({ capacity: '5', codec: textCodec }),
    'sharedChannel: capacity is a string; pass an integer from 1 to 1073741824',
  ],
  [
    () => js.sharedChannel({ capacity: 5, codec: textCodec, ringBytes: '5000' }),
    'sharedChannel: ringBytes is a string; pass a number from 1024 to 1073741824',
  ],
  [() => channelOf(textCodec).receiveMany(1.5), 'receiveMany: max is 1.5; pass an integer of at least 1'],
  [() => channelOf(textCodec).receiveMany(), 'receiveMany: max is undefined; pass an integer of at least 1'],
  [() => js.pool(module, { size: '2' }), 'pool: size is a string; pass an integer from 1 on'],
  [() => js.pool(module, { graceMs: '5' }), 'pool: graceMs is a string; pass a number of milliseconds'],
]

describe('an argument of the wrong type from plain JavaScript', () => {
  test.each(kinds.map(([call, message]) => ({ call, message })))('$message', async ({ call, message }) => {
    await expect(async () => call()).rejects.toThrow(new TypeError(message))
  })

  test.each(numbers.map(([call, message]) => ({ call, message })))('$message', async ({ call, message }) => {
    await expect(async () => call()).rejects.toThrow(new RangeError(message))
  })
})
