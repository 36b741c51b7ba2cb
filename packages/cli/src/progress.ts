import type { JobStatus } from '@millrace/core/job'

/** Figures about a running job, for display. */
export interface Figures {
  readonly recordsIn: number
  readonly recordsOut: number
  /** Records per second, over about the last second. */
  readonly inRate: number
  readonly outRate: number
  /** The current event time; undefined before the first watermark, after the end and without timestamps. */
  readonly watermark: number | undefined
  /** Counts of late records, skipped records and dead letters, by metric; only metrics above 0. */
  readonly counts: ReadonlyMap<string, number>
}

interface Sample {
  readonly at: number
  readonly recordsIn: number
  readonly recordsOut: number
}

const rateOverMs = 1_000

/** Computes rates by comparing the job's counters with earlier ones. */
export class Progress {
  #samples: readonly Sample[]

  /** `now` is on a monotonic clock, in milliseconds, as in `update`. */
  constructor(now: number) {
    this.#samples = [{ at: now, recordsIn: 0, recordsOut: 0 }]
  }

  /** The figures as of `now`. */
  update({ tasks }: JobStatus, now: number): Figures {
    let recordsIn = 0
    let recordsOut = 0
    let watermark = Infinity
    const counts = new Map<string, number>()
    for (const task of tasks) {
      if (task.kind === 'source') recordsIn += task.recordsOut
      if (task.kind === 'sink') recordsOut += task.recordsIn
      if (Number.isFinite(task.watermark)) watermark = Math.min(watermark, task.watermark)
      for (const [name, count] of task.counts) {
        const metric = name.slice(name.lastIndexOf('/') + 1)
        counts.set(metric, (counts.get(metric) ?? 0) + count)
      }
    }
    const sample = { at: now, recordsIn, recordsOut }
    const before = this.#remember(sample)
    return {
      recordsIn,
      recordsOut,
      inRate: rate(recordsIn - before.recordsIn, now - before.at),
      outRate: rate(recordsOut - before.recordsOut, now - before.at),
      watermark: watermark === Infinity ? undefined : watermark,
      counts,
    }
  }

  /** Keeps the sample and returns the one to compare it with. */
  #remember(sample: Sample): Sample {
    // The counters of a restarted job begin at 0 again.
    const isRestarted = this.#samples.at(-1)!.recordsIn > sample.recordsIn
    const all = isRestarted ? [sample] : [...this.#samples, sample]
    const first = all.findLastIndex(({ at }) => sample.at - at >= rateOverMs)
    this.#samples = all.slice(Math.max(0, first))
    return this.#samples[0]!
  }
}

function rate(records: number, ms: number): number {
  return ms <= 0 ? 0 : (records / ms) * 1_000
}
