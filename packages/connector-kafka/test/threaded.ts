/** Copies a topic, and notes in which thread. Run by the test of threads. */
import { isMainThread, threadId } from 'node:worker_threads'
import { kafka } from '@millrace/connector-kafka'
import { pipeline, type Pipeline } from '@millrace/flow'
import type { Numbered } from './job-parts.ts'

const threaded: Pipeline = pipeline('threaded', (p) => {
  const brokers = p.parameter('brokers', '')
  const writing = { brokers, topic: p.parameter('output', '') }
  p.from('in', kafka.readJson<Numbered>({ brokers, topic: p.parameter('input', '') })).to(
    'out',
    kafka.writeRecords({
      ...writing,
      // The record is made by the sink.
      record: ({ n, k }) => ({ key: k, value: JSON.stringify({ n, thread: isMainThread ? 0 : threadId }) }),
    }),
  )
})

export default threaded
