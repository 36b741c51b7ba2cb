/** What the programs read and write, and how much of it there is. */

/** A sale or its payment, as JSON in a record of Kafka. */
export interface Sale {
  readonly id: string
  readonly customer: string
  readonly amount: number
  /** Event time. */
  readonly at: number
  /** The time at which the load generator had to write it; 0 where latency is not measured. */
  readonly due: number
  readonly note: string
}

/** A result: the count of a customer, or a sale that is paid. */
export interface Result {
  readonly key: string
  readonly count: number
  readonly due: number
}

export type JobName = 'count' | 'join'

/** The arguments of a program. */
export interface Assignment {
  readonly brokers: string
  readonly job: JobName
  /** Names the job in Kafka. */
  readonly application: string
  readonly sales: string
  readonly payments: string
  readonly output: string
  readonly directory: string
}

/** What a program prints every 100 ms: the results so far, and its CPU time. */
export interface Progress {
  readonly results: number
  readonly cpuMs: number
}

export const partitions = 4
const customers = 10_000
/** A payment comes so long after its sale. */
const paymentMs = 2_000
const note = 'a sale of the shop at the corner, paid by card'

export function saleOf(n: number, due = 0): Sale {
  return {
    id: `sale-${n}`,
    customer: `c-${(n * 7_919) % customers}`,
    amount: (n * 31) % 9_999,
    at: n,
    due,
    note,
  }
}

export function paymentOf(n: number, due = 0): Sale {
  return { ...saleOf(n, due), at: n + paymentMs }
}
