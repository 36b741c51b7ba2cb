import { describe, expect, test } from 'vitest'
import { memory } from '@millrace/connector-memory'
import type { Graph, GraphNode, OperatorNode } from '../graph/node.ts'
import { statePiece, type StatePiece, type StateSetting } from '../state/fingerprint.ts'
import { announcements, planRestore } from './compatibility.ts'
import { manifestFormat, type Manifest } from './manifest.ts'
import { entriesOf } from './parts.ts'

const total = statePiece('value', { name: 'total' })
const size = { name: 'window size', value: 60_000, unit: 'ms' } as const

/** A graph with operators by name. */
function graphOf(operators: Readonly<Record<string, Partial<OperatorNode>>>): Graph {
  const onError = { kind: 'fail' } as const
  const input = { from: 0, output: 'main', exchange: { kind: 'key', by: () => 'a' } } as const
  const nodes = Object.entries(operators).map(([name, node], i): GraphNode => ({
    kind: 'operator',
    id: i + 2,
    name,
    type: 'process',
    onError,
    inputs: [input],
    outputs: [],
    fingerprint: { pieces: [total], settings: [] },
    create: () => ({ process: () => {} }),
    ...node,
  }))
  return {
    name: 'p',
    nodes: [
      { kind: 'source', id: 0, name: 'in', onError, source: memory.read({}) },
      { kind: 'sink', id: 1, name: 'out', onError, inputs: [], sink: memory.write() },
      ...nodes,
    ],
  }
}

const keeping = (pieces: readonly StatePiece[], settings: readonly StateSetting[] = []) => ({
  fingerprint: { pieces, settings },
})

function manifestOf(graph: Graph, rest: Partial<Manifest> = {}): Manifest {
  return {
    format: manifestFormat,
    pipeline: graph.name,
    checkpoint: 7,
    createdAt: 0,
    phase: 'stopped',
    keyGroups: 128,
    parallelism: 1,
    operators: entriesOf(graph),
    sources: [],
    watermarks: [],
    sinks: [],
    dropState: [],
    store: { kind: 'memory', layout: 'one worker', parts: [{ directory: '', snapshot: null }] },
    ...rest,
  }
}

const planOf = (manifest: Manifest, graph: Graph, dropState: readonly string[] = []) =>
  planRestore(manifest, graph, { keyGroups: 128, storeKind: 'memory', dropState })

const outcomes = (manifest: Manifest, graph: Graph, dropState?: readonly string[]) =>
  Object.fromEntries(planOf(manifest, graph, dropState).parts.map(({ name, outcome }) => [name, outcome]))

describe('the restore plan for a checkpoint', () => {
  const before = graphOf({
    same: {},
    more: {},
    less: keeping([total, { ...total, name: 'other' }]),
    wider: keeping([total], [size]),
    gone: {},
  })
  const after = graphOf({
    same: {},
    more: keeping([total, { ...total, name: 'other' }]),
    less: {},
    wider: keeping([total], [{ ...size, value: 1_000 }]),
    fresh: {},
  })

  test('describes each part', () => {
    expect(outcomes(manifestOf(before), after)).toEqual({
      in: 'same',
      out: 'same',
      same: 'same',
      more: 'converted',
      less: 'incompatible',
      wider: 'incompatible',
      gone: 'incompatible',
      fresh: 'new',
    })
  })

  test('drops the state that the user names, and no other', () => {
    const plan = planOf(manifestOf(before), after, ['less/other', 'wider', 'gone', 'same/nothing', 'mroe'])
    expect(Object.fromEntries(plan.parts.map(({ name, outcome }) => [name, outcome]))).toEqual({
      in: 'same',
      out: 'same',
      same: 'same',
      more: 'converted',
      less: 'converted',
      wider: 'dropped',
      gone: 'dropped',
      fresh: 'new',
    })
    expect(plan.discard).toEqual([{ owner: 'less', table: 'other' }, { owner: 'wider' }, { owner: 'gone' }])
    expect(announcements(plan)).toEqual([
      "'more' of checkpoint 7 is converted: state 'other' is new and starts empty",
      "'less' of checkpoint 7 is converted: the values of state 'other' are dropped",
      "'wider' of checkpoint 7 is dropped: its state (total) and timers are gone",
      "'gone' of checkpoint 7 is dropped: its state (total) and timers are gone",
      "'fresh' is not in checkpoint 7 and starts empty",
      '--drop-state same/nothing drops nothing: checkpoint 7 has no state of that name. It has same/total',
      '--drop-state mroe drops nothing: checkpoint 7 has no state of that name. Did you mean more?',
    ])
  })

  test('drops matching state once, and incompatible state on every request', () => {
    const done = { dropState: ['same', 'wider'] }
    expect(outcomes(manifestOf(before, done), before, ['same'])).toMatchObject({ same: 'same' })
    expect(outcomes(manifestOf(before), before, ['same'])).toMatchObject({ same: 'dropped' })
    expect(outcomes(manifestOf(before, done), after, ['wider'])).toMatchObject({ wider: 'dropped' })
    expect(announcements(planOf(manifestOf(before, done), before, ['same']))).toEqual([
      '--drop-state same drops nothing: checkpoint 7 is from a run with the same option, and the state is not dropped again. Remove the option',
    ])
  })

  test('changes neither the manifest nor the program', () => {
    const manifest = manifestOf(before)
    const text = JSON.stringify(manifest)
    const deepFrozen = JSON.parse(text, (_, value: unknown) => Object.freeze(value)) as Manifest
    planOf(deepFrozen, after, ['less/other', 'wider', 'gone'])
    expect(JSON.stringify(deepFrozen)).toBe(text)
  })

  test('rejects the whole checkpoint for another pipeline, number of key groups or store', () => {
    const plan = planRestore(
      manifestOf(before),
      { ...before, name: 'q' },
      { keyGroups: 64, storeKind: 'disk', dropState: [] },
    )
    expect(plan.problems).toEqual([
      "It belongs to pipeline 'p', not 'q'. Use another data directory",
      'It has 128 key groups, the job 64; they cannot change once there is state',
      "Its state was kept in store 'memory', not 'disk'",
    ])
  })

  test('accepts a checkpoint of another store that the store restores', () => {
    const options = { keyGroups: 128, storeKind: 'disk', restores: ['memory'], dropState: [] }
    expect(planRestore(manifestOf(before), before, options).problems).toEqual([])
  })
})
