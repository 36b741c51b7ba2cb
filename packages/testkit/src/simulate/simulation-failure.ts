import type { Finding } from './finding.ts'
import type { FaultEvent } from './run-plan.ts'

/** One run in the message of a failure. */
export interface FailedRun {
  readonly findings: readonly Finding[]
  readonly events: readonly FaultEvent[]
  readonly records: number
  readonly parallelism: number
}

/**
 * A pipeline, or the engine under it, has broken a promise.
 *
 * The message has everything that is needed to see what happened and to see it again.
 */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
  readonly seed: number
  /** What was broken first, and where. */
  readonly kind: Finding['kind']
  readonly where: string
  readonly findings: readonly Finding[]
  /** What had gone wrong on purpose, in order. */
  readonly faults: readonly FaultEvent[]
  /** A shorter run in which the same thing is broken; undefined if there is none. */
  readonly shrunk: FailedRun | undefined

  constructor(seed: number, run: FailedRun, shrunk?: FailedRun) {
    super(messageOf(seed, run, shrunk))
    this.seed = seed
    this.kind = run.findings[0]!.kind
    this.where = run.findings[0]!.where
    this.findings = run.findings
    this.faults = run.events
    this.shrunk = shrunk
  }
}

function messageOf(seed: number, run: FailedRun, shrunk: FailedRun | undefined): string {
  return [
    `seed ${seed}: ${run.findings.map(({ what }) => what).join('\n')}`,
    ...runLines(run),
    ...(shrunk === undefined
      ? []
      : [
          'A shorter run breaks the same:',
          ...shrunk.findings.map(({ what }) => `  ${what}`),
          ...runLines(shrunk),
        ]),
    `Run it again: millrace simulate FILE.ts --seed ${seed}`,
  ].join('\n')
}

function runLines({ events, records, parallelism }: FailedRun): readonly string[] {
  const intro = `${records} records, parallelism ${parallelism}, ${events.length === 0 ? 'and no faults' : 'and these faults:'}`
  return [
    intro,
    ...events.map(
      ({ kind, life, step, atMs, what }) =>
        `  step ${step}, ${Math.round(atMs)} ms, life ${life}: ${kind}: ${what}`,
    ),
  ]
}
