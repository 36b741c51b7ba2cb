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
  console.log(JSON.stringify(measurements))
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
