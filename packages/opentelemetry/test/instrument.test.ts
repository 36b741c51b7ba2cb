import { SpanStatusCode } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { memory } from '@millrace/connector-memory'
import { allMetrics } from '@millrace/control/metrics'
import type { Sink } from '@millrace/core/connector'
import { startJob, type Job, type JobOptions } from '@millrace/core/job'
import { jobOptionsOf, pipeline, type Pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { sleep } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import { instrument } from '../src/index.ts'
import { metricName } from '../src/names.ts'

/** Collects what is exported, in memory. */
function telemetry() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  // Only forceFlush collects.
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 })
  const meterProvider = new MeterProvider({ readers: [reader] })
  const spans = new InMemorySpanExporter()
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
  const logs = new InMemoryLogRecordExporter()
  const loggerProvider = new LoggerProvider({
    processors: [new SimpleLogRecordProcessor({ exporter: logs })],
  })
  const collected = async (): Promise<readonly MetricData[]> => {
    await meterProvider.forceFlush()
    return (
      exporter
        .getMetrics()
        .at(-1)
        ?.scopeMetrics.flatMap(({ metrics }) => metrics) ?? []
    )
  }
  const options = { meterProvider, tracerProvider, logger: loggerProvider.getLogger('test') }
  return { options, collected, spans, logs }
}

function started(
  program: Pipeline,
  platform: SimPlatform = simPlatform({ seed: 1 }),
  options: Partial<JobOptions> = {},
): { readonly job: Job; readonly platform: SimPlatform } {
  const given = { ...jobOptionsOf(program, { bounded: true }), ...options }
  return { job: startJob({ ...given, platform, store: memoryStore() }), platform }
}

const words = (name: string, all: readonly string[] = ['a']): Pipeline =>
  pipeline(name, (p) => {
    p.from('words', memory.read(all))
      .keyBy((word) => word)
      .scan(
        'count',
        () => 0,
        (count) => count + 1,
      )
      .to('counts', memory.write())
  })

/** The value of a metric for one set of attributes. */
function valueOf(metrics: readonly MetricData[], name: string, attributes: Record<string, string>): unknown {
  const metric = metrics.find(({ descriptor }) => descriptor.name === name)
  return metric?.dataPoints.find((point) => JSON.stringify(point.attributes) === JSON.stringify(attributes))
    ?.value
}

describe('metrics', () => {
  test('an exporter for Prometheus makes the documented names of them again', () => {
    const suffixes = new Map([
      ['s', '_seconds'],
      ['By', '_bytes'],
    ])
    const restored = allMetrics.map((metric) => {
      const { name, unit } = metricName(metric)
      const suffix = unit === undefined ? '' : suffixes.get(unit)!
      return `${name.replaceAll('.', '_')}${suffix}${metric.type === 'counter' ? '_total' : ''}`
    })
    expect(restored).toEqual(allMetrics.map(({ name }) => name))
    expect(metricName({ name: 'millrace_event_loop_delay_seconds' })).toEqual({
      name: 'millrace.event_loop.delay',
      unit: 's',
    })
    expect(metricName({ name: 'millrace_operator_records_in_total' }).name).toBe(
      'millrace.operator.records_in',
    )
  })

  test('a collection reads the counters as they are then, for each of several jobs', async () => {
    const { options, collected } = telemetry()
    const [one, two] = [started(words('one', ['a', 'b', 'a'])), started(words('two'))]
    using _one = instrument(one.job, options)
    using _two = instrument(two.job, options)
    const counted = (metrics: readonly MetricData[]): unknown[] =>
      ['one', 'two'].map((job) =>
        valueOf(metrics, 'millrace.operator.records_in', {
          'millrace.job': job,
          'millrace.operator': 'count',
        }),
      )
    expect(counted(await collected())).toEqual([0, 0])
    await driveJob(one.job, one.platform.clock)
    await driveJob(two.job, two.platform.clock)
    const metrics = await collected()
    expect(counted(metrics)).toEqual([3, 1])
    expect(valueOf(metrics, 'millrace.checkpoints.completed', { 'millrace.job': 'one' })).toBe(1)
    const heap = metrics.find(({ descriptor }) => descriptor.name === 'millrace.heap.used')
    expect(heap?.descriptor).toMatchObject({ unit: 'By', description: 'Used heap of the process' })
  })

  test('after it is disposed of, nothing is collected any more', async () => {
    const { options, collected, spans, logs } = telemetry()
    const first = started(words('words'))
    await driveJob(first.job, first.platform.clock)
    // This one fails.
    const { job, platform } = started(words('words'), first.platform, { keyGroups: 64 })
    instrument(job, options)[Symbol.dispose]()
    await driveJob(job, platform.clock)
    expect(await collected()).toEqual([])
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['millrace.start'])
    expect(logs.getFinishedLogRecords()).toEqual([])
  })

  test('a logger and a tracer that throw do not end the job', async () => {
    const fail = (): never => {
      throw new Error('out of order')
    }
    const { job, platform } = started(words('words'))
    const { options } = telemetry()
    const span = options.tracerProvider.getTracer('test').startSpan('a')
    span.end = fail
    using _ = instrument(job, {
      logger: { emit: fail },
      tracerProvider: { getTracer: () => ({ startSpan: () => span, startActiveSpan: fail }) },
    })
    await driveJob(job, platform.clock)
    expect(await job.ended).toEqual({ outcome: 'finished' })
  })
})

/** Name, attributes of its own, start and end in milliseconds. */
function shown({ name, attributes, startTime, endTime }: ReadableSpan): unknown[] {
  const ms = ([seconds, nanoseconds]: readonly [number, number]): number =>
    seconds * 1_000 + Math.round(nanoseconds / 1e6)
  const { 'millrace.job': _, 'millrace.checkpoint.bytes': _bytes, ...own } = attributes
  return [name, own, ms(startTime), ms(endTime)]
}

describe('traces', () => {
  test('a checkpoint is a trace of aligning, encoding, persisting and committing', async () => {
    const { options, spans } = telemetry()
    const slow: Sink<string, string> = {
      kind: 'slow',
      guarantee: 'exactly-once',
      open: async (_subtask, _pending, { clock, signal }) => ({
        write: async () => {},
        prepare: async () => {
          await sleep(clock, 30, signal)
          return 'prepared'
        },
        commit: () => sleep(clock, 200, signal),
        close: async () => {},
      }),
    }
    const program = pipeline('slow', (p) => p.from('words', memory.read(['a'])).to('out', slow))
    const { job, platform } = started(program)
    using _ = instrument(job, options)
    const from = platform.clock.now()
    await driveJob(job, platform.clock)
    const [start, ...checkpoint] = spans
      .getFinishedSpans()
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .reverse()
    expect(shown(start!)[0]).toBe('millrace.start')
    const root = checkpoint.at(-1)!
    expect(root.parentSpanContext).toBeUndefined()
    for (const span of checkpoint.slice(0, -1)) {
      expect(span.parentSpanContext?.spanId).toBe(root.spanContext().spanId)
    }
    const sink = { 'millrace.task': 'out', 'millrace.subtask': '0' }
    expect(
      checkpoint.map(shown).filter(([, own]) => (own as typeof sink)['millrace.task'] !== 'words'),
    ).toEqual([
      ['millrace.checkpoint.persist', {}, from + 30, from + 30],
      ['millrace.checkpoint.encode', sink, from, from + 30],
      ['millrace.checkpoint.commit', {}, from + 30, from + 230],
      ['millrace.checkpoint.align', sink, from, from],
      ['millrace.checkpoint', { 'millrace.checkpoint.number': 1 }, from, from + 230],
    ])
  })

  test('a restart is a trace with the error that caused it, until the job runs again', async () => {
    const { options, spans, logs } = telemetry()
    let isBroken = true
    const program = pipeline('breaks', (p) =>
      p
        .from('words', memory.read(['a']))
        .map((word) => {
          if (!isBroken) return word
          isBroken = false
          throw new Error('out of luck')
        })
        .to('out', memory.write()),
    )
    const { job, platform } = started(program)
    using _ = instrument(job, options)
    await driveJob(job, platform.clock)
    const restart = spans.getFinishedSpans().find(({ name }) => name === 'millrace.restart')!
    expect(restart.status.code).toBe(SpanStatusCode.UNSET)
    expect(restart.events[0]?.attributes?.['exception.message']).toContain('out of luck')
    const records = logs.getFinishedLogRecords()
    expect(records.map(({ eventName }) => eventName)).toEqual([
      'millrace.started',
      'millrace.failed',
      'millrace.started',
      'millrace.stopping',
      'millrace.checkpointCompleted',
      'millrace.ended',
    ])
    expect(records[1]).toMatchObject({
      severityText: 'error',
      severityNumber: 17,
      body: expect.stringContaining('out of luck'),
      attributes: { 'millrace.job': 'breaks', 'millrace.code': 'OPERATOR_FAILED' },
    })
  })

  test('a start that fails is a trace with an error', async () => {
    const first = started(words('words'))
    await driveJob(first.job, first.platform.clock)
    const { options, spans } = telemetry()
    const { job, platform } = started(words('words'), first.platform, { keyGroups: 64 })
    using _ = instrument(job, options)
    await driveJob(job, platform.clock)
    const message = expect.stringContaining('key groups') as string
    expect(spans.getFinishedSpans().map(({ name, status }) => [name, status])).toEqual([
      ['millrace.start', { code: SpanStatusCode.ERROR, message }],
    ])
  })

  test('a checkpoint that is aborted is a trace with the reason', async () => {
    const { options, spans } = telemetry()
    const stalled: Sink<string> = {
      kind: 'stalled',
      guarantee: 'at-least-once',
      open: async (_subtask, _pending, { signal }) => ({
        write: () =>
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
        prepare: async () => undefined,
        close: async () => {},
      }),
    }
    const program = pipeline('stalled', (p) => p.from('words', memory.read(['a'])).to('out', stalled))
    const { job, platform } = started(program, undefined, {
      checkpoints: { everyMs: 10, timeoutMs: 100, toleratedFailures: 1 },
      restart: { kind: 'none' },
    })
    using _ = instrument(job, options)
    const from = platform.clock.now()
    await driveJob(job, platform.clock)
    const aborted = spans.getFinishedSpans().find(({ name }) => name === 'millrace.checkpoint')!
    expect(shown(aborted)).toEqual([
      'millrace.checkpoint',
      { 'millrace.checkpoint.number': 1 },
      from + 10,
      from + 110,
    ])
    expect(aborted.status).toEqual({
      code: SpanStatusCode.ERROR,
      message: expect.stringContaining('a sink may be stalled'),
    })
  })
})
