import { memory } from '@millrace/connector-memory'
import type { Seed, SourceNode } from '@millrace/core/graph'
import { count, pipeline } from '@millrace/flow'
import { expect, test } from 'vitest'
import { leaseOperator, leaseSource } from './lease-share.ts'

const keyGroups = 128
const leases = [0, 1, 2] as const

function nodesOf(build: Parameters<typeof pipeline>[1]) {
  return pipeline('test', build).describe().graph.nodes
}

test('each split is read by one lease, numbered splits by different ones', async () => {
  const splits = Object.fromEntries(['p-0', 'p-1', 'p-2', 'other'].map((name) => [name, [1]]))
  const source = memory.read<number>(splits)
  const node = {
    kind: 'source',
    id: 0,
    name: 'in',
    onError: { kind: 'fail' },
    source,
  } as unknown as SourceNode
  const found = await Promise.all(
    leases.map(async (lease) => {
      const own = leaseSource(node, 'test', { lease, leases: 3, keyGroups })
      return (await own.source.discover({} as never)).splits
    }),
  )
  expect(found.flat().toSorted()).toEqual(['other', 'p-0', 'p-1', 'p-2'])
  expect(found.filter((own) => own.some((split) => split.startsWith('p-')))).toHaveLength(3)
})

test('a source that is in one process is refused, with a way out', () => {
  const source = { ...memory.read<number>([]), needsMainThread: true }
  const node = {
    kind: 'source',
    id: 0,
    name: 'fed',
    onError: { kind: 'fail' },
    source,
  } as unknown as SourceNode
  expect(() => leaseSource(node, 'test', { lease: 0, leases: 2, keyGroups })).toThrow(
    /source 'fed' \(.*\) is in one process.*write its records to a topic/,
  )
})

test('a view is refused, with a way out', () => {
  const nodes = nodesOf((p) =>
    p
      .from('in', memory.read<number>([]))
      .keyBy((n) => n)
      .aggregate('counts', { n: count() })
      .toView('shown'),
  )
  const view = nodes.find((node) => node.kind === 'operator' && node.view !== undefined)
  expect(() => leaseOperator(view as never, 'test', { lease: 0, leases: 2, keyGroups })).toThrow(
    /view 'shown'.*write the table to a sink/,
  )
})

test('the rows of a seed are divided by their keys', async () => {
  const rows = Array.from({ length: 50 }, (_, index) => `row-${index}`)
  const seed: Seed = { id: 'rows', rows: () => rows, keyOf: (row) => String(row) }
  const own = await Promise.all(
    leases.map(async (lease) => {
      const node = leaseOperator({ seed } as never, 'test', { lease, leases: 3, keyGroups })
      const kept: unknown[] = []
      for await (const row of (node.seed!.rows as () => AsyncIterable<unknown>)()) kept.push(row)
      return kept
    }),
  )
  expect(new Set(own.flat())).toEqual(new Set(rows))
  expect(own.flat()).toHaveLength(rows.length)
  expect(own.every((kept) => kept.length > 0)).toBe(true)
})
