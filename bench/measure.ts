import { Bench } from 'tinybench'

/** One thing to measure. `run` does its work `operations` times, so that its cost is that of the work. */
export interface Measurable {
  readonly name: string
  readonly operations: number
  readonly run: () => void | Promise<void>
}

/** What one operation costs, as the median of many runs. */
export interface Measurement {
  readonly name: string
  readonly nanoseconds: number
  readonly runs: number
  /** Other figures worth keeping, in words: records/s, bytes, longest stall. */
  readonly note?: string
  /** What the same work costs others, in nanoseconds, by name with the version. */
  readonly rivals?: Readonly<Record<string, number>>
  /** The cost is good enough when it is at most `times` that of the rival. */
  readonly bar?: { readonly rival: string; readonly times: number }
}

/** Measures each in turn and writes the result to standard output as JSON, for `run.ts` to read. */
export async function measure(measurables: readonly Measurable[]): Promise<void> {
  const bench = new Bench({ time: 1_000, warmupTime: 250 })
  for (const { name, run } of measurables) bench.add(name, run)
  const tasks = await bench.run()
  const measurements = measurables.map(({ name, operations }, index): Measurement => {
    const result = tasks[index]?.result
    if (result?.state !== 'completed') {
      const cause = result?.state === 'errored' ? result.error : undefined
      throw new Error(`the measurement of "${name}" did not complete`, { cause })
    }
    const { p50, samplesCount } = result.latency
    return { name, nanoseconds: round((p50 * 1e6) / operations), runs: samplesCount }
  })
  report(measurements)
}

/**
 * Measures things that take long by a few runs each, in turns (a b c a b c ...), so that a slow minute of the machine
 * meets all of them. The first turn warms up and does not count. Writes the medians as `measure` does, and the CPU
 * time of all threads beside them, which a busy neighbour changes less than it does the time on the wall.
 */
export async function measureInTurns(measurables: readonly Measurable[], turns = 5): Promise<void> {
  const wall = measurables.map((): number[] => [])
  const cpu = measurables.map((): number[] => [])
  for (let turn = 0; turn <= turns; turn++) {
    for (const [index, { run, operations }] of measurables.entries()) {
      const cpuBefore = process.cpuUsage()
      const startedAt = performance.now()
      await run()
      const elapsedMs = performance.now() - startedAt
      const { user, system } = process.cpuUsage(cpuBefore)
      if (turn === 0) continue
      wall[index]!.push((elapsedMs * 1e6) / operations)
      cpu[index]!.push(((user + system) * 1e3) / operations)
    }
  }
  report(
    measurables.map(({ name }, index) => ({
      name,
      nanoseconds: median(wall[index]!),
      runs: turns,
      note: `${median(cpu[index]!)} ns of CPU`,
    })),
  )
}

/** Writes measurements that a benchmark made itself. */
export function report(measurements: readonly Measurement[]): void {
  console.log(JSON.stringify(measurements))
}

/** The middle one of some samples. */
export function median(samples: readonly number[]): number {
  return round(samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN)
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
