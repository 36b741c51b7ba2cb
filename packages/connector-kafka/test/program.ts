/** Counts by key from topic to topic. Killed and frozen by kills.long.test.ts. */
import { createRequire } from 'node:module'
import type { ProcessFacts } from '@millrace/core/disk'
import { startJob } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { kafka, type NativeModule } from '../src/index.ts'

const [clientFile, brokers, input, output, directory, isBounded, host] = process.argv.slice(2)
const client = createRequire(import.meta.url)(clientFile!) as NativeModule

interface Numbered {
  readonly n: number
  readonly k: string
}

const platform = nodePlatform()
// On another machine nothing says whether a process is still there.
const elsewhere: ProcessFacts = {
  self: { ...platform.process.self, host: host!, boot: undefined, pidNamespace: undefined },
  fateOf: () => Promise.resolve('unknown'),
}

const job = startJob({
  graph: pipeline('kills', (p) => {
    p.from('in', kafka.readJson<Numbered>({ brokers: brokers!, client, topic: input! }))
      .keyBy(({ k }) => k)
      .scan(
        'count',
        () => ({ count: 0, sum: 0 }),
        (before, { n }) => ({ count: before.count + 1, sum: before.sum + n }),
      )
      .to('out', kafka.writeJson({ brokers: brokers!, client, topic: output!, key: ({ key }) => key }))
  }).describe({}).graph,
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
