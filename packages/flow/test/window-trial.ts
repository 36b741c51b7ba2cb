/**
 * Runs windows over random records: in any order of arrival within the bound, in batches of any size, restored at
 * any point and at any parallelism. The results must be those of a reference that has all records at once.
 */
import { memory } from '@millrace/connector-memory'
import type { OperatorNode } from '@millrace/core/graph'
import { pipeline, type TimedStream } from '@millrace/flow'
import { expect } from 'vitest'
import { runMeeting, type Item, type MeetingCase } from './meeting-trial.ts'

/** A span of time, as windows and references have it. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** The operator that `build` adds to a stream of items. */
export function windowNode(build: (items: TimedStream<Item>) => TimedStream<unknown>): OperatorNode {
  const { graph } = pipeline('trial', (p) => {
    const items = p.from('in', memory.read<Item>({})).withTimestamps({ timestamp: (item) => item.at })
    build(items).to('out', memory.write())
  }).describe()
  return graph.nodes.find((node): node is OperatorNode => node.kind === 'operator')!
}

/** The same case at other times: `scale` times as far apart, around `origin`. */
export function scaled(trial: MeetingCase, scale: number, origin: number): MeetingCase {
  const moved = (time: number): number => time * scale + origin
  const item = (each: Item): Item => ({ ...each, at: moved(each.at) })
  const arrivals = trial.arrivals.map((arrival) => ({
    ...arrival,
    value: item(arrival.value),
    time: moved(arrival.time),
    watermark: moved(arrival.watermark),
  }))
  return { ...trial, left: trial.left.map(item), right: trial.right.map(item), arrivals }
}

/** The sessions of the records of one key: each goes from its first record to a gap after its last one. */
export function spansOfSessions(items: readonly Item[], gapOf: (item: Item) => number): readonly Span[] {
  const spans: { start: number; end: number }[] = []
  for (const item of items.toSorted((a, b) => a.at - b.at)) {
    const last = spans.at(-1)
    const end = item.at + gapOf(item)
    if (last === undefined || item.at > last.end) spans.push({ start: item.at, end })
    else last.end = Math.max(last.end, end)
  }
  return spans
}

/** What `{ ids: collect(id) }` must emit for each key: each span around a record once, with the ids in it. */
export function expectedIds(
  { left, right }: Pick<MeetingCase, 'left' | 'right'>,
  spansOf: (time: number) => readonly Span[],
  keyOf: (item: Item) => string,
): readonly string[] {
  const groups = new Map<string, number[]>()
  for (const item of [...left, ...right]) {
    for (const { start, end } of spansOf(item.at)) {
      const group = `${keyOf(item)} ${start}..${end}`
      groups.set(group, [...(groups.get(group) ?? []), item.id])
    }
  }
  return [...groups].map(([group, ids]) => lineOf(group, ids)).toSorted()
}

/** Runs a case to its end and requires the expected results and that no state is left. */
export function expectIds(node: OperatorNode, trial: MeetingCase, expected: readonly string[]): void {
  const arrivals = trial.arrivals.map(({ value, time, watermark }) => ({ value, time, watermark }))
  const harness = runMeeting(node, { ...trial, arrivals })
  const lines = harness.outputs.map(({ value }) => {
    const { key, window, ids } = value as { key?: string; window: Span; ids: readonly number[] }
    return lineOf(`${key ?? 'all'} ${window.start}..${window.end}`, ids)
  })
  expect(lines.toSorted()).toEqual(expected)
  expect(harness.counted('late')).toBe(0)
  expect(Object.values(harness.cells()).every((size) => size === 0)).toBe(true)
}

/** A result as text, as `expectIds` compares it. */
export function lineOf(group: string, ids: readonly number[]): string {
  return `${group}: ${ids.toSorted((a, b) => a - b).join('+')}`
}
