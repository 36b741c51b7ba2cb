/** What the compiler infers, and what it refuses. Checked by `npm run check:types`; nothing here runs. */
import type { Sink, Source } from '@millrace/core/connector'
import { expectTypeOf } from 'vitest'
import type { KeyedValue, SourceStream, TimedStream } from './stream.ts'
import { output } from './operators/process.ts'
import { state } from './operators/state-spec.ts'
import { pipeline } from './pipeline.ts'
import type { Synchronous } from './synchronous.ts'
import { aggregator } from './window/aggregate.ts'
import type { Window } from './window/assigner.ts'
import { byClock } from './window/clock.ts'
import { collect } from './window/collect.ts'
import { count } from './window/count.ts'
import { max, min } from './window/extreme.ts'
import { mean } from './window/mean.ts'
import type { Pane } from './window/pane.ts'
import { session } from './window/session.ts'
import { trigger } from './window/trigger.ts'
import { sum, sumBigint } from './window/sum.ts'
import { tumbling } from './window/tumbling.ts'

interface Payment {
  readonly card: string
  readonly amount: number
  readonly refunded?: number
  readonly wei: bigint
  readonly at: number
}

interface Alert {
  readonly card: string
  readonly reason: string
}

declare const source: Source<Payment>
declare const anySink: Sink<unknown>
declare const alertSink: Sink<Alert>

pipeline('functions that return promises', (p) => {
  const payments = p.from('payments', source)
  const timed = payments.withTimestamps({ timestamp: (payment) => payment.at })
  const keyed = timed.keyBy((payment) => payment.card)
  const later = async <T>(value: T): Promise<T> => value

  // @ts-expect-error call it in mapAsync
  payments.map((payment) => later(payment))
  // @ts-expect-error also if it is a promise only sometimes
  payments.map((payment) => (payment.amount > 1 ? later(payment) : payment))
  // @ts-expect-error call it in mapAsync
  payments.filter(async (payment) => payment.amount > 1)
  // @ts-expect-error an async iterable is no iterable
  payments.flatMap(async function* (payment) {
    yield payment
  })
  // @ts-expect-error a record is no promise
  payments.flatMap((payment) => [later(payment)])
  // @ts-expect-error nothing waits for it
  payments.tap((payment) => later(payment))
  // @ts-expect-error call it in mapAsync
  payments.split('s', { big: async (payment) => payment.amount > 1 })
  // @ts-expect-error a key is no promise
  payments.keyBy((payment) => later(payment.card))
  // @ts-expect-error a time is no promise
  payments.withTimestamps({ timestamp: (payment) => later(payment.at) })
  // @ts-expect-error call it in mapAsync
  keyed.reduce('r', (payment) => later(payment))
  keyed.scan(
    's',
    () => 0,
    // @ts-expect-error call it in mapAsync
    async (total, payment) => total + payment.amount,
  )
  // @ts-expect-error call it in mapAsync
  keyed.process('p', { onRecord: async () => {} })
  // @ts-expect-error call it in mapAsync
  keyed.process('p', { onRecord() {}, async onTimer() {} })
  // @ts-expect-error a record is no promise
  keyed.process('p', { output: output<Promise<number>>(), onRecord: (_, { emit }) => emit(later(1)) })
  // @ts-expect-error call it in mapAsync
  sum(async (payment: Payment) => payment.amount)
  // @ts-expect-error call it in mapAsync
  collect(async (payment: Payment) => payment.amount)
  aggregator({
    kind: 'a',
    version: 1,
    create: () => 0,
    add: (n) => n,
    merge: (n) => n,
    // @ts-expect-error a result is no promise
    result: later,
  })

  // What returns anything else, or a type that is not known, is accepted.
  payments.map((payment) => JSON.parse(payment.card)).map((parsed) => parsed.field.of.anything)
  expectTypeOf(payments.map((payment): unknown => payment)).toEqualTypeOf<SourceStream<unknown>>()
  expectTypeOf(payments.map((payment) => payment.refunded)).toEqualTypeOf<SourceStream<number | undefined>>()
  expectTypeOf(payments.map(() => ({ kind: 'x' }))).toEqualTypeOf<SourceStream<{ kind: string }>>()
  const seen: string[] = []
  payments.tap((payment) => seen.push(payment.card))
  payments.tap((payment) => payment)
  keyed.process('q', { onRecord: ({ value }) => seen.push(value.card) })
  const generic = <T>(stream: TimedStream<{ readonly inner: T }>): TimedStream<T> =>
    stream.map(({ inner }) => inner as Synchronous<T>)
  expectTypeOf(generic(timed.map((payment) => ({ inner: payment })))).toEqualTypeOf<TimedStream<Payment>>()
})

pipeline('parameters', (p) => {
  expectTypeOf(p.parameter('year', 2015)).toEqualTypeOf<number>()
  expectTypeOf(p.parameter('name', 'x')).toEqualTypeOf<string>()
  expectTypeOf(p.parameter('isDry', false)).toEqualTypeOf<boolean>()
  expectTypeOf(p.parameter('path', { required: 'string' })).toEqualTypeOf<string>()
  // @ts-expect-error a parameter is a number, text or a boolean
  p.parameter('when', [1])
  // @ts-expect-error not a type a parameter can have
  p.parameter('path', { required: 'path' })
})

pipeline('steps', (p) => {
  const payments = p.from('payments', source)
  expectTypeOf(payments).toEqualTypeOf<SourceStream<Payment>>()
  expectTypeOf(payments.map((payment) => payment.amount)).toEqualTypeOf<SourceStream<number>>()
  expectTypeOf(payments.flatMap((payment) => [payment.card])).toEqualTypeOf<SourceStream<string>>()
  expectTypeOf(payments.tap(() => {})).toEqualTypeOf<SourceStream<Payment>>()
  expectTypeOf(payments.filter((payment) => payment.amount > 1)).toEqualTypeOf<SourceStream<Payment>>()
  // A type guard narrows, also one that the compiler finds by itself.
  expectTypeOf(
    payments.map((payment) => payment.refunded).filter((refunded) => refunded !== undefined),
  ).toEqualTypeOf<SourceStream<number>>()
  // @ts-expect-error the field does not exist
  payments.map((payment) => payment.amout)

  const timed = payments.withTimestamps({ timestamp: (payment) => payment.at, maxOutOfOrderness: '5s' })
  expectTypeOf(timed).toEqualTypeOf<TimedStream<Payment>>()
  expectTypeOf(timed.map((payment) => payment.card)).toEqualTypeOf<TimedStream<string>>()
  // @ts-expect-error the field does not exist
  payments.withTimestamps({ timestamp: (payment) => payment.time })
  // @ts-expect-error a stream has timestamps once
  void timed.withTimestamps

  expectTypeOf(timed.union(timed.map((payment) => payment.card))).toEqualTypeOf<
    TimedStream<Payment | string>
  >()
  // @ts-expect-error a stream with and one without timestamps do not mix
  timed.union(payments)
  // @ts-expect-error nor the other way round
  payments.union(timed)
})

pipeline('split', (p) => {
  const values = p.from('payments', source).map((payment): Payment | string => payment)
  const parts = values.split('kinds', {
    text: (value): value is string => typeof value === 'string',
    big: (value) => typeof value !== 'string' && value.amount > 10,
  })
  expectTypeOf(parts.text).toEqualTypeOf<SourceStream<string>>()
  expectTypeOf(parts.big).toEqualTypeOf<SourceStream<Payment | string>>()
  expectTypeOf(parts.rest).toEqualTypeOf<SourceStream<Payment | string>>()
  // @ts-expect-error no such output
  void parts.small
  // @ts-expect-error an output of split cannot be called 'rest': that is where records go that pass no test
  values.split('rests', { rest: () => true })
  // @ts-expect-error an output cannot be called 'main': that is where emit writes
  values.split('mains', { text: () => true, main: () => true })
  // @ts-expect-error a split has a name
  values.split({ text: () => true })
})

pipeline('keys', (p) => {
  const payments = p.from('payments', source)
  const byCard = payments.keyBy((payment) => payment.card)
  // @ts-expect-error windows need event time
  void byCard.window(tumbling('1m'))
  expectTypeOf(byCard.window(byClock(tumbling('1m'))).aggregate('by-clock', { n: count() })).toEqualTypeOf<
    SourceStream<{ readonly key: string; readonly window: Window; readonly n: number }>
  >()
  // @ts-expect-error a key is JSON-like
  payments.keyBy(() => () => 1)
  // @ts-expect-error undefined is no key
  payments.keyBy((payment) => payment.refunded)
  expectTypeOf(byCard.reduce('sum', (a) => a)).toEqualTypeOf<SourceStream<KeyedValue<string, Payment>>>()
  expectTypeOf(
    byCard.scan(
      'n',
      () => 0,
      (n) => n + 1,
    ),
  ).toEqualTypeOf<SourceStream<KeyedValue<string, number>>>()
  // @ts-expect-error a stateful operator has a name
  byCard.reduce((a: Payment) => a)
  // @ts-expect-error state is reachable by key only
  void payments.process
  // @ts-expect-error rolling figures are by key only
  void payments.reduce

  expectTypeOf(payments.mapAsync('ask', async (payment) => payment.card)).toEqualTypeOf<
    SourceStream<string>
  >()
  byCard.mapAsync('ask-by-card', async (payment) => payment.card, { order: 'key' })
  // @ts-expect-error order by key needs keys
  payments.mapAsync('ask', async (payment) => payment.card, { order: 'key' })
})

pipeline('process', (p) => {
  const timed = p.from('payments', source).withTimestamps({ timestamp: (payment) => payment.at })
  const checked = timed
    .keyBy((payment) => [payment.card, payment.amount])
    .process('check', {
      output: output<number>(),
      outputs: { alerts: output<Alert>() },
      state: { last: state.value<Payment>(), seen: state.map<string, number>(), all: state.list<bigint>() },
      onRecord(record, context) {
        expectTypeOf(record.value).toEqualTypeOf<Payment>()
        expectTypeOf(record.key).toEqualTypeOf<readonly [string, number]>()
        expectTypeOf(record.time).toEqualTypeOf<number>()
        expectTypeOf(context.state.last.get()).toEqualTypeOf<Payment | undefined>()
        expectTypeOf(context.state.seen.get('x')).toEqualTypeOf<number | undefined>()
        expectTypeOf(context.state.all.get()).toEqualTypeOf<readonly bigint[]>()
        context.emit(1)
        context.emitAt(record.time, 2)
        context.timers.setEvent(record.time + 1)
        context.outputs.alerts.emit({ card: record.value.card, reason: 'x' })
        // @ts-expect-error the main output carries numbers
        context.emit('1')
        // @ts-expect-error alerts carries alerts
        context.outputs.alerts.emit(1)
        // @ts-expect-error no such piece of state
        void context.state.first
      },
      onTimer(timer, context) {
        expectTypeOf(timer.key).toEqualTypeOf<readonly [string, number]>()
        context.timers.setProcessing(context.now() + context.watermark())
      },
    })
  expectTypeOf(checked.map((n) => n)).toEqualTypeOf<TimedStream<number>>()
  expectTypeOf(checked.outputs.alerts).toEqualTypeOf<TimedStream<Alert>>()

  timed
    .keyBy(() => 'all')
    .process('taken', {
      // @ts-expect-error an output cannot be called 'errors': that is where failed records go
      outputs: { errors: output<number>() },
      onRecord() {},
    })
  timed
    .keyBy(() => 'all')
    .process('silent', {
      onRecord(_, context) {
        // @ts-expect-error nothing was said to be emitted
        context.emit(1)
      },
    })

  p.from('more', source)
    .keyBy((payment) => payment.card)
    .process('untimed', {
      onRecord(record, context) {
        // @ts-expect-error there is no event time
        void record.time
        // @ts-expect-error nor event timers
        void context.timers.setEvent
        // @ts-expect-error nor a watermark
        void context.watermark
        context.timers.setProcessing(context.now() + 1)
      },
    })
})

pipeline('windows without keys', (p) => {
  const untimed = p.from('payments', source)
  const timed = untimed.withTimestamps({ timestamp: (payment) => payment.at })
  expectTypeOf(timed.window(tumbling('1m')).aggregate('per-minute', { n: count() })).toExtend<
    TimedStream<{ readonly window: Window; readonly n: number }>
  >()
  const perMinute = timed.window(tumbling('1m')).aggregate('keyless', { n: count() })
  // @ts-expect-error without keys a result has no key
  perMinute.map(({ key }) => key)
  // @ts-expect-error windows need event time
  void untimed.window(tumbling('1m'))
})

pipeline('panes and updates', (p) => {
  const timed = p.from('payments', source).withTimestamps({ timestamp: (payment) => payment.at })
  const keyed = timed.keyBy((payment) => payment.card).window(tumbling('1m'))
  const early = trigger.atEnd().early(trigger.every('10s'))
  const panes = keyed.aggregate('panes', { n: count() }, { trigger: early })
  panes.map((result) => {
    expectTypeOf(result.pane).toEqualTypeOf<Pane>()
    expectTypeOf(result.n).toEqualTypeOf<number>()
    return result
  })
  expectTypeOf(panes.late).toEqualTypeOf<TimedStream<Payment>>()
  const rows = keyed.aggregate('rows', { n: count() }, { emit: 'updates', trigger: early })
  rows.toStream().map(({ key, value }) => {
    expectTypeOf(key).toEqualTypeOf<{
      readonly key: string
      readonly window: { readonly start: number; readonly end: number }
    }>()
    expectTypeOf(value.n).toEqualTypeOf<number>()
    return value
  })
  // @ts-expect-error a table changes its rows, and this sink only appends
  rows.to('rows', sink)
  const ofAmounts = trigger.when(
    sum((payment: Payment) => payment.amount),
    (total) => total > 10,
  )
  keyed.aggregate('amounts', { n: count() }, { trigger: trigger.any(ofAmounts, trigger.records(3)) })
  const ofTexts = trigger.when(
    count((text: string) => text),
    (n) => n > 10,
  )
  // @ts-expect-error a condition on other records
  keyed.aggregate('texts', { n: count() }, { trigger: ofTexts })
  // @ts-expect-error a misspelt option
  keyed.aggregate('misspelt', { n: count() }, { allowedLatenes: 5 })
  // @ts-expect-error without a trigger there is one pane
  keyed.aggregate('one', { n: count() }).map(({ pane }) => pane)
  // @ts-expect-error an aggregate cannot be called 'pane'
  keyed.aggregate('taken', { n: count(), pane: count() })
})

pipeline('windows', (p) => {
  const timed = p.from('payments', source).withTimestamps({ timestamp: (payment) => payment.at })
  const keyed = timed.keyBy((payment) => payment.card).window(tumbling('1m'))
  const results = keyed.aggregate('figures', {
    n: count(),
    refunds: count((payment) => payment.refunded),
    total: sum((payment) => payment.amount),
    wei: sumBigint((payment) => payment.wei),
    least: min((payment) => payment.amount),
    lastRefund: max((payment) => payment.refunded),
    usual: mean((payment) => payment.amount),
    usualRefund: mean((payment) => payment.refunded),
    all: collect(),
    cards: collect((payment) => payment.card),
    distinct: aggregator({
      kind: 'distinct',
      version: 1,
      create: () => new Set<string>(),
      add: (seen, payment: Payment) => seen.add(payment.card),
      merge: (a, b) => new Set([...a, ...b]),
      result: (seen) => seen.size,
    }),
  })
  results.tap((result) => {
    expectTypeOf(result.key).toEqualTypeOf<string>()
    expectTypeOf(result.window).toEqualTypeOf<Window>()
    expectTypeOf(result.n).toEqualTypeOf<number>()
    expectTypeOf(result.total).toEqualTypeOf<number>()
    expectTypeOf(result.wei).toEqualTypeOf<bigint>()
    expectTypeOf(result.least).toEqualTypeOf<number>()
    expectTypeOf(result.lastRefund).toEqualTypeOf<number | undefined>()
    expectTypeOf(result.usual).toEqualTypeOf<number>()
    expectTypeOf(result.usualRefund).toEqualTypeOf<number | undefined>()
    expectTypeOf(result.all).toEqualTypeOf<readonly Payment[]>()
    expectTypeOf(result.cards).toEqualTypeOf<readonly string[]>()
    expectTypeOf(result.distinct).toEqualTypeOf<number>()
    // @ts-expect-error no such figure
    void result.average
  })
  expectTypeOf(results.late).toEqualTypeOf<TimedStream<Payment>>()

  // @ts-expect-error the field does not exist
  keyed.aggregate('typo', { total: sum((payment) => payment.amout) })
  // @ts-expect-error text is not summed
  keyed.aggregate('text', { total: sum((payment) => payment.card) })
  // @ts-expect-error an aggregate cannot be called 'key': results have the key of their records under that name
  keyed.aggregate('taken', { key: count() })
  // @ts-expect-error an aggregate cannot be called 'window': results have their window under that name
  keyed.aggregate('taken', { n: count(), window: count() })
  // @ts-expect-error an aggregate of other records
  keyed.aggregate('other', { n: count((alert: Alert) => alert.reason) })
  // @ts-expect-error a window has a name
  keyed.aggregate({ n: count() })
  // @ts-expect-error an aggregate of one's own has a version
  aggregator({ kind: 'first', create: () => '', add: (a) => a, merge: (a) => a, result: (a) => a })
  const byCard = timed.keyBy((payment) => payment.card)
  byCard.window(session('1m'))
  byCard.window(session((payment: Payment) => (payment.refunded === undefined ? '1m' : 5)))
  // @ts-expect-error a gap of other records
  byCard.window(session((alert: Alert) => alert.reason))
  const { fingerprint: _, ...nameless } = tumbling('1m')
  // @ts-expect-error windows of one's own have a fingerprint
  timed.keyBy((payment) => payment.card).window(nameless)
})

pipeline('sinks', (p) => {
  const payments = p.from('payments', source)
  expectTypeOf(payments.to('everything', anySink)).toEqualTypeOf<void>()
  payments.map((payment): Alert => ({ card: payment.card, reason: '' })).to('alerts', alertSink)
  // @ts-expect-error the sink wants alerts
  payments.to('wrong', alertSink)
  // @ts-expect-error the sink wants a reason too
  payments.map(({ card }) => ({ card })).to('less', alertSink)
  // @ts-expect-error a sink has a name
  payments.to(anySink)
})
