import { Channel } from '@millrace/channels'
import { describeCases, sinkConformance, sourceConformance, type SourceFeatures } from '@millrace/testkit'
import { describe, test } from 'vitest'
import type { RecordHeaders } from '@millrace/core'
import type { Source } from '@millrace/core/connector'
import { memory } from '../src/index.ts'

const records = ['one', 'two', 'three', 'four', 'five', 'six', 'seven']

async function* slowly(): AsyncGenerator<string> {
  for (const record of records) {
    await Promise.resolve()
    yield record
  }
}

const replayable: SourceFeatures = {
  durability: 'replayable',
  ends: true,
  severalSplits: false,
  failures: false,
  grows: false,
  acknowledges: false,
}

for (const [name, iterable] of [
  ['an array', records],
  ['a function that makes an async generator', slowly],
] as const) {
  describeCases(
    name,
    sourceConformance<unknown>({
      create: () =>
        Promise.resolve({
          source: () => memory.readIterable(iterable) as Source<unknown>,
          splits: new Map([['values', records]]),
        }),
      features: replayable,
    }),
    { describe, test },
  )
}

const headersOf = (record: string): RecordHeaders | undefined =>
  record.length === 3 ? { record, bytes: Uint8Array.of(record.length, 255) } : undefined

describeCases(
  'arrays with headers',
  sourceConformance<string>({
    create: () =>
      Promise.resolve({
        source: () => memory.read({ a: records, b: records.toReversed() }, { headers: headersOf }),
        splits: new Map([
          ['a', records],
          ['b', records.toReversed()],
        ]),
        headers: new Map([
          ['a', records.map(headersOf)],
          ['b', records.toReversed().map(headersOf)],
        ]),
      }),
    features: { ...replayable, severalSplits: true },
  }),
  { describe, test },
)

const volatile: SourceFeatures = { ...replayable, durability: 'volatile' }

/** What a new process would have: a new input, with the records already in it. */
const volatileSources: Readonly<Record<string, () => Source<string>>> = {
  'an input': () => {
    const input = memory.receive<string>()
    for (const record of records) input.tryPush(record)
    input.end()
    return input
  },
  'a generator': () => memory.readIterable(slowly()),
  'a channel': () => {
    const channel = new Channel<string>(records.length)
    for (const record of records) channel.trySend(record)
    channel.close()
    return memory.readChannel(channel) as Source<string>
  },
  'an observable': () =>
    memory.readObservable<string>({
      subscribe: (observer) => {
        for (const record of records) observer.next(record)
        observer.complete()
        return { unsubscribe: () => {} }
      },
    }),
}

for (const [name, source] of Object.entries(volatileSources)) {
  describeCases(
    name,
    sourceConformance<string>({
      create: () => Promise.resolve({ source, splits: new Map([['memory', records]]) }),
      features: volatile,
    }),
    { describe, test },
  )
}

for (const deliver of ['committed', 'immediately'] as const) {
  describeCases(
    `an output that delivers ${deliver}`,
    sinkConformance<number>({
      create: () => {
        const output = memory.writeIterable<number>({ deliver })
        const seen: number[] = []
        void (async () => {
          for await (const value of output) seen.push(value)
        })()
        return Promise.resolve({
          sink: () => output,
          record: (number) => number,
          visible: async () => {
            for (let turn = 0; turn < 100; turn++) await Promise.resolve()
            return seen
          },
        })
      },
      features: { guarantee: 'at-most-once', keepsFiles: false, severalSubtasks: true },
    }),
    { describe, test },
  )
}
