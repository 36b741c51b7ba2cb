/** What the benchmarks of brokers share: records, and jobs that only read or only write. */
import type { Json } from '@millrace/core'
import type { Sink, Source } from '@millrace/core/connector'
import { pipeline } from '@millrace/flow'
import { CountingSink, decoded, runToEnd } from './engine-run.ts'
import type { Measurable } from './measure.ts'

/** The sizes of records, in bytes. */
export const sizes = [100, 1_000]
/** A job makes a checkpoint so often, and a client alone acknowledges so often what it has read. */
export const checkpointMs = 1_000
/** So many records are sent before the broker has confirmed them. */
export const sentAtOnce = 1_000

const distinctTexts = 1_000

/** Records of one size, as JSON with some numbers and words: they compress to about a third. */
export function textsOf(size: number): readonly string[] {
  return Array.from({ length: distinctTexts }, (_, record) => {
    let text = ''
    for (let part = 0; text.length < size; part++) {
      const id = (record * 7_919 + part * 31) % 100_003
      text += JSON.stringify({ id, shop: `shop-${(record * 13 + part) % 97}`, amount: (id * 17) % 9_999 })
    }
    return text.slice(0, size)
  })
}

/** Runs a job that reads everything a source has. Rejects if that is not `count` records. */
export async function readAll<T>(source: Source<T, Json>, count: number): Promise<void> {
  const sink = new CountingSink()
  const job = pipeline('bench', (p) => p.from('in', source).to('out', sink))
  await runToEnd(job, checkpointMs)
  if (sink.records !== count) throw new Error(`read ${sink.records} of ${count} records`)
}

/** Runs a job that writes `count` records. */
export async function writeAll(
  texts: readonly string[],
  sink: Sink<string, Json>,
  count: number,
): Promise<void> {
  const job = pipeline('bench', (p) => p.from('in', decoded(texts, count / texts.length)).to('out', sink))
  await runToEnd(job, checkpointMs)
}

/** A job, and the same work by the client of the broker alone, which may cost four fifths of it. */
export interface Pair {
  readonly name: string
  readonly operations: number
  readonly before?: () => Promise<void>
  readonly job: () => Promise<void>
  /** What the client does. */
  readonly client: string
  readonly alone: () => Promise<void>
}

/** The two sides of pairs, to be measured in turns. */
export function measurablesOf(pairs: readonly Pair[]): readonly Measurable[] {
  return pairs.flatMap(({ name, operations, before, job, client, alone }) => {
    const of = `${client}, for ${name}`
    const both = { operations, ...(before !== undefined && { before }) }
    return [
      { ...both, name, run: job, atMost: { times: 1.25, of } },
      { ...both, name: of, run: alone },
    ]
  })
}
