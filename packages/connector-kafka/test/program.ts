/** Counts by key from topic to topic, all records or in windows. Killed and frozen by the long tests. */
import type { ProcessFacts } from '@millrace/core/disk'
import { startJob } from '@millrace/core/job'
import { count, pipeline, sum, tumbling, type Pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { kafka } from '../src/index.ts'

const [brokers, what, input, output, directory, isBounded, host] = process.argv.slice(2)

interface Numbered {
  readonly n: number
  readonly k: string
}

const source = { brokers: brokers!, topic: input! }
const sink = { brokers: brokers!, topic: output! }

const counts: Pipeline = pipeline('kills', (p) => {
  p.from('in', kafka.readJson<Numbered>(source))
    .keyBy(({ k }) => k)
    .scan(
      'count',
      () => ({ count: 0, sum: 0 }),
      (before, { n }) => ({ count: before.count + 1, sum: before.sum + n }),
    )
    .to('out', kafka.writeJson({ ...sink, key: ({ key }) => key }))
})

const windows: Pipeline = pipeline('windows', (p) => {
  p.from('in', kafka.readJson<Numbered>(source))
    .withTimestamps({ timestamp: ({ n }) => n * 10, maxOutOfOrderness: 0 })
    .keyBy(({ k }) => k)
    .window(tumbling('10s'))
    .aggregate('totals', { count: count(), sum: sum(({ n }) => n) })
    .map(({ key, window, ...total }) => ({ key, start: window.start, ...total }))
    .to('out', kafka.writeJson({ ...sink, key: ({ key }) => key }))
})

const platform = nodePlatform()
// On another machine nothing says whether a process is still there.
const elsewhere: ProcessFacts = {
  self: { ...platform.process.self, host: host!, boot: undefined, pidNamespace: undefined },
  fateOf: () => Promise.resolve('unknown'),
}

const job = startJob({
  graph: (what === 'windows' ? windows : counts).describe({}).graph,
  platform: host === undefined ? platform : { ...platform, process: elsewhere },
  store: memoryStore(),
  directory: directory!,
  isBounded: isBounded === 'bounded',
  parallelism: 2,
  checkpoints: { everyMs: 20 },
  ownership: { leaseMs: 300, heartbeatMs: 100 },
})
const result = await job.ended
if (result.outcome === 'failed') {
  process.stderr.write(`${String(result.error)}\n`)
  process.exit(1)
}
process.exit(0)
