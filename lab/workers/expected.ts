/** The input of the workers, and what a loop over it finds without any engine. */

const keys = 200
/** So far apart are the event times of two sales. */
const stepMs = 20
const windowMs = 10_000
const minuteMs = 60_000
/** Every so many sales one is refunded, at the same time. A refund meets the sales of its key of so long before. */
const salesPerRefund = 10
const refundMs = 8_000

/** A record for a partition. */
export interface Placed {
  readonly partition: number
  readonly value: string
}

/** A result of the program. */
export interface Row {
  readonly what: 'window' | 'running' | 'minute' | 'pair'
  readonly key: string
  readonly start?: number
  readonly minute?: number
  readonly count?: number
  readonly sum?: number
  readonly sale?: number
  readonly refund?: number
}

/** The key of a sale. That of the records that end event time is no sale's. */
export const keyOf = Object.assign((n: number): string => `k${n % keys}`, { last: 'last' })
const timeOf = (n: number): number => n * stepMs

function placed(n: number, partition: number): Placed {
  return { partition, value: JSON.stringify({ n, k: keyOf(n), at: timeOf(n) }) }
}

export function salesOf(from: number, end: number, partitions: number): readonly Placed[] {
  return Array.from({ length: end - from }, (_, index) => placed(from + index, (from + index) % partitions))
}

export function refundsOf(from: number, end: number, partitions: number): readonly Placed[] {
  const first = Math.ceil(from / salesPerRefund)
  return Array.from({ length: Math.ceil(end / salesPerRefund) - first }, (_, index) =>
    placed((first + index) * salesPerRefund, (first + index) % partitions),
  )
}

/** A late record for each partition, so that event time reaches the end of the others. */
export function last(records: number, partitions: number): readonly Placed[] {
  const value = JSON.stringify({ n: 0, k: keyOf.last, at: timeOf(records) + 10 * minuteMs })
  return Array.from({ length: partitions }, (_, partition) => ({ partition, value }))
}

export function textOf({ what, key, start, minute, count, sum, sale, refund }: Row): string {
  if (what === 'window') return `window ${key} ${start} ${count} ${sum}`
  if (what === 'pair') return `pair ${key} ${sale} ${refund}`
  return what === 'running' ? `running ${key} ${count}` : `minute ${key} ${minute}`
}

/** What a comparison has found. */
export interface Verdict {
  readonly lost: number
  readonly double: number
  readonly wrong: number
  /** Some of what is lost or wrong. */
  readonly examples: readonly string[]
}

/**
 * What the output must have, each once: windows with count and sum, each count of a key, each minute in which a key occurs, and
 * each pair of a sale and a refund.
 */
export class Expected {
  readonly #rows = new Set<string>()

  constructor(records: number) {
    const windows = new Map<string, { count: number; sum: number }>()
    const counts = new Map<string, number>()
    for (let n = 0; n < records; n++) {
      const key = keyOf(n)
      const name = `${key} ${Math.floor(timeOf(n) / windowMs) * windowMs}`
      const total = windows.get(name) ?? { count: 0, sum: 0 }
      windows.set(name, { count: total.count + 1, sum: total.sum + n })
      const seen = (counts.get(key) ?? 0) + 1
      counts.set(key, seen)
      this.#rows.add(`running ${key} ${seen}`)
      this.#rows.add(`minute ${key} ${Math.ceil((timeOf(n) + 1) / minuteMs) * minuteMs}`)
      if (n % salesPerRefund !== 0) continue
      for (let sale = n; sale >= 0 && timeOf(n) - timeOf(sale) <= refundMs; sale -= keys) {
        this.#rows.add(`pair ${key} ${sale} ${n}`)
      }
    }
    for (const [name, { count, sum }] of windows) this.#rows.add(`window ${name} ${count} ${sum}`)
  }

  get count(): number {
    return this.#rows.size
  }

  compare(found: readonly string[]): Verdict {
    const seen = new Set(found)
    const lost = [...this.#rows].filter((row) => !seen.has(row))
    const wrong = [...seen].filter((row) => !this.#rows.has(row))
    return {
      lost: lost.length,
      double: found.length - seen.size,
      wrong: wrong.length,
      examples: [...lost.slice(0, 5), ...wrong.slice(0, 5)],
    }
  }
}
