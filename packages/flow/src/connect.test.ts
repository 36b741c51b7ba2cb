import { memory } from '@millrace/connector-memory'
import { keysOf } from '@millrace/core/graph'
import { at, operatorLives, watermark } from '@millrace/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { meetingOf, meetings, pairsOf, runMeeting, type Item } from '../test/meeting-trial.ts'
import { connect } from './connect.ts'
import type { AnyKeyedStream, SourceStream, TimedStream } from './stream.ts'
import { output } from './operators/process.ts'
import { state } from './operators/state-spec.ts'
import { pipeline } from './pipeline.ts'

/** Pairs records of one key, and reports their number at time 100. */
const pairing = meetingOf((left, right) =>
  connect(
    left.keyBy(({ key }) => key),
    right.keyBy(({ key }) => key),
  ).process('pair', {
    output: output<string>(),
    state: { lefts: state.list<number>(), rights: state.list<number>() },
    onLeft: ({ value }, { state: { lefts, rights }, timers, emit }) => {
      timers.setEvent(100)
      for (const right of rights.get()) emit(`${value.id} ${right}`)
      lefts.add(value.id)
    },
    onRight: ({ value }, { state: { lefts, rights }, timers, emit }) => {
      timers.setEvent(100)
      for (const left of lefts.get()) emit(`${left} ${value.id}`)
      rights.add(value.id)
    },
    onTimer: ({ key }, { state: { lefts, rights }, emit }) => {
      emit(`${key}: ${lefts.get().length} and ${rights.get().length}`)
      lefts.clear()
      rights.clear()
    },
  }),
)

describe('connect', () => {
  test('connect: records of both streams share one state, for any order of arrival, batches, restarts and parallelism', () => {
    fc.assert(
      fc.property(meetings, (trial) => {
        const { left, right } = trial
        const keys = new Set([...left, ...right].map(({ key }) => key))
        const of = (items: readonly Item[], key: string) => items.filter((item) => item.key === key).length
        const expected = [
          ...pairsOf(trial).map(([l, r]) => `${l.id} ${r.id}`),
          ...[...keys].map((key) => `${key}: ${of(left, key)} and ${of(right, key)}`),
        ]
        const harness = runMeeting(pairing, trial)
        expect(harness.outputs.map(({ value }) => String(value)).toSorted()).toEqual(expected.toSorted())
        expect(harness.cells()).toEqual({ '#timers': 0, lefts: 0, rights: 0 })
      }),
    )
  })

  test('connect: a timer set by one stream fires with the key and the lower of both watermarks', () => {
    const node = meetingOf((left, right) =>
      connect(
        left.keyBy(({ key }) => key),
        right.keyBy(({ id }) => `key ${id}`),
      ).process('cancel', {
        output: output<string>(),
        onLeft: ({ time }, { timers }) => timers.setEvent(time + 10),
        onRight: ({ value, time, key }, { timers, emit, watermark }) => {
          timers.deleteEvent(value.at + 5)
          emit(`${key} at ${time} under ${watermark()}`)
        },
        onTimer: ({ key, time }, { emit }) => emit(`${key} timer ${time}`),
      }),
    )
    const item = (id: number, at: number): Item => ({ id, key: `key ${id}`, at })
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      input: [at(10, item(1, 10)), at(10, item(2, 10)), watermark(12), at(15, item(1, 15), 1), watermark(30)],
    })
    expect(outputs.map(({ value }) => value)).toEqual(['key 1 at 15 under 12', 'key 2 timer 20'])
  })

  test('connect: a record on which a handler throws follows the error policy of the operator', () => {
    const node = meetingOf((left, right) =>
      connect(
        left.keyBy(({ key }) => key),
        right.keyBy(({ key }) => key),
      ).process('count', {
        output: output<string>(),
        state: { all: state.list<number>() },
        onLeft: ({ value }, { state: { all } }) => all.add(value.id),
        onRight: ({ value }, { state: { all }, emit }) => {
          all.add(value.id)
          if (value.id === 2) throw new Error('not 2')
          emit(all.get().join(' '))
        },
      }),
    )
    const item = (id: number): Item => ({ id, key: 'a', at: id })
    const { outputs } = operatorLives<Item>({
      create: () => node.create(),
      inputs: keysOf(node),
      onError: 'skip',
      keepsState: true,
      input: [at(1, item(1)), at(2, item(2), 1), at(3, item(3), 1)],
    })
    expect(outputs.map(({ value }) => value)).toEqual(['1 3'])
  })
})

describe('connect rejects streams', () => {
  type Streams = { readonly plain: SourceStream<Item>; readonly timed: TimedStream<Item> }
  const refusal = (of: (streams: Streams) => readonly [unknown, unknown]) => () =>
    pipeline('meeting', (p) => {
      const plain = p.from('in', memory.read<Item>({}))
      const [left, right] = of({ plain, timed: plain.withTimestamps({ timestamp: () => 0 }) })
      connect(left as AnyKeyedStream, right as never)
    }).describe()
  const byKey = ({ key }: Item): string => key

  test('one has event time and the other has none', () => {
    expect(refusal(({ plain, timed }) => [timed.keyBy(byKey), plain.keyBy(byKey)])).toThrow(
      'connect was given a first stream with event time and a second one without; call withTimestamps on both',
    )
  })

  test('when one has no key', () => {
    expect(refusal(({ timed }) => [timed.keyBy(byKey), timed])).toThrow(
      'connect needs two streams by key; call keyBy on each of them',
    )
  })

  test('when they belong to two pipelines', () => {
    let other: unknown
    pipeline('other', (p) => {
      const stream = p.from('in', memory.read<Item>({}))
      other = stream.keyBy(byKey)
      stream.to('out', memory.write())
    }).describe()
    expect(refusal(({ plain }) => [plain.keyBy(byKey), other])).toThrow(
      "connect joins streams of pipelines 'meeting' and 'other'; join streams of one pipeline",
    )
  })

  test('when a handler is async', () => {
    expect(() =>
      meetingOf((left, right) =>
        connect(left.keyBy(byKey), right.keyBy(byKey)).process('async', {
          output: output<string>(),
          onLeft: () => {},
          // @ts-expect-error operators do not wait
          onRight: async () => {},
        }),
      ),
    ).toThrow("the function of process 'async' is async")
  })
})
