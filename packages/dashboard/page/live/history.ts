import { signal } from '@preact/signals'
import type { JobFigures, JobHistory, JobOverview } from '@millrace/control/contract'

/** One line of a chart: a value for each point of time, null where there is none. */
export type Series = (number | null)[]

const pointsMax = 900

/** What the charts show: the last points of each figure, as columns. `at` is in seconds, as uPlot wants it. */
class History {
  /** Rises with each point, so that charts are drawn again. */
  readonly version = signal(0)
  at: number[] = []
  inRate: Series = []
  outRate: Series = []
  watermarkLag: Series = []
  checkpoint: Series = []
  eventLoopDelay: Series = []

  clear(): void {
    this.at = []
    for (const series of this.#all()) series.length = 0
    this.version.value++
  }

  /** Takes what the server has kept, in place of what was collected before. */
  begin(kept: JobHistory): void {
    this.at = kept.at.map((at) => at / 1_000)
    this.inRate = [...kept.inRate]
    this.outRate = [...kept.outRate]
    this.watermarkLag = [...kept.watermarkLagMs]
    this.checkpoint = [...kept.checkpointMs]
    this.eventLoopDelay = [...kept.eventLoopDelayMs]
    this.#trim()
    this.version.value++
  }

  add({ at }: JobFigures, overview: JobOverview | null): void {
    if (overview === null || at / 1_000 <= (this.at.at(-1) ?? 0)) return
    this.at.push(at / 1_000)
    this.inRate.push(overview.inRate)
    this.outRate.push(overview.outRate)
    this.watermarkLag.push(overview.totals.watermarkLagMs)
    this.checkpoint.push(overview.lastCheckpoint?.durationMs ?? null)
    this.eventLoopDelay.push(overview.runtime.eventLoopDelayMs)
    this.#trim()
    this.version.value++
  }

  #all(): Series[] {
    return [this.inRate, this.outRate, this.watermarkLag, this.checkpoint, this.eventLoopDelay]
  }

  #trim(): void {
    const extra = this.at.length - pointsMax
    if (extra <= 0) return
    for (const series of [this.at, ...this.#all()]) series.splice(0, extra)
  }
}

export const history = new History()
