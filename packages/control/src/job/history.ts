import type { JobFigures, JobHistory } from '../contract/figures.ts'
import type { JobGraph } from '../contract/graph.ts'
import type { JobOverview } from '../contract/job.ts'

/** How many points are kept: ten minutes of seconds. */
const pointsKept = 600

interface Point {
  readonly figures: JobFigures
  readonly overview: JobOverview
}

/** A point with what the charts show, and no more, so that ten minutes of many operators stay small. */
interface KeptPoint {
  readonly at: number
  readonly inRate: number
  readonly outRate: number
  readonly watermarkLagMs: number | null
  readonly checkpointMs: number | null
  readonly stateBytes: number
  readonly residentBytes: number
  readonly eventLoopDelayMs: number
  /** Three numbers for each operator, in the order of the graph: records in, records out, busy. */
  readonly operators: Float32Array
}

/** The recent past of a job, for charts. */
export class History {
  readonly #everyMs: number
  #points: KeptPoint[] = []
  readonly #operators: readonly string[]
  /** The task of each operator. */
  readonly #tasks: readonly string[]

  constructor(everyMs: number, graph: JobGraph) {
    this.#everyMs = everyMs
    this.#operators = graph.operators.map(({ id }) => id)
    this.#tasks = graph.operators.map(({ task }) => task)
  }

  add({ figures, overview }: Point): void {
    const busy = new Map(figures.tasks.map(({ task, shares }) => [task, shares.busy]))
    this.#points.push({
      at: figures.at,
      inRate: overview.inRate,
      outRate: overview.outRate,
      watermarkLagMs: overview.totals.watermarkLagMs,
      checkpointMs: overview.lastCheckpoint?.durationMs ?? null,
      stateBytes: overview.totals.stateBytes,
      residentBytes: overview.runtime.residentBytes,
      eventLoopDelayMs: overview.runtime.eventLoopDelayMs,
      operators: Float32Array.from(
        figures.operators.flatMap(({ inRate, outRate }, at) => [
          inRate,
          outRate,
          busy.get(this.#tasks[at]!) ?? 0,
        ]),
      ),
    })
    if (this.#points.length > 2 * pointsKept) this.#points = this.#points.slice(-pointsKept)
  }

  read(): JobHistory {
    const points = this.#points.slice(-pointsKept)
    const column = <T>(of: (point: KeptPoint) => T): readonly T[] => points.map(of)
    return {
      everyMs: this.#everyMs,
      at: column(({ at }) => at),
      inRate: column(({ inRate }) => inRate),
      outRate: column(({ outRate }) => outRate),
      watermarkLagMs: column(({ watermarkLagMs }) => watermarkLagMs),
      checkpointMs: column(({ checkpointMs }) => checkpointMs),
      stateBytes: column(({ stateBytes }) => stateBytes),
      residentBytes: column(({ residentBytes }) => residentBytes),
      eventLoopDelayMs: column(({ eventLoopDelayMs }) => eventLoopDelayMs),
      operators: this.#operators.map((operator, at) => ({
        operator,
        inRate: column(({ operators }) => operators[3 * at]!),
        outRate: column(({ operators }) => operators[3 * at + 1]!),
        busy: column(({ operators }) => operators[3 * at + 2]!),
      })),
    }
  }
}
