import type { Batch, ConnectorContext, SinkWriter } from '@millrace/core/connector'
import { SimFs } from '@millrace/testkit'
import { ManualClock, seededRandom } from '@millrace/world'
import type { StagedRecords } from '../src/index.ts'
import type { OutgoingRecord } from '../src/record.ts'
import { TransactionSink, type TransactionOptions } from '../src/transaction-sink.ts'
import type { MemoryCluster } from './memory-cluster.ts'

/** The surroundings of a connector: manual clock, simulated disk. */
export interface TestContext extends ConnectorContext {
  readonly clock: ManualClock
  readonly fs: SimFs
  readonly warnings: string[]
  readonly stop: AbortController
}

export function contextOf(options: Partial<ConnectorContext> & { readonly fs?: SimFs } = {}): TestContext {
  const warnings: string[] = []
  const stop = new AbortController()
  let isDown = false
  const context = {
    name: 'out',
    clock: new ManualClock(1_000_000),
    random: seededRandom(1),
    fs: new SimFs(),
    directory: 'connectors/out',
    owner: { job: 'job', epoch: 1, confirm: () => Promise.resolve() },
    isBounded: false,
    start: { kind: 'first', checkpoint: undefined },
    signal: stop.signal,
    warn: (message: string) => void warnings.push(message),
    down: (reason: unknown) => {
      if (!isDown) warnings.push(`down: ${String(reason)}`)
      isDown = true
    },
    trying: () => {},
    up: () => {
      if (isDown) warnings.push('up')
      isDown = false
    },
    warnings,
    stop,
    ...options,
  }
  return context as TestContext
}

export type Writer = SinkWriter<OutgoingRecord | string, StagedRecords>

export function sinkOn(
  cluster: MemoryCluster,
  options: Partial<TransactionOptions> = {},
): TransactionSink<OutgoingRecord | string> {
  const recordOf = (value: OutgoingRecord | string): OutgoingRecord =>
    typeof value === 'string' ? { value } : value
  return new TransactionSink(
    cluster.connect,
    { topic: 'out', recordOf, maxRecordBytes: 100 },
    {
      address: 'memory:9092',
      idPrefix: 'millrace',
      transactionTimeoutMs: 60_000,
      ifForgotten: 'fail',
      compressor: undefined,
      ...options,
    },
  )
}

export function batchOf<T>(values: readonly T[], times?: readonly number[]): Batch<T> {
  const array = Float64Array.from(times ?? values.map(() => Number.NaN))
  return {
    length: values.length,
    values,
    times: array,
    watermarks: array,
    origin: undefined,
    originIndex: undefined,
  }
}

/** Writes values, and returns the reasons of those that were rejected. */
export async function write(
  writer: Writer,
  values: readonly (OutgoingRecord | string)[],
  headers?: Batch['headers'],
): Promise<string[]> {
  const reasons: string[] = []
  await writer.write(
    { ...batchOf(values), headers },
    (index, error) => void reasons.push(`${index}: ${String(error)}`),
  )
  return reasons
}

const decoder = new TextDecoder()

export function valuesIn(cluster: MemoryCluster, topic = 'out'): (string | null)[] {
  return cluster.records(topic).map(({ value }) => (value === null ? null : decoder.decode(value)))
}
