import { memory, type MemorySink } from '@millrace/connector-memory'
import type { OperatorNode } from '@millrace/core/graph'
import { operatorHarness } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { skip } from './error-policy.ts'
import { output } from './operators/process.ts'
import { pipeline } from './pipeline.ts'
import type { KeyedStream, TimedKeyedStream, SourceStream } from './stream.ts'
import { aggregator } from './window/aggregate.ts'
import { tumbling } from './window/tumbling.ts'

/** A function that a program without type checks may pass. */
const async = (async (n: number) => n) as never
/** Looks like a plain function, but returns a promise. */
const sneaky = ((n: number) => Promise.resolve(n)) as never

type Ended = { to(name: string, sink: MemorySink<unknown>): void }

function built(build: (numbers: SourceStream<number>) => Ended): readonly OperatorNode[] {
  const { graph } = pipeline('test', (p) => {
    p.onError(skip())
    build(p.from('in', memory.read({ all: [1, 2] }))).to('out', memory.write())
  }).describe()
  return graph.nodes.filter((node) => node.kind === 'operator')
}

const keyed = (numbers: SourceStream<number>): KeyedStream<number, string> => numbers.keyBy(() => 'a')
const timed = (numbers: SourceStream<number>): TimedKeyedStream<number, string> =>
  numbers.withTimestamps({ timestamp: (n) => n }).keyBy(() => 'a')

const figure = { kind: 'figure', version: 1, create: () => 0, add: () => 0, merge: () => 0, result: () => 0 }

const uses: readonly (readonly [string, (numbers: SourceStream<number>) => Ended])[] = [
  ["map 'm'", (numbers) => numbers.map(async, { name: 'm' })],
  ['a map', (numbers) => numbers.map(async)],
  ['a filter', (numbers) => numbers.filter(async)],
  ['a flatMap', (numbers) => numbers.flatMap(async)],
  ['a flatMap', (numbers) => numbers.flatMap(async function* () {} as never)],
  ['a tap', (numbers) => numbers.tap(async)],
  ["split 's'", (numbers) => numbers.split('s', { first: async }).rest],
  ['a keyBy', (numbers) => numbers.keyBy(async).reduce('r', (n) => n)],
  ['a withTimestamps', (numbers) => numbers.withTimestamps({ timestamp: async })],
  ["reduce 'r'", (numbers) => keyed(numbers).reduce('r', async)],
  ["scan 's'", (numbers) => keyed(numbers).scan('s', () => 0, async)],
  ["process 'p'", (numbers) => keyed(numbers).process('p', { onRecord: async })],
  ["process 'p'", (numbers) => keyed(numbers).process('p', { onRecord() {}, onTimer: async })],
  [
    "aggregate 'sum' of 'w'",
    (numbers) =>
      timed(numbers)
        .window(tumbling(10))
        .aggregate('w', { sum: aggregator({ ...figure, add: async }) }),
  ],
]

describe('an async function where the engine does not wait', () => {
  test.each(uses)('%s: is rejected when the pipeline is described', (where, use) => {
    const refused = () => built(use)
    expect(refused).toThrow(expect.objectContaining({ code: 'ASYNC_FUNCTION' }))
    expect(refused).toThrow(`the function of ${where} is async: async`)
    expect(refused).toThrow('call it in mapAsync')
  })
})

describe('a plain function that returns a promise', () => {
  test.each<readonly [string, (numbers: SourceStream<number>) => Ended]>([
    ['split', (numbers) => numbers.split('s', { first: sneaky }).rest],
    ['keyBy', (numbers) => numbers.keyBy(sneaky).reduce('r', (n) => n)],
    ['reduce', (numbers) => keyed(numbers).reduce('r', sneaky)],
    ['scan', (numbers) => keyed(numbers).scan('s', () => 0, sneaky)],
    ['onRecord', (numbers) => keyed(numbers).process('p', { onRecord: sneaky })],
    [
      'emit',
      (numbers) =>
        keyed(numbers).process('p', {
          output: output<number>(),
          onRecord: ({ value }, { emit }) => emit((sneaky as (n: number) => number)(value)),
        }),
    ],
    [
      'onTimer',
      (numbers) =>
        keyed(numbers).process('p', {
          onRecord: (_, { timers }) => timers.setProcessing(1),
          onTimer: sneaky,
        }),
    ],
  ])('%s: stops the job under any policy', (_, use) => {
    const [node] = built(use)
    const { exchange } = node!.inputs[0]
    const harness = operatorHarness<number>(() => node!.create(), {
      onError: 'skip',
      outputs: node!.outputs,
      ...(exchange.kind === 'key' ? { keyBy: exchange.by } : {}),
    })
    expect(() => {
      harness.record(1)
      harness.record(2)
      harness.processingTime(10)
    }).toThrow(expect.objectContaining({ code: 'ASYNC_FUNCTION' }))
  })
})
