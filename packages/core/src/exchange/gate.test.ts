import { Wakeup } from '@millrace/world'
import { describe, expect, test } from 'vitest'
import type { Batch } from '../record/element.ts'
import { LocalEdge } from './local-edge.ts'
import { Gate, type Arrival } from './gate.ts'

/** Records named by their values, each with its watermark. */
function batch(...records: readonly (readonly [value: string, watermark: number])[]): Batch<string> {
  return {
    length: records.length,
    values: records.map(([value]) => value),
    times: Float64Array.from(records, () => 0),
    watermarks: Float64Array.from(records, ([, watermark]) => watermark),
    origin: undefined,
    originIndex: undefined,
  }
}

interface Inputs {
  readonly edges: readonly LocalEdge[]
  readonly gate: Gate
  readonly story: () => string[]
  /** What is announced at the start, as far as the task accepts it. */
  readonly begin: (take: (arrival: Arrival) => boolean) => string[]
}

function open(inputs: number, isAfterEnd = false): Inputs {
  const edges = Array.from({ length: inputs }, () => new LocalEdge({ batches: 4, batchRecords: 4 }))
  const gate = new Gate(edges, new Wakeup(), isAfterEnd)
  const story = (): string[] => {
    const lines: string[] = []
    for (let arrival = gate.take(); arrival !== undefined; arrival = gate.take()) lines.push(textOf(arrival))
    return lines
  }
  const begin = (take: (arrival: Arrival) => boolean): string[] => {
    const lines: string[] = []
    gate.begin((arrival) => {
      if (take(arrival)) lines.push(textOf(arrival))
      return take(arrival)
    })
    return lines
  }
  return { edges, gate, story, begin }
}

function textOf(arrival: Arrival): string {
  if (arrival.kind === 'batch') return arrival.batch.values.join('')
  if (arrival.kind === 'watermark') return `w${arrival.time}`
  return arrival.kind === 'barrier' ? `#${arrival.checkpoint}` : arrival.kind
}

describe('Gate', () => {
  test('after the end of a run inputs that end without records raise no watermark, and what follows from another one does', () => {
    const { edges, story } = open(3, true)
    edges[0]!.mark({ kind: 'watermark', time: 10 })
    edges[1]!.mark({ kind: 'watermark', time: 20 })
    edges[2]!.mark({ kind: 'watermark', time: 30 })
    expect(story()).toEqual(['w10'])
    edges[0]!.mark({ kind: 'end' })
    expect(story()).toEqual([])
    edges[2]!.mark({ kind: 'watermark', time: 31 })
    expect(story()).toEqual(['w20'])
    edges[1]!.send(batch(['a', 25]))
    expect(story()).toEqual(['a'])
    edges[1]!.mark({ kind: 'end' })
    expect(story()).toEqual(['w31'])
    edges[2]!.mark({ kind: 'end' })
    expect(story()).toEqual(['end'])
  })

  test('the end of an input raises the watermark at once', () => {
    const { edges, story } = open(2)
    edges[0]!.mark({ kind: 'watermark', time: 10 })
    edges[1]!.mark({ kind: 'watermark', time: 20 })
    edges[0]!.mark({ kind: 'end' })
    expect(story()).toEqual(['w20'])
  })

  test('after the end of a run inputs that are idle at the start raise no watermark, in any order', () => {
    const times = [2_400, 2_100, 2_200]
    for (const order of [
      [0, 1, 2],
      [1, 0, 2],
      [2, 1, 0],
    ]) {
      const { edges, begin, story } = open(3, true)
      for (const input of order) {
        edges[input]!.mark({ kind: 'watermark', time: times[input]! })
        edges[input]!.mark({ kind: 'idle' })
      }
      expect(begin(() => true)).toEqual(['w2100', 'idle'])
      for (const input of order) edges[input]!.mark({ kind: 'end' })
      expect(story()).toEqual(['end'])
    }
  })

  test('EN-191 records before a barrier arrive before it, records after it arrive after it', () => {
    const { edges, story } = open(1)
    edges[0]!.send(batch(['a', 0]))
    edges[0]!.mark({ kind: 'barrier', checkpoint: 1 })
    edges[0]!.send(batch(['b', 0]))
    expect(story()).toEqual(['a', '#1', 'b'])
  })

  test('EN-192 an input that is ahead waits at its barrier while the others are read up to theirs', () => {
    const { edges, story } = open(2)
    edges[0]!.mark({ kind: 'barrier', checkpoint: 1 })
    edges[0]!.send(batch(['after', 0]))
    edges[1]!.send(batch(['before', 0]))
    expect(story()).toEqual(['before'])
    edges[1]!.mark({ kind: 'barrier', checkpoint: 1 })
    expect(story()).toEqual(['#1', 'after'])
  })

  test('EN-097 a record is never delivered after a watermark that it preceded', () => {
    const { edges, story } = open(1)
    edges[0]!.send(batch(['a', 0]))
    edges[0]!.mark({ kind: 'watermark', time: 10 })
    edges[0]!.send(batch(['b', 10]))
    edges[0]!.mark({ kind: 'watermark', time: 20 })
    expect(story()).toEqual(['a', 'w10', 'b', 'w20'])
  })

  test('EN-078 the watermark is the minimum over the inputs', () => {
    const { edges, story } = open(2)
    edges[0]!.mark({ kind: 'watermark', time: 12 })
    expect(story()).toEqual([])
    edges[1]!.mark({ kind: 'watermark', time: 8 })
    expect(story()).toEqual(['w8'])
    edges[1]!.mark({ kind: 'watermark', time: 20 })
    expect(story()).toEqual(['w12'])
  })

  test('records of one input travel under the watermark of all inputs together', () => {
    const edges = [
      new LocalEdge({ batches: 4, batchRecords: 4 }),
      new LocalEdge({ batches: 4, batchRecords: 4 }),
    ]
    const gate = new Gate(edges, new Wakeup())
    edges[1]!.mark({ kind: 'watermark', time: 15 })
    expect(gate.take()).toBeUndefined()
    edges[0]!.send(batch(['a', 5], ['b', 10], ['c', 30]))
    const arrival = gate.take()
    expect(arrival?.kind === 'batch' && [...arrival.watermarks]).toEqual([5, 10, 15])
  })

  test('EN-082 idle is passed on once every input is idle, and revoked by the first active one', () => {
    const { edges, story } = open(2)
    edges[0]!.mark({ kind: 'idle' })
    expect(story()).toEqual([])
    edges[1]!.mark({ kind: 'idle' })
    expect(story()).toEqual(['idle'])
    edges[0]!.mark({ kind: 'active' })
    expect(story()).toEqual(['active'])
  })

  test('EN-093 the end is passed on once every input has ended, after the last watermark', () => {
    const { edges, story } = open(2)
    for (const edge of edges) {
      edge.mark({ kind: 'watermark', time: 10 })
      edge.mark({ kind: 'end' })
    }
    expect(story()).toEqual(['w10', 'end'])
  })

  test('an input that has ended does not block another', () => {
    const { edges, story } = open(2)
    edges[0]!.mark({ kind: 'watermark', time: 10 })
    edges[1]!.mark({ kind: 'watermark', time: 30 })
    expect(story()).toEqual(['w10'])
    edges[0]!.mark({ kind: 'end' })
    expect(story()).toEqual(['w30'])
    edges[1]!.mark({ kind: 'end' })
    expect(story()).toEqual(['end'])
  })

  test('a barrier passes after the end of the input', () => {
    const { edges, story } = open(2)
    for (const edge of edges) edge.mark({ kind: 'end' })
    for (const edge of edges) edge.mark({ kind: 'barrier', checkpoint: 7 })
    expect(story()).toEqual(['end', '#7'])
  })

  test('inputs take turns', () => {
    const { edges, story } = open(2)
    for (const value of ['a', 'b']) edges[0]!.send(batch([value, 0]))
    for (const value of ['x', 'y']) edges[1]!.send(batch([value, 0]))
    expect(story()).toEqual(['a', 'x', 'b', 'y'])
  })

  test('announcements at the start are passed on before the first record, and idleness once', () => {
    const { edges, begin, story } = open(2)
    for (const edge of edges) {
      edge.mark({ kind: 'watermark', time: 10 })
      edge.mark({ kind: 'idle' })
    }
    expect(begin(() => true)).toEqual(['w10', 'idle'])
    expect(story()).toEqual([])
    edges[1]!.mark({ kind: 'active' })
    edges[1]!.send(batch(['a', 20]))
    expect(story()).toEqual(['active', 'a'])
  })

  test('at the start idleness is not passed on before a watermark, nor if another input is active', () => {
    const ahead = open(1)
    ahead.edges[0]!.mark({ kind: 'watermark', time: 20 })
    ahead.edges[0]!.mark({ kind: 'idle' })
    expect(ahead.begin(({ kind }) => kind === 'idle')).toEqual([])
    expect(ahead.story()).toEqual(['w20', 'idle'])
    const half = open(2)
    half.edges[0]!.mark({ kind: 'idle' })
    expect(half.begin(() => true)).toEqual([])
    half.edges[1]!.send(batch(['a', 5]))
    expect(half.story()).toEqual(['a'])
  })

  test('a barrier is visible while it waits in an input, until all inputs have delivered it', () => {
    const { edges, gate, story } = open(2)
    edges[1]!.send(batch(['a', 0]))
    expect(gate.hasBarrier).toBe(false)
    edges[1]!.mark({ kind: 'barrier', checkpoint: 1 })
    expect(gate.hasBarrier).toBe(true)
    expect(story()).toEqual(['a'])
    expect(gate.hasBarrier).toBe(true)
    edges[0]!.mark({ kind: 'barrier', checkpoint: 1 })
    expect(story()).toEqual(['#1'])
    expect(gate.hasBarrier).toBe(false)
  })

  test('a barrier of a cancelled checkpoint is not urgent', () => {
    const { edges, gate } = open(2)
    edges[0]!.mark({ kind: 'barrier', checkpoint: 1 })
    edges[1]!.send(batch(['a', 0]))
    edges[1]!.mark({ kind: 'barrier', checkpoint: 1 })
    gate.cancel(1)
    expect(gate.hasBarrier).toBe(false)
    edges[1]!.mark({ kind: 'barrier', checkpoint: 2 })
    expect(gate.hasBarrier).toBe(true)
  })

  test('a record keeps its credit until the task releases it', () => {
    const { edges, gate } = open(1)
    for (let i = 0; i < 4; i++) edges[0]!.send(batch(['a', 0], ['b', 0], ['c', 0], ['d', 0]))
    gate.take()
    expect(edges[0]!.hasCredit).toBe(false)
    gate.release()
    expect(edges[0]!.hasCredit).toBe(true)
  })
})
