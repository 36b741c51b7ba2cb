/** Generated readings: seven weeks of two machines, one of which fails twice. */
import { generator, type RecordSeed } from '@millrace/connector-generator'
import type { Source } from 'millrace'

/** A temperature. */
export interface Reading {
  readonly sensor: string
  /** `2026-01-31 12:00:00`, UTC. */
  readonly at: string
  readonly value: number
}

const every = 10 * 60_000
const days = 49
/** Days in which machine-2 is cold. */
const failures: readonly (readonly [from: number, to: number])[] = [
  [12.25, 13.5],
  [37, 38.75],
]

/** A reading of each machine every ten minutes. */
export function generatedReadings(): Source<Reading> {
  return generator.generate({
    seed: 20_260_101,
    count: (2 * days * 86_400_000) / every,
    startAt: Date.UTC(2026, 0, 1),
    every: every / 2,
    make: reading,
  })
}

function reading({ index, time, random }: RecordSeed): Reading {
  const machine = (index % 2) + 1
  const day = (index * (every / 2)) / 86_400_000
  const isFailing = machine === 2 && failures.some(([from, to]) => day >= from && day < to)
  // Warmer in the afternoon, and never quite the same.
  const usual = 85 + 4 * Math.sin(2 * Math.PI * (day - 0.4)) + 6 * (random.next() - 0.5)
  return {
    sensor: `machine-${machine}`,
    at: new Date(time).toISOString().slice(0, 19).replace('T', ' '),
    value: Number((isFailing ? usual - 30 : usual).toFixed(2)),
  }
}
