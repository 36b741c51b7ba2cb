import type { JobStatus } from '@millrace/core/job'

/** Figures about a running job, for display. */
export interface Figures {
  /** What sources have read, also what they could not decode. */
  readonly recordsIn: number
  /** What was written to sinks, without dead letters. */
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
  readonly #deadLetterSinks: ReadonlySet<string>

  /**
   * `now` is on a monotonic clock, in milliseconds, as in `update`. `deadLetterSinks` are the names of sinks whose records
   * are not results.
   */
  constructor(now: number, deadLetterSinks: ReadonlySet<string> = new Set()) {
    this.#deadLetterSinks = deadLetterSinks
    this.#samples = [{ at: now, recordsIn: 0, recordsOut: 0 }]
  }

  /** The figures as of `now`. */
  update({ tasks }: Pick<JobStatus, 'tasks'>, now: number): Figures {
    let recordsIn = 0
    let recordsOut = 0
    let watermark = Infinity
    const counts = new Map<string, number>()
    for (const task of tasks) {
      if (task.kind === 'source') recordsIn += task.recordsOut + rejectedBy(task)
      if (task.kind === 'sink' && !this.#deadLetterSinks.has(task.task)) recordsOut += task.recordsIn
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

/** How many pieces of its input a source could not decode and its policy has left out. */
function rejectedBy({ task, counts }: JobStatus['tasks'][number]): number {
  return (counts.get(`${task}/skipped`) ?? 0) + (counts.get(`${task}/deadLettered`) ?? 0)
}

function rate(records: number, ms: number): number {
  return ms <= 0 ? 0 : (records / ms) * 1_000
}
