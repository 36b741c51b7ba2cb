import { deadLetter, pipeline, sliding, count, state, type Pipeline } from '@millrace/flow'
import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Sink } from '../connect/sink.ts'
import type { Source } from '../connect/source.ts'
import { explain } from './explain-plan.ts'
import { explanationMermaid } from './explanation-mermaid.ts'
import { explanationText } from './explanation-text.ts'

interface Payment {
  readonly card: string
  readonly at: number
}

const payments: Source<Payment> = memory.read<Payment>({ a: [] })

function sinkOf(guarantee: Sink<unknown>['guarantee']): Sink<unknown> {
  return { kind: 'trial', guarantee, open: () => Promise.reject(new Error('never opened')) }
}

const fraud: Pipeline = pipeline('fraud', (p) => {
  const stream = p
    .from('payments', payments)
    .filter((payment) => payment.at > 0, {
      name: 'valid',
      onError: deadLetter('rejected', memory.write()),
    })
    .withTimestamps({ name: 'time', timestamp: (payment) => payment.at, maxOutOfOrderness: '5s' })
  const perCard = stream.keyBy((payment) => payment.card)
  const spend = perCard.window(sliding({ size: '1m', slide: '10s' })).aggregate('spend', { n: count() })
  spend.to('spending', memory.write())
  spend.late.to('late', sinkOf('at-least-once'))
  perCard
    .process('velocity', { state: { last: state.value<number>() }, onRecord() {} })
    .to('alerts', memory.write())
})

describe('explain', () => {
  test('the tree follows the data, and shows state and how long it is kept', () => {
    expect(explanationText(explain(fraud.describe().graph))).toBe(
      `fraud

payments               from memory, replayable; keeps how far each split has been read
└─ valid               filter; sends records it fails on to dead letters
   ├─ time             withTimestamps, maxOutOfOrderness 5s, never idle
   │  ├─ spend         window by key; keeps n of each key and window until it ends; sliding windows of 1m every 10s
   │  │  ├─ spending   to memory, exactly-once
   │  │  └─ late       to trial, reads output 'late', at-least-once
   │  └─ velocity      process by key; keeps last of each key until cleared
   │     └─ alerts     to memory, exactly-once
   └─ rejected         to memory, reads output 'errors', exactly-once

runs as 7 tasks of 1 subtask each
  payments + valid + time → rejected, spend by key, velocity by key
  spend → spending, late
  spending
  late
  velocity → alerts
  alerts
  rejected

guarantee: at-least-once
  spending: exactly-once
  late: at-least-once
    because sink 'late' (trial) is at-least-once, so its output since the last checkpoint may be written again after a crash
  alerts: exactly-once
  rejected: exactly-once
  see https://github.com/millrace/millrace/blob/main/docs/guide/connectors.md

what this means: https://github.com/millrace/millrace/blob/main/docs/operating/running.md#seeing-what-a-pipeline-does
`,
    )
  })

  test('an output that was declared and has no reader is shown', () => {
    const { graph } = pipeline('p', (p) => {
      const parts = p
        .from('in', payments)
        .split('parts', { early: ({ at }) => at < 9, late: ({ at }) => at > 9 })
      parts.early.to('out', memory.write())
    }).describe()
    expect(explain(graph).parts[1]!.facts).toEqual(["output 'late' has no reader"])
  })

  test('a flowchart shows parts in their tasks, exchanges by key and side outputs', () => {
    const text = explanationMermaid(explain(fraud.describe().graph, 2))
    expect(text).toContain('  subgraph t0["payments ×2"]\n    n0[/"payments<br>memory"/]\n')
    expect(text).toContain('[("spend<br>window")]')
    expect(text).toContain('  n2 ==>|"by key"| n3\n')
    expect(text).toContain('  n3 -.->|"late"| n5\n')
  })

  test('names are escaped in the flowchart', () => {
    const source = { ...payments, kind: 'a"] --> x#' }
    const graph = pipeline('p', (p) => p.from('a', source).to('b', memory.write())).describe().graph
    expect(explanationMermaid(explain(graph))).toContain('n0[/"a<br>a#quot;] --> x#35;"/]')
  })
})

describe('the guarantee of a pipeline', () => {
  const explained = (
    durability: Source<unknown>['durability'],
    guarantee: Sink<unknown>['guarantee'],
  ): ReturnType<typeof explain> =>
    explain(
      pipeline('p', (p) => {
        p.from('in', { ...payments, durability }).to('out', sinkOf(guarantee))
      }).describe().graph,
    )

  test.each([
    ['replayable', 'exactly-once', 'exactly-once', []],
    ['replayable', 'at-least-once', 'at-least-once', ['out']],
    ['replayable', 'at-most-once', 'at-most-once', ['out']],
    ['redelivering', 'exactly-once', 'at-least-once', ['in']],
    ['redelivering', 'at-least-once', 'at-least-once', ['in', 'out']],
    ['redelivering', 'at-most-once', 'none', ['in', 'out']],
    ['volatile', 'exactly-once', 'at-most-once', ['in']],
    ['volatile', 'at-least-once', 'none', ['in', 'out']],
    ['volatile', 'at-most-once', 'at-most-once', ['in', 'out']],
  ] as const)('a %s source into an %s sink is %s', (durability, guarantee, expected, weakenedBy) => {
    const { guarantee: whole, sinks } = explained(durability, guarantee)
    expect(whole).toBe(expected)
    expect(sinks[0]!.weakenedBy.map(({ name }) => name)).toEqual(weakenedBy)
  })

  test('only the sources that reach a sink count for it, through unions and side outputs', () => {
    const { guarantee, sinks } = explain(
      pipeline('p', (p) => {
        const safe = p.from('safe', payments)
        const lossy = p.from('lossy', { ...payments, durability: 'volatile' as const })
        safe.to('from-safe', memory.write())
        safe.union(lossy).to('from-both', memory.write())
      }).describe().graph,
    )
    expect(guarantee).toBe('at-most-once')
    expect(sinks.map((sink) => [sink.name, sink.guarantee])).toEqual([
      ['from-safe', 'exactly-once'],
      ['from-both', 'at-most-once'],
    ])
  })
})

test('a chain of many steps is planned in a time that grows with their number', () => {
  const long = pipeline('long', (p) => {
    let stream = p.from('payments', payments)
    for (let step = 0; step < 200; step++) stream = stream.map((payment) => payment, { name: `step ${step}` })
    stream.to('out', sinkOf('exactly-once'))
  })
  // With a time that doubles with each step this would never end.
  expect(JSON.stringify(explain(long.describe().graph, 1))).toContain('step 199')
})
