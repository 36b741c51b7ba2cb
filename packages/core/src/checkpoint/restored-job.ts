import type { Graph, GraphNode } from '../graph/node.ts'
import type { KeyGroupRange } from '../record/key-group.ts'
import { MIN_TIME, type EventTime } from '../record/time.ts'
import type { OperatorHistory } from '../operator/chain-assembly.ts'
import type { Reached } from '../time/reached.ts'
import type { TaskReport } from './coordinator.ts'
import type { Manifest, SinkEntry, SourceEntry, WatermarkEntry } from './manifest.ts'

/** A manifest's contents for the tasks; also for a job that starts empty. */
export class RestoredJob {
  readonly #manifest: Manifest | undefined
  readonly #types: ReadonlyMap<string, string>

  constructor(manifest: Manifest | undefined, graph: Graph) {
    this.#manifest = manifest
    this.#types = typesOf(graph)
  }

  get checkpoint(): number | undefined {
    return this.#manifest?.checkpoint
  }

  /** Whether it is the end of a run: its input had ended, or was drained. */
  get isEndOfRun(): boolean {
    return this.#manifest?.phase === 'finished'
  }

  source(name: string): SourceEntry | undefined {
    return this.#manifest?.sources.find((entry) => entry.source === name)
  }

  sink(name: string): readonly SinkEntry[] {
    return this.#manifest?.sinks.filter((entry) => entry.sink === name) ?? []
  }

  /** What an operator must know about earlier programs, for the key groups of one of its subtasks. */
  history(operator: string, { first, last }: KeyGroupRange): OperatorHistory | undefined {
    const entry = this.#manifest?.operators.find(({ name }) => name === operator)
    if (entry === undefined) return undefined
    const earlier = entry.earlier.map(({ setting, value, until }) => {
      const own = until.filter(({ groups }) => groups[0] <= last && groups[1] >= first)
      // After a rescale the groups may have advanced differently: what was over for one of them stays over.
      return { setting, value, until: Math.max(...own.map(({ watermark }) => watermark ?? MIN_TIME)) }
    })
    return { earlier, keys: entry.keys, keySelector: entry.keySelector }
  }

  /** The progress of a source or an operator in `groups`, at any former parallelism. */
  reached(operator: string, groups: KeyGroupRange): readonly Reached[] {
    const runs: Reached[] = []
    for (const entry of this.#manifest?.watermarks ?? []) {
      if (entry.operator !== operator || entry.type !== this.#types.get(operator)) continue
      const first = Math.max(entry.groups[0], groups.first)
      const last = Math.min(entry.groups[1], groups.last)
      if (first > last) continue
      const { watermark, hasEnded, firedTo } = entry
      runs.push({ first, last, watermark: timeOf(watermark), hasEnded, firedTo: timeOf(firedTo) })
    }
    return runs
  }
}

/** The parts of a manifest that the tasks report. */
export function manifestParts(
  reports: readonly TaskReport[],
  graph: Graph,
): Pick<Manifest, 'sources' | 'watermarks' | 'sinks'> {
  const types = typesOf(graph)
  const sources = new Map<string, SourceEntry>()
  const watermarks: WatermarkEntry[] = []
  const sinks: SinkEntry[] = []
  for (const { task, subtask, reached, splits, finished = 0, prepared } of reports) {
    for (const [operator, runs] of reached) {
      for (const run of runs) watermarks.push(entryOf(operator, types.get(operator)!, run))
    }
    if (splits !== undefined) {
      const before = sources.get(task)
      sources.set(task, {
        source: task,
        splits: [...(before?.splits ?? []), ...splits],
        finished: (before?.finished ?? 0) + finished,
      })
    }
    for (const { checkpoint, committable } of prepared ?? []) {
      sinks.push({ sink: task, subtask, preparedAt: checkpoint, committable })
    }
  }
  return { sources: [...sources.values()], watermarks, sinks }
}

function entryOf(operator: string, type: string, run: Reached): WatermarkEntry {
  const { first, last, watermark, hasEnded, firedTo } = run
  return {
    operator,
    type,
    groups: [first, last],
    watermark: jsonOf(watermark),
    hasEnded,
    firedTo: jsonOf(firedTo),
  }
}

/** The nodes with a watermark of their own, with their types. */
function typesOf({ nodes }: Graph): ReadonlyMap<string, string> {
  return new Map(nodes.flatMap((node) => typeOf(node).map((type) => [node.name, type] as const)))
}

function typeOf(node: GraphNode): readonly string[] {
  if (node.kind === 'source') return [node.source.kind]
  return node.kind === 'operator' ? [node.type] : []
}

/** JSON has no number for the beginning of time. */
function jsonOf(time: EventTime): number | null {
  return time === MIN_TIME ? null : time
}

function timeOf(json: number | null): EventTime {
  return json ?? MIN_TIME
}
