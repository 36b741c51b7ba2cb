import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { memory } from '@millrace/connector-memory'
import type { RecordHeaders } from '@millrace/core'
import { startJob } from '@millrace/core/job'
import {
  count,
  jobOptionsOf,
  join,
  output,
  pipeline,
  skip,
  sliding,
  state,
  sum,
  tumbling,
} from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform } from '@millrace/testkit'
import { describe, expect, test } from 'vitest'
import { recordTracer } from '../src/index.ts'
import { collected, headersOf, orders, run, senderOf, shown, traceOf, type Order } from './traced-orders.ts'

/** Source, steps, a keyed exchange, an operator with state, calls, a window and a sink. */
function everyKind(read: (headers: RecordHeaders) => void, sampled: readonly number[]) {
  const written = memory.write<unknown>()
  const program = pipeline('payments', (p) => {
    p.from('orders', memory.read(orders, { headers: headersOf(sampled) }))
      .filter(({ id }) => id !== 5, { name: 'paid' })
      .map((order) => ({ ...order, price: order.id * 10 }), { name: 'price' })
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ card }) => card)
      .process('check', {
        output: output<Order & { readonly price: number }>(),
        state: { seen: state.value<number>() },
        onRecord({ value }, { emit, state: { seen } }) {
          seen.set((seen.get() ?? 0) + 1)
          emit(value)
        },
      })
      .mapAsync('enrich', async (order, _signal, headers) => {
        read(headers)
        return order
      })
      .keyBy(({ card }) => card)
      .window(tumbling('1m'))
      .aggregate('per-minute', { n: count(), price: sum(({ price }) => price) })
      .to('totals', written)
  })
  return { program, written }
}

describe.each([1, 3])('with %i subtasks', (parallelism) => {
  test('a sampled record has a span at each operator, in the trace of its sender', async () => {
    const { exporter, provider } = collected()
    const seen: RecordHeaders[] = []
    const { program } = everyKind((headers) => seen.push(headers), [1, 5])
    await run(program, { provider, parallelism })
    const { inTrace, named } = shown(exporter.getFinishedSpans())
    expect(inTrace(1).toSorted()).toEqual(
      [
        `${senderOf(1)} > orders`,
        'orders > paid',
        'paid > price',
        'price > check',
        'check > enrich',
        'enrich > per-minute',
      ].toSorted(),
    )
    // It was left out by the filter.
    expect(inTrace(5).toSorted()).toEqual([`${senderOf(5)} > orders`, 'orders > paid'].toSorted())
    const [source] = named('orders')
    expect(source!.kind).toBe(SpanKind.CONSUMER)
    expect(source!.attributes).toMatchObject({
      'millrace.job': 'payments',
      'millrace.operator': 'orders',
      'millrace.source': 'orders',
      'millrace.split': 'all',
      'millrace.position': 'index 0',
    })
    expect(named('check')[0]!.attributes).toMatchObject({
      'millrace.operator': 'check',
      'millrace.split': 'all',
      'millrace.position': 'index 0',
      'millrace.subtask': expect.stringMatching(/^\d$/),
    })
    // The call continues the trace with the headers it gets, and keeps the others.
    const [call] = named('enrich')
    expect(call!.kind).toBe(SpanKind.CLIENT)
    expect(seen.find(({ traceparent }) => String(traceparent).includes(traceOf(1)))).toEqual({
      tenant: 'a',
      tracestate: 'vendor=1',
      traceparent: `00-${traceOf(1)}-${call!.spanContext().spanId}-01`,
    })
  })

  test('the result of a window begins a trace with links to its records, which the sink continues', async () => {
    const { exporter, provider } = collected()
    const { program, written } = everyKind(() => {}, [1, 2, 4])
    await run(program, { provider, parallelism })
    const { named, parentOf } = shown(exporter.getFinishedSpans())
    const results = named('per-minute').filter(({ links }) => links.length > 0)
    const linked = results.map(({ links }) => links.map(({ context }) => Number(context.traceId)).join(' '))
    expect(linked.toSorted()).toEqual(['1 2', '4'])
    for (const result of results) expect(result.parentSpanContext).toBeUndefined()
    const sinks = named('totals')
    expect(sinks.map(parentOf)).toEqual(['per-minute', 'per-minute'])
    expect(sinks[0]!.kind).toBe(SpanKind.PRODUCER)
    // The headers that are written name the span of the sink. The window of card y has no record that is sampled.
    const traceparents = written.committed.map(({ headers }) => String(headers?.['traceparent']))
    expect(traceparents.filter((traceparent) => traceparent !== 'undefined').toSorted()).toEqual(
      sinks.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`).toSorted(),
    )
    expect(traceparents).toHaveLength(3)
  })

  test('records that are not sampled have no span and keep their headers', async () => {
    const { exporter, provider } = collected()
    const seen: RecordHeaders[] = []
    const { program, written } = everyKind((headers) => seen.push(headers), [])
    await run(program, { provider, parallelism })
    expect(exporter.getFinishedSpans()).toEqual([])
    const sent = orders.slice(0, 4).map(headersOf([]))
    const byTrace = (a: RecordHeaders, b: RecordHeaders): number =>
      String(a['traceparent']).localeCompare(String(b['traceparent']))
    expect(seen.toSorted(byTrace)).toEqual(sent)
    expect(written.committed.map(({ headers }) => headers)).toEqual([undefined, undefined, undefined])
  })
})

test('the spans of a record follow from the headers that a sink wrote for it', async () => {
  const { exporter, provider } = collected()
  const written = memory.write<Order>()
  const program = pipeline('copy', (p) =>
    p.from('orders', memory.read(orders, { headers: headersOf([1]) })).to('copies', written),
  )
  await run(program, { provider })
  const [sink] = shown(exporter.getFinishedSpans()).named('copies')
  expect(written.committed.map(({ headers }) => headers?.['traceparent'])).toEqual([
    `00-${traceOf(1)}-${sink!.spanContext().spanId}-01`,
    ...orders.slice(1).map((order) => headersOf([])(order)['traceparent']),
  ])
})

test('a record in two sliding windows is linked from the results of both', async () => {
  const { exporter, provider } = collected()
  const program = pipeline('sliding', (p) =>
    p
      .from('orders', memory.read(orders, { headers: headersOf([1, 2, 4]) }))
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ card }) => card)
      .window(sliding({ size: '2m', slide: '1m' }))
      .aggregate('counts', { n: count() })
      .to('out', memory.write()),
  )
  await run(program, { provider })
  const results = shown(exporter.getFinishedSpans())
    .named('counts')
    .filter(({ links }) => links.length > 0)
  expect(results.map(({ links }) => links.map(({ context }) => Number(context.traceId)))).toEqual([
    [1, 2],
    [1, 2, 4],
    [4],
  ])
})

test('what a timer emits is linked to the records since the last result, unless it sets headers', async () => {
  const { exporter, provider } = collected()
  const program = pipeline('timers', (p) =>
    p
      .from('orders', memory.read(orders, { headers: headersOf([1, 2, 4, 5]) }))
      .withTimestamps({ timestamp: ({ at }) => at })
      .keyBy(({ card }) => card)
      .process('quiet', {
        output: output<string>(),
        state: { kept: state.value<RecordHeaders>() },
        onRecord({ time, headers }, { timers, state: { kept } }) {
          kept.set(headers)
          timers.setEvent(Math.ceil(time / 10_000) * 10_000)
        },
        onTimer({ key, time }, { emit, setHeaders, state: { kept } }) {
          if (time > 60_000) setHeaders(kept.get())
          emit(key)
        },
      })
      .to('out', memory.write()),
  )
  await run(program, { provider })
  const spans = exporter.getFinishedSpans()
  const results = shown(spans)
    .named('quiet')
    .filter(({ links }) => links.length > 0)
  expect(results.map(({ links }) => links.map(({ context }) => Number(context.traceId)))).toEqual([[1, 2]])
  // The second one continues the trace of the record that it had kept.
  const written = shown(spans).named('out')
  expect(written.map((span) => Number(span.spanContext().traceId)).includes(5)).toBe(true)
  expect(written).toHaveLength(2)
})

test.each(['before', 'after'])(
  'a timer that throws %s it emits: its span ends with the error',
  async (when) => {
    const { exporter, provider } = collected()
    const tracer = recordTracer({ tracerProvider: provider })
    const open = new Set<object>()
    const program = pipeline('timers', (p) =>
      p
        .from('orders', memory.read(orders, { headers: headersOf([1, 2, 4, 5]) }))
        .withTimestamps({ timestamp: ({ at }) => at })
        .keyBy(({ card }) => card)
        .process('quiet', {
          output: output<string>(),
          onRecord({ time }, { timers }) {
            timers.setEvent(Math.ceil(time / 10_000) * 10_000)
          },
          onTimer({ key }, { emit }) {
            if (when === 'after') emit(key)
            throw new Error('no such card')
          },
        })
        .to('out', memory.write()),
    )
    const platform = simPlatform({ seed: 1 })
    const job = startJob({
      ...jobOptionsOf(program, { bounded: true }),
      platform,
      store: memoryStore(),
      restart: { kind: 'none' },
      tracer: {
        ...tracer,
        begin: (start) => {
          const span = tracer.begin(start)
          if (span === undefined) return undefined
          open.add(span)
          const end = span.end.bind(span)
          return Object.assign(span, {
            end: (at: number) => {
              open.delete(span)
              end(at)
            },
          })
        },
      },
    })
    await driveJob(job, platform.clock)
    expect((await job.ended).outcome).toBe('failed')
    const results = shown(exporter.getFinishedSpans())
      .named('quiet')
      .filter(({ links }) => links.length > 0)
    expect(results.map(({ status }) => status)).toEqual([
      { code: SpanStatusCode.ERROR, message: expect.stringContaining('no such card') },
    ])
    expect(open.size).toBe(0)
  },
)

test('the row of a join is linked to the record that came first', async () => {
  const { exporter, provider } = collected()
  const program = pipeline('join', (p) => {
    const read = (name: string, ids: readonly number[]) =>
      p
        .from(
          name,
          memory.read(
            orders.filter(({ id }) => ids.includes(id)),
            { headers: headersOf([1, 2, 4]) },
          ),
        )
        .withTimestamps({ timestamp: ({ at }) => at })
        .keyBy(({ card }) => card)
    join(read('left', [1]), read('right', [2]))
      .between('-10s', '10s')
      .inner('pairs', (left, right) => [left.id, right.id])
      .to('out', memory.write())
  })
  await run(program, { provider })
  const { named, parentOf } = shown(exporter.getFinishedSpans())
  const linked = named('pairs').filter(({ links }) => links.length > 0)
  expect(linked).toHaveLength(1)
  const [row] = linked
  const second = Number(row!.spanContext().traceId)
  expect(row!.links.map(({ context }) => Number(context.traceId))).toEqual([second === 1 ? 2 : 1])
  expect(named('out').map(parentOf)).toEqual(['pairs'])
})

test('a record that fails and is skipped has a span with its error, and the next one does not', async () => {
  const { exporter, provider } = collected()
  const program = pipeline('fails', (p) =>
    p
      .from('orders', memory.read(orders, { headers: headersOf([1, 2]) }))
      .map(
        (order) => {
          if (order.id === 1) throw new Error('no price')
          return order
        },
        { name: 'price', onError: skip() },
      )
      .keyBy(({ card }) => card)
      .mapAsync(
        'enrich',
        async ({ id }) => {
          if (id === 2) throw new Error('no such card')
          return id
        },
        { onError: skip() },
      )
      .to('out', memory.write()),
  )
  await run(program, { provider })
  const { named } = shown(exporter.getFinishedSpans())
  expect(named('price').map(({ status }) => status)).toEqual([
    { code: SpanStatusCode.ERROR, message: expect.stringContaining('no price') },
    { code: SpanStatusCode.UNSET },
  ])
  expect(named('enrich').map(({ status }) => status)).toEqual([
    { code: SpanStatusCode.ERROR, message: expect.stringContaining('no such card') },
  ])
})

test('spans begin and end at the times of the platform', async () => {
  const { exporter, provider } = collected()
  const platform = simPlatform({ seed: 1 })
  const { clock } = platform
  const program = pipeline('slow', (p) =>
    p
      .from('orders', memory.read(orders.slice(0, 1), { headers: headersOf([1]) }))
      .mapAsync('enrich', (order) => new Promise((resolve) => void clock.schedule(250, () => resolve(order))))
      .to('out', memory.write()),
  )
  const from = clock.now()
  await run(program, { provider, platform })
  const ms = ([seconds, nanoseconds]: readonly [number, number]): number =>
    seconds * 1_000 + nanoseconds / 1e6
  const [call] = shown(exporter.getFinishedSpans()).named('enrich')
  expect([ms(call!.startTime) - from, ms(call!.endTime) - from]).toEqual([0, 250])
})

test('a provider that throws does not end the job', async () => {
  const fail = (): never => {
    throw new Error('out of order')
  }
  const written = memory.write<Order>()
  const program = pipeline('copy', (p) =>
    p.from('orders', memory.read(orders, { headers: headersOf([1]) })).to('copies', written),
  )
  await run(program, { provider: { getTracer: () => ({ startSpan: fail, startActiveSpan: fail }) } })
  expect(written.committed).toHaveLength(5)
})
