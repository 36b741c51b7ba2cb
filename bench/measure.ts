import { Bench } from 'tinybench'

/** A measurement. `run` does its work `operations` times, so that overhead is negligible. */
export interface Measurable {
  readonly name: string
  readonly operations: number
  readonly run: () => void | Promise<void>
  /** Called before each run, and not measured. Only for runs in turns. */
  readonly before?: () => Promise<void>
  /** The cost is good enough if it is at most `times` that of the measurement `of`. */
  readonly atMost?: { readonly times: number; readonly of: string }
  /** Called after the last run. Returns what else to say: memory, for example. Only for runs in turns. */
  readonly remark?: () => Promise<string>
}

/** The cost of one operation, as the median of many runs. */
export interface Measurement {
  readonly name: string
  readonly nanoseconds: number
  readonly runs: number
  /** Other figures, as text: records/s, bytes, longest stall. */
  readonly note?: string
  /** The cost of the same work by rivals, in nanoseconds, by name with the version. */
  readonly rivals?: Readonly<Record<string, number>>
  /** The cost is good enough if it is at most `times` that of the rival. */
  readonly bar?: { readonly rival: string; readonly times: number }
}

/** Runs each measurement and writes the results to standard output as JSON for `run.ts`. */
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
 * Measures long runs a few times each, in turns (a b c a b c ...), so that a slow minute of the machine
 * affects all of them. The first turn is a warm-up. Writes the medians like `measure`, and the CPU time of
 * all threads, which other processes change less than the wall time.
 */
export async function measureInTurns(measurables: readonly Measurable[], turns = 5): Promise<void> {
  const { wall, cpu } = await takeTurns(measurables, turns)
  await reportTurns(measurables, turns, wall, (index) => `${cpu[index]} ns of CPU`)
}

/**
 * Measures as `measureInTurns` does, where the work of others, such as a broker, is a part of the time that passes: the cost is
 * the CPU time of all threads of this process, and the wall time is noted.
 */
export async function measureCpuInTurns(measurables: readonly Measurable[], turns = 5): Promise<void> {
  const { wall, cpu } = await takeTurns(measurables, turns)
  const note = (index: number): string =>
    `${Math.round(1e6 / cpu[index]!)} thousand per second of CPU, ${wall[index]} ns passed`
  await reportTurns(measurables, turns, cpu, note)
}

/** The medians of the wall time and the CPU time of one operation, in nanoseconds. */
interface Medians {
  readonly wall: readonly number[]
  readonly cpu: readonly number[]
}

async function takeTurns(measurables: readonly Measurable[], turns: number): Promise<Medians> {
  const wall = measurables.map((): number[] => [])
  const cpu = measurables.map((): number[] => [])
  for (let turn = 0; turn <= turns; turn++) {
    for (const [index, { before, run, operations }] of measurables.entries()) {
      await before?.()
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
  return { wall: wall.map(median), cpu: cpu.map(median) }
}

async function reportTurns(
  measurables: readonly Measurable[],
  runs: number,
  costs: readonly number[],
  noteOf: (index: number) => string,
): Promise<void> {
  const remarks: string[] = []
  for (const { remark } of measurables) remarks.push(remark === undefined ? '' : `, ${await remark()}`)
  report(
    measurables.map(({ name, atMost }, index) => ({
      name,
      nanoseconds: costs[index]!,
      runs,
      note: `${noteOf(index)}${remarks[index]!}`,
      ...(atMost !== undefined && {
        rivals: { [atMost.of]: costs[measurables.findIndex((each) => each.name === atMost.of)]! },
        bar: { rival: atMost.of, times: atMost.times },
      }),
    })),
  )
}

/** Writes measurements made by a benchmark itself. */
export function report(measurements: readonly Measurement[]): void {
  console.log(JSON.stringify(measurements))
}

/** The median of some samples. */
export function median(samples: readonly number[]): number {
  return round(samples.toSorted((a, b) => a - b)[Math.floor(samples.length / 2)] ?? Number.NaN)
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
