/** Reads numbers by HTTP and sends each with how many of its key came before it. Killed by kills.long.test.ts. */
import type { Source } from '@millrace/core/connector'
import { startJob } from '@millrace/core/job'
import { pipeline } from '@millrace/flow'
import { nodePlatform } from '@millrace/node'
import { memoryStore } from '@millrace/store-memory'
import { http, sse } from '../src/index.ts'

const [what, port, target, directory, isBounded] = process.argv.slice(2)

interface Numbered {
  readonly n: number
  readonly k: string
}

/** The source of a kind: pages and events of the server at the port, or a server of its own there. */
function sourceOf(kind: string): Source<Numbered> {
  if (kind === 'receive') return http.receive<Numbered>({ port: Number(port) })
  if (kind === 'events') return sse.read<Numbered>({ url: `http://127.0.0.1:${port}/events` })
  return http.poll<Numbered, number>({
    url: (after) => `http://127.0.0.1:${port}/pages?after=${after ?? 0}`,
    cursor: ({ body }) => {
      const last = (body as readonly Numbered[]).at(-1)
      return last === undefined ? undefined : last.n + 1
    },
    every: '20ms',
  })
}

const job = startJob({
  graph: pipeline('kills', (p) => {
    p.from('in', sourceOf(what!))
      .keyBy(({ k }) => k)
      .scan(
        'count',
        () => ({ count: 0, n: -1 }),
        (before, { n }) => ({ count: before.count + 1, n }),
      )
      .to(
        'out',
        http.send({
          url: target!,
          orderBy: ({ key }) => key,
          retry: { firstPause: '10ms', longestPause: '200ms' },
        }),
      )
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
