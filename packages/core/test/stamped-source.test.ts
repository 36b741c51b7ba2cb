import { memory } from '@millrace/connector-memory'
import { MIN_TIME, type Poll, type Source } from '@millrace/core/connector'
import { mapInputs, type Graph, type GraphNode, type Input } from '@millrace/core/graph'
import { startJob } from '@millrace/core/job'
import { collect, pipeline, tumbling } from '@millrace/flow'
import { memoryStore } from '@millrace/store-memory'
import { driveJob, simPlatform } from '@millrace/testkit'
import { expect, test } from 'vitest'

/** Records as `value@watermark`, or what is said between them. */
type Said =
  | readonly [value: number, watermark: number]
  | { readonly watermark: number; readonly isIdle: boolean }

/** A source whose records have event times already: the value itself. */
function stamped(script: readonly Said[]): Source<number, number> {
  return {
    kind: 'stamped',
    durability: 'replayable',
    discover: () => Promise.resolve({ splits: ['all'], isComplete: true }),
    open: (_split, from = 0) => {
      let next = from
      return Promise.resolve({
        poll: (): Poll<number> => {
          const said = script[next]
          if (said === undefined) return { kind: 'end' }
          next++
          if ('isIdle' in said) return { kind: 'pending', isCaughtUp: false, progress: said }
          const [value, watermark] = said
          const stamps = { times: Float64Array.of(value), watermarks: Float64Array.of(watermark) }
          return { kind: 'records', values: [value], stamps }
        },
        ready: () => Promise.resolve(),
        position: () => next,
        close: () => Promise.resolve(),
      })
    },
  }
}

/** What windows of ten milliseconds and their late records are, in the order in which they come. */
async function windows(...sources: readonly (readonly Said[])[]): Promise<readonly string[]> {
  const out = memory.write<string>()
  const { graph } = pipeline('test', (p) => {
    const [first, ...others] = sources.map((script, index) =>
      p.from(`numbers-${index}`, stamped(script)).withTimestamps({ timestamp: (n) => n }),
    )
    const counts = first!
      .union(...others)
      .keyBy(() => 'all')
      .window(tumbling(10))
      .aggregate('lists', { all: collect() })
    counts
      .map(({ window, all }) => `${window.start}: ${all.join(' ')}`)
      .union(counts.late.map((n) => `late ${n}`))
      .to('out', out)
  }).describe()
  const platform = simPlatform({ seed: 1 })
  const job = startJob({
    graph: withoutTimestamps(graph),
    platform,
    store: memoryStore(),
    directory: 'data',
    isBounded: true,
  })
  expect(await driveJob(job, platform.clock)).toEqual({ outcome: 'finished' })
  return out.values
}

/** Event times come from the sources alone. */
function withoutTimestamps(graph: Graph): Graph {
  const from = new Map(
    graph.nodes.flatMap((node) => (node.kind === 'timestamps' ? [[node.id, node.inputs[0].from]] : [])),
  )
  const rewired = graph.nodes.flatMap((node): readonly GraphNode[] => {
    if (node.kind === 'timestamps') return []
    if (node.kind !== 'operator' && node.kind !== 'step') return [node]
    const change = (input: Input): Input => ({ ...input, from: from.get(input.from) ?? input.from })
    if (node.kind === 'step') return [{ ...node, inputs: node.inputs.map(change) }]
    return [{ ...node, inputs: mapInputs(node.inputs, change) }]
  })
  return { ...graph, nodes: rewired }
}

test('records are handled under the watermarks that their source gives them, and late ones are late', async () => {
  expect(
    await windows([
      [5, MIN_TIME],
      [14, 4],
      [7, 4],
      [25, 14],
      [8, 14],
    ]),
  ).toEqual(['0: 5 7', 'late 8', '10: 14', '20: 25'])
})

test('event time passes without records, also while the source says that it is idle', async () => {
  const quiet = [[5, MIN_TIME], { watermark: 9, isIdle: true }, { watermark: 30, isIdle: true }] as const
  expect(await windows([...quiet, [6, 30]])).toEqual(['0: 5', 'late 6'])
})

test('an idle source does not hold back another, and does again with its next record', async () => {
  const idle = [[1, MIN_TIME], { watermark: 2, isIdle: true }] as const
  const busy = [[3, MIN_TIME], [15, 3], { watermark: 20, isIdle: false }] as const
  expect(await windows(idle, busy)).toEqual(['0: 1 3', '10: 15'])
})
