/** Reads a stream and writes each number, with how many of its key came before it. Killed by kills.long.test.ts. */
import { startJob } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { redis } from '../src/index.ts'

const [what, url, input, output, directory, isBounded] = process.argv.slice(2)

interface Numbered {
  readonly n: number
  readonly k: string
}

const job = startJob({
  graph: pipeline('kills', (p) => {
    const source =
      what === 'stream'
        ? redis.readJson<Numbered>(input!, { url: url! })
        : redis.receiveJson<Numbered>(input!, { url: url!, group: 'workers' })
    p.from('in', source)
      .keyBy(({ k }) => k)
      .scan(
        'count',
        () => ({ count: 0, n: -1 }),
        (before, { n }) => ({ count: before.count + 1, n }),
      )
      .to('out', redis.writeJson(output!, { url: url! }))
  }).describe({}).graph,
  platform: nodePlatform(),
  store: memoryStore(),
  directory: directory!,
  isBounded: isBounded === 'bounded',
  checkpoints: { everyMs: 20 },
  ownership: { leaseMs: 300, heartbeatMs: 100 },
})
const result = await job.ended
if (result.outcome === 'failed') throw result.error
