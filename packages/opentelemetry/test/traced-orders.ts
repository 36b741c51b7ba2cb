import type { TracerProvider } from '@opentelemetry/api'
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import type { RecordHeaders } from '@millrace/core'
import { startJob, type JobOptions } from '@millrace/core/job'
import { jobOptionsOf, type Pipeline } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform, type SimPlatform } from '@millrace/testkit'
import { expect } from 'vitest'
import { recordTracer } from '../src/index.ts'

export interface Order {
  readonly id: number
  readonly card: string
  readonly at: number
}

export const traceOf = (id: number): string => String(id).padStart(32, '0')
export const senderOf = (id: number): string => String(id).padStart(16, 'a')

/** The headers of an order: those of its sender, who samples the orders with the numbers `sampled`. */
export function headersOf(sampled: readonly number[]): (order: Order) => RecordHeaders {
  return ({ id }) => ({
    tenant: 'a',
    traceparent: `00-${traceOf(id)}-${senderOf(id)}-${sampled.includes(id) ? '01' : '00'}`,
    tracestate: 'vendor=1',
  })
}

export function collected() {
  const exporter = new InMemorySpanExporter()
  // It would sample everything that it is asked for.
  const sampler = new AlwaysOnSampler()
  const provider = new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] })
  return { exporter, provider }
}

interface RunOptions extends Partial<JobOptions> {
  readonly provider: TracerProvider
  readonly platform?: SimPlatform
}

export async function run(
  program: Pipeline,
  { provider, platform = simPlatform({ seed: 1 }), ...options }: RunOptions,
): Promise<void> {
  const job = startJob({
    ...jobOptionsOf(program, { bounded: true }),
    platform,
    store: memoryStore(),
    tracer: recordTracer({ tracerProvider: provider }),
    ...options,
  })
  await driveJob(job, platform.clock)
  expect(await job.ended).toEqual({ outcome: 'finished' })
}

/** Spans by name, and what belongs to which. */
export function shown(spans: readonly ReadableSpan[]) {
  const nameOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]))
  const parentOf = (span: ReadableSpan): string | undefined => {
    const id = span.parentSpanContext?.spanId
    return id === undefined ? undefined : (nameOf.get(id) ?? id)
  }
  const inTrace = (id: number): string[] =>
    spans
      .filter((span) => span.spanContext().traceId === traceOf(id))
      .map((span) => `${parentOf(span)} > ${span.name}`)
  const named = (name: string): ReadableSpan[] => spans.filter((span) => span.name === name)
  return { inTrace, named, parentOf }
}

export const orders: readonly Order[] = [
  { id: 1, card: 'x', at: 1_000 },
  { id: 2, card: 'x', at: 2_000 },
  { id: 3, card: 'y', at: 3_000 },
  { id: 4, card: 'x', at: 61_000 },
  { id: 5, card: 'x', at: 62_000 },
]
