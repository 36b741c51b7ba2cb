import type { KeyGroupRange } from '../kernel/key-group.ts'
import { MAX_TIME, MIN_TIME, type EventTime } from '../kernel/time.ts'
import type { OperatorHistory } from '../operator/chain-assembly.ts'
import type { TaskReport } from './coordinator.ts'
import type { Manifest, SinkEntry, SourceEntry, SplitEntry, WatermarkEntry } from './manifest.ts'

/** A manifest's contents as tasks ask for them; also for a job that starts from nothing. */
export class RestoredJob {
  readonly #manifest: Manifest | undefined

  constructor(manifest: Manifest | undefined) {
    this.#manifest = manifest
  }

  get checkpoint(): number | undefined {
    return this.#manifest?.checkpoint
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
      // After a rescale the groups may have got differently far: what was over for one of them stays over.
      return { setting, value, until: Math.max(...own.map(({ watermark }) => watermark ?? MIN_TIME)) }
    })
    return { earlier, keys: entry.keys }
  }

  /**
   * Where an operator's subtask stood. After a change of parallelism its groups come from several subtasks, and the
   * furthest behind of them counts for all.
   */
  watermark(operator: string, subtask: number, parallelism: number): EventTime {
    const entries = this.#manifest?.watermarks.filter((entry) => entry.operator === operator) ?? []
    if (entries.length === 0) return MIN_TIME
    const own =
      this.#manifest!.parallelism === parallelism && entries.find((entry) => entry.subtask === subtask)
    return own ? timeOf(own) : Math.min(...entries.map(timeOf))
  }
}

/** The parts of a manifest that the tasks report. */
export function manifestParts(
  reports: readonly TaskReport[],
): Pick<Manifest, 'sources' | 'watermarks' | 'sinks'> {
  const sources = new Map<string, SplitEntry[]>()
  const watermarks: WatermarkEntry[] = []
  const sinks: SinkEntry[] = []
  for (const { task, subtask, members, watermark, splits, prepared } of reports) {
    for (const operator of members) watermarks.push({ operator, subtask, watermark: textOf(watermark) })
    if (splits !== undefined) sources.set(task, [...(sources.get(task) ?? []), ...splits])
    for (const { checkpoint, committable } of prepared ?? []) {
      sinks.push({ sink: task, subtask, preparedAt: checkpoint, committable })
    }
  }
  return { sources: [...sources].map(([source, splits]) => ({ source, splits })), watermarks, sinks }
}

function timeOf({ watermark }: WatermarkEntry): EventTime {
  if (watermark === 'min') return MIN_TIME
  return watermark === 'max' ? MAX_TIME : watermark
}

function textOf(time: EventTime): WatermarkEntry['watermark'] {
  if (time === MIN_TIME) return 'min'
  return time === MAX_TIME ? 'max' : time
}
