import type { KeyedStream, TimedKeyedStream } from './stream.ts'
import { memory } from '@millrace/connector-memory'
import type { Sink } from '@millrace/core/connector'
import { describe, expect, test } from 'vitest'
import { state } from './operators/state-spec.ts'
import { pipeline, type PipelineBuilder } from './pipeline.ts'
import { collect } from './window/collect.ts'
import { count } from './window/count.ts'
import { max, min } from './window/extreme.ts'
import { mean } from './window/mean.ts'
import { sum, sumBigint } from './window/sum.ts'
import { tumbling } from './window/tumbling.ts'

// `millrace run` does not check types, so a mistake that TypeScript would show must fail before anything runs.

function messageOf(build: (p: PipelineBuilder) => void): string {
  try {
    pipeline('mistakes', build).describe()
  } catch (error) {
    return String((error as Error).message)
  }
  return 'no error'
}

const numbers = (p: PipelineBuilder) => p.from('in', memory.read([1]))
const reconnecting: Sink<number> = {
  kind: 'queue',
  guarantee: 'at-least-once',
  reconnects: true,
  open: async () => ({ write: () => {}, prepare: async () => undefined, close: async () => {} }),
}
const any = (value: unknown): never => value as never

describe('a program that is not type-checked', () => {
  test.each<[string, (p: PipelineBuilder) => void, string]>([
    [
      'a misspelt option of withTimestamps',
      (p) => void numbers(p).withTimestamps(any({ timestamp: Number, maxOutOfOrder: '5s' })),
      'withTimestamps has no option maxOutOfOrder; did you mean maxOutOfOrderness?',
    ],
    [
      'a misspelt option of mapAsync',
      (p) => void numbers(p).mapAsync('ask', async (n) => n, any({ timeOut: '1s' })),
      "mapAsync 'ask' has no option timeOut; did you mean timeout?",
    ],
    [
      'a number for retry',
      (p) => void numbers(p).mapAsync('ask', async (n) => n, { retry: any(3) }),
      "retry of 'ask' is given 3; give an object with options",
    ],
    [
      'a misspelt option of a breaker',
      (p) => void numbers(p).mapAsync('ask', async (n) => n, { retry: {}, breaker: any({ failure: 3 }) }),
      "breaker of 'ask' has no option failure; did you mean failures?",
    ],
    [
      'text for an error policy',
      (p) => numbers(p).to('out', memory.write(), { onError: any('skip') }),
      'onError of to \'out\' is "skip"; write fail(), skip(), deadLetter(name) or retryThenDeadLetter(name, retry)',
    ],
    [
      'a breaker of a sink that reconnects by itself',
      (p) => numbers(p).to('out', reconnecting, { breaker: {} }),
      "breaker of 'out' has no effect: a sink of the kind 'queue' waits by itself while its system is down",
    ],
    [
      'retry without retryIf of a sink that reconnects by itself',
      (p) => numbers(p).to('out', reconnecting, { retry: { budget: '1h' } }),
      "retry of 'out' has no effect",
    ],
    [
      'retry with retryIf of such a sink is about its other errors',
      (p) => numbers(p).to('out', reconnecting, { retry: { retryIf: () => true }, breaker: {} }),
      'no error',
    ],
    ['no source', (p) => void p.from('in', any(undefined)), "from 'in' needs a source"],
    ['text for a sink', (p) => numbers(p).to('out', any('file')), "to 'out' needs a sink"],
    [
      'text for a key',
      (p) => void numbers(p).keyBy(any('k')),
      'a keyBy needs a function and is given string',
    ],
    [
      'a value for the first value of scan',
      (p) =>
        void numbers(p)
          .keyBy(String)
          .scan('sum', any(0), (a: number) => a),
      "scan 'sum' needs a function and is given number",
    ],
    [
      'a window on a stream without event time',
      (p) =>
        void (numbers(p).keyBy(String) as unknown as TimedKeyedStream<number, string>)
          .window(tumbling('1s'))
          .aggregate('n', { n: count() }),
      "the windows of 'n' need event time, and the stream has none; call withTimestamps before keyBy",
    ],
    ...([sum, sumBigint, mean, min, max, count, collect] as const).map(
      (aggregate) =>
        [
          `text for the function of ${aggregate.name}`,
          () => void (aggregate as (select: never) => unknown)(any('v')),
          `the aggregate ${aggregate.name} needs a function and is given string`,
        ] as [string, (p: PipelineBuilder) => void, string],
    ),
    [
      'a misspelt method of process',
      (p) =>
        void numbers(p)
          .keyBy(String)
          .process('p', any({ onrecord: () => {} })),
      "onRecord of process 'p' needs a function",
    ],
  ])('with %s fails with what to change', (_, build, message) => {
    expect(messageOf(build)).toContain(message)
  })
})

describe('a time to live', () => {
  test.each([
    [{ after: 0 }, /ttl.after of .* must be longer than zero/],
    [{ after: '1h', clock: 'wall' }, /clock of the ttl of .* must be 'event' or 'processing'/],
    [{ after: '1h', refresh: 'never' }, /refresh of the ttl .* must be 'create' or 'write' or 'read'/],
    [{ after: '1h', on: 'read' }, /has no option on/],
  ])('%j is refused', (ttl, message) => {
    expect(() => state.value({ ttl: ttl as never })).toThrow(message)
  })

  test('event time needs timestamps', () => {
    const build = (use: (keyed: KeyedStream<string, string>) => { to(...to: never[]): void }) =>
      pipeline('p', (p) => {
        use(p.from('in', memory.read<string>({})).keyBy((key) => key)).to(
          ...(['out', memory.write()] as never[]),
        )
      }).describe()
    const ttl = { after: '1h' }
    const message = /'r' counts by event time, which its stream does not have; call withTimestamps before it/
    expect(() => build((keyed) => keyed.reduce('r', (a) => a, { ttl }))).toThrow(message)
    const withState = { state: { x: state.value<number>({ ttl }) }, onRecord() {} }
    expect(() => build((keyed) => keyed.process('r', withState))).toThrow(message)
    build((keyed) => keyed.reduce('r', (a) => a, { ttl: { ...ttl, clock: 'processing' } }))
  })
})
