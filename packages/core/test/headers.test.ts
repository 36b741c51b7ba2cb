import { memory } from '@millrace/connector-memory'
import type { RecordHeaders } from '@millrace/core'
import { explain, explanationText } from '@millrace/core/graph'
import type { DeadLetter } from '@millrace/core/operator'
import {
  connect,
  count,
  deadLetter,
  fail,
  output,
  retryThenDeadLetter,
  skip,
  state,
  pipeline,
  tumbling,
  type OnError,
  type PipelineBuilder,
  type SourceStream,
} from '@millrace/flow'
import { simPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { pacedSource } from './paced-source.ts'
import { live, multiset, nextLife, untilCheckpoint } from './simulated-job.ts'

/** The headers of record `n`: text, bytes, a name that is no ordinary field, several, or none. */
function headersOf(n: number): RecordHeaders | undefined {
  if (n % 4 === 0) return undefined
  const own = JSON.parse(`{ "n": "${n}", "__proto__": "p${n}" }`) as RecordHeaders
  return n % 4 === 1 ? own : { ...own, bytes: Uint8Array.of(n % 256, 255) }
}

const some = fc.constantFrom(
  'map',
  'flatMap',
  'filter',
  'union',
  'split',
  'keyed scan',
  'keyed process',
  'failing process',
  'calls',
  'keyed calls',
  'connect',
  'delay',
  'throttle',
)

/** What the parts of one life share: its clock, and which records have failed once. */
interface Surroundings {
  sleep(ms: number): Promise<void>
  failOnce(n: number): void
  readonly onError: OnError
}

/** Adds a part that changes no value, named by its place. */
function extended(
  stream: SourceStream<number>,
  kind: string,
  name: string,
  around: Surroundings,
): SourceStream<number> {
  const keyed = stream.keyBy((n) => n % 5)
  const pass = {
    output: output<number>(),
    state: { seen: state.value<number>() },
  }
  switch (kind) {
    case 'flatMap':
      return stream.flatMap((n) => [n, -1]).filter((n) => n >= 0)
    case 'filter':
      return stream.filter((n) => n >= 0)
    case 'union':
      return stream.filter((n) => n % 2 === 0).union(stream.filter((n) => n % 2 === 1))
    case 'split': {
      const { odd, rest } = stream.split(name, { odd: (n) => n % 2 === 1 })
      return odd.union(rest)
    }
    case 'keyed scan':
      return keyed
        .scan(
          name,
          () => 0,
          (_, n) => n,
        )
        .map(({ value }) => value)
    case 'keyed process':
      return keyed.process(name, { ...pass, onRecord: ({ value }, { emit }) => emit(value) })
    case 'failing process':
      return keyed.process(name, {
        ...pass,
        onRecord({ value }, { emit }) {
          emit(value)
          around.failOnce(value)
        },
        onError: around.onError,
      })
    case 'calls':
      return stream.mapAsync(name, async (n) => around.sleep(n % 7).then(() => n), { order: 'none' })
    case 'keyed calls':
      return keyed.mapAsync(name, async (n) => around.sleep(n % 7).then(() => n))
    case 'connect':
      return connect(
        keyed,
        stream.filter(() => false).keyBy((n) => n),
      ).process(name, {
        ...pass,
        onLeft: ({ value }, { emit }) => emit(value),
        onRight: () => {},
      })
    case 'delay':
      return stream.delay(name, { by: 3 })
    case 'throttle':
      return keyed.throttle(name, { records: 2, per: 5 })
    default:
      return stream.map((n) => n)
  }
}

describe('headers', () => {
  test('of every record are those of its source at the sink, whatever is between, also in other threads and after restarts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(some, { maxLength: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }),
        fc.nat(1_000),
        async (kinds, parallelism, hasThreads, livesBefore, seed) => {
          const sink = memory.write<number>()
          const numbers = Array.from({ length: 40 }, (_, n) => n)
          let platform = simPlatform({ seed })
          const failed = new Set<number>()
          const around: Surroundings = {
            sleep: (ms) => sleep(platform.clock, ms),
            onError: retryThenDeadLetter('letters', { attempts: 9, firstDelay: 20 }, memory.write()),
            failOnce(n) {
              if (n % 6 !== 1 || failed.has(n)) return
              failed.add(n)
              throw new Error(`${n} fails once`)
            },
          }
          const build = (p: PipelineBuilder): void => {
            let stream: SourceStream<number> = p.from('in', pacedSource({ a: numbers }, 3, headersOf))
            for (const [at, kind] of kinds.entries()) stream = extended(stream, kind, `${kind} ${at}`, around)
            stream.to('out', sink)
          }
          for (const [life, many] of [...livesBefore, parallelism].entries()) {
            const { result } = await live(build, {
              platform,
              parallelism: many,
              ...(hasThreads && many > 1 && { threads: many }),
              checkpoints: { everyMs: 4 },
              ...(life < livesBefore.length && untilCheckpoint),
            })
            expect(['stopped', 'finished']).toContain(result?.outcome)
            platform = nextLife(platform, seed + life + 1)
          }
          expect(multiset(sink)).toEqual(numbers.map((n) => JSON.stringify(n)).toSorted())
          for (const { value, headers } of sink.committed) expect(headers).toEqual(headersOf(value))
        },
      ),
      { numRuns: 15 },
    )
  }, 60_000)

  test('of a result are those that the operator sets for it, and of the record afterwards', async () => {
    for (const onError of [fail(), skip()]) {
      const sink = memory.write<string>()
      const rest = memory.write<number>()
      await live((p) => {
        const read = p.from('in', memory.read([1, 2, 3], { headers: (n) => ({ n: String(n) }) }))
        const keyed = read.flatMap((n) => [n, n * 10]).keyBy(() => 'all')
        const parts = keyed.process('set', {
          output: output<string>(),
          outputs: { rest: output<number>() },
          onError,
          onRecord({ value, headers }, { emit, outputs, setHeaders }) {
            if (value < 10) setHeaders({ of: `set for ${value}` })
            emit(`${value} with ${String(headers['n'])}`)
            setHeaders(undefined)
            emit('none')
            if (value === 20 && onError.kind === 'skip') throw new Error('it fails after it has set headers')
            setHeaders(headers)
            outputs.rest.emit(value)
          },
        })
        parts.to('out', sink)
        parts.outputs.rest.to('rest', rest)
      })
      const set = sink.committed.map(({ value, headers }) => [value, headers])
      const of20 =
        onError.kind === 'skip'
          ? []
          : [
              ['20 with 2', { n: '2' }],
              ['none', undefined],
            ]
      expect(set).toEqual([
        ['1 with 1', { of: 'set for 1' }],
        ['none', undefined],
        ['10 with 1', { n: '1' }],
        ['none', undefined],
        ['2 with 2', { of: 'set for 2' }],
        ['none', undefined],
        ...of20,
        ['3 with 3', { of: 'set for 3' }],
        ['none', undefined],
        ['30 with 3', { n: '3' }],
        ['none', undefined],
      ])
      expect(rest.committed.map(({ value, headers }) => [value, headers])).toEqual(
        [1, 10, 2, ...(of20.length > 0 ? [20] : []), 3, 30].map((n) => [n, { n: String(n)[0] }]),
      )
    }
  })

  test('of what a timer emits are none, unless it sets some', async () => {
    const sink = memory.write<string>()
    await live((p) => {
      p.from('in', memory.read([1, 2, 3], { headers: (n) => ({ n: String(n) }) }))
        .withTimestamps({ timestamp: (n) => n })
        .keyBy((n) => n)
        .process('later', {
          output: output<string>(),
          state: { n: state.value<string>() },
          onRecord({ headers, time }, { timers, state: { n } }) {
            n.set(String(headers['n']))
            timers.setEvent(time)
          },
          onTimer({ key }, { emit, setHeaders, state: { n } }) {
            if (key !== 2) setHeaders({ kept: n.get()! })
            emit(`timer of ${key}`)
          },
        })
        .to('out', sink)
    })
    expect(sink.committed.map(({ value, headers }) => [value, headers])).toEqual([
      ['timer of 1', { kept: '1' }],
      ['timer of 2', undefined],
      ['timer of 3', { kept: '3' }],
    ])
  })

  test('of a record that keepFirst or debounce has kept leave with it; those of windows are none', async () => {
    const sinks = {
      first: memory.write<number>(),
      last: memory.write<number>(),
      window: memory.write<unknown>(),
    }
    await live((p) => {
      const timed = p
        .from('in', memory.read([1, 2, 3], { headers: (n) => ({ n: String(n) }) }))
        .withTimestamps({ timestamp: (n) => n })
        .keyBy(() => 'all')
      timed.keepFirst('first', { within: 100 }).to('first out', sinks.first)
      timed.debounce('last', { quiet: 10 }).to('last out', sinks.last)
      timed.window(tumbling(10)).aggregate('window', { n: count() }).to('window out', sinks.window)
    })
    expect(sinks.first.committed).toMatchObject([{ value: 1, headers: { n: '1' } }])
    expect(sinks.last.committed).toMatchObject([{ value: 3, headers: { n: '3' } }])
    expect(sinks.window.committed.map(({ headers }) => headers)).toEqual([undefined])
  })

  test('of records are no matter of a window, which explain says where they may have some', () => {
    const textOf = (change: (stream: SourceStream<number>) => SourceStream<number>): string => {
      const { graph } = pipeline('test', (p) => {
        change(p.from('in', memory.read([1])))
          .withTimestamps({ timestamp: (n) => n })
          .window(tumbling('1m'))
          .aggregate('per-minute', { n: count() })
          .to('out', memory.write())
      }).describe()
      return explanationText(explain(graph))
    }
    expect(textOf((stream) => stream.withHeaders((n) => ({ n: String(n) })))).toContain(
      'window by key, results that time makes have no headers',
    )
    expect(textOf((stream) => stream)).not.toContain('headers')
  })

  test('are given to a call, and to a dead letter, where bytes are in base64', async () => {
    const letters = memory.write<DeadLetter>()
    const seen: RecordHeaders[] = []
    await live((p) => {
      p.from('in', memory.read([1], { headers: () => ({ trace: 't', bytes: Uint8Array.of(255, 0) }) }))
        .mapAsync('call', async (n, _signal, headers) => {
          seen.push(headers)
          return Promise.resolve(n)
        })
        .map(
          () => {
            throw new Error('no')
          },
          { onError: deadLetter('letters', letters) },
        )
        .to('out', memory.write<never>())
    })
    expect(seen).toEqual([{ trace: 't', bytes: Uint8Array.of(255, 0) }])
    expect(letters.committed).toMatchObject([
      { value: { headers: { trace: 't', bytes: { base64: '/wA=' } } }, headers: { trace: 't' } },
    ])
  })

  test('that are no text and no bytes are refused where they are set, with their name', async () => {
    const built = (given: unknown) =>
      live((p) => {
        p.from('in', memory.read([1]))
          .withHeaders(() => given as RecordHeaders, { name: 'set' })
          .to('out', memory.write<number>())
      })
    for (const [given, what] of [
      [
        { count: 5 },
        /operator 'set' failed .*"count" is a number; give an object whose fields are text or bytes/,
      ],
      ['trace', /operator 'set' failed .*they are a string/],
    ] as const) {
      const { result } = await built(given)
      expect(result).toMatchObject({
        outcome: 'failed',
        error: { message: expect.stringMatching(what) as string },
      })
    }
  })
})
