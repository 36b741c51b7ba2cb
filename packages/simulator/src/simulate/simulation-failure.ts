import type { Finding, FindingKind } from './finding.ts'
import type { FaultEvent } from './run-plan.ts'

/** A run as shown in the message of a failure. */
export interface FailedRun {
  readonly findings: readonly Finding[]
  readonly events: readonly FaultEvent[]
  readonly records: number
  readonly parallelism: number
}

/**
 * A pipeline, or the engine, has broken a guarantee.
 *
 * The message contains everything needed to understand the failure and to reproduce it.
 */
export class SimulationFailure extends Error {
  override readonly name = 'SimulationFailure'
  readonly seed: number
  /** The first broken guarantee, and where. */
  readonly kind: Finding['kind']
  readonly where: string
  readonly findings: readonly Finding[]
  /** The injected faults, in order. */
  readonly faults: readonly FaultEvent[]
  /** A shorter run that breaks the same guarantee; undefined if there is none. */
  readonly shrunk: FailedRun | undefined

  /** `standIns` are the sources and sinks that the user has replaced. */
  constructor(
    seed: number,
    run: FailedRun,
    { shrunk, standIns }: { readonly shrunk: FailedRun | undefined; readonly standIns: readonly string[] },
  ) {
    super(messageOf(seed, run, { shrunk, causes: usualCauses(run.findings[0]!.kind, standIns) }))
    this.seed = seed
    this.kind = run.findings[0]!.kind
    this.where = run.findings[0]!.where
    this.findings = run.findings
    this.faults = run.events
    this.shrunk = shrunk
  }
}

/** Returns the usual cause of different results, for a failure without a known cause. */
function usualCauses(kind: FindingKind, standIns: readonly string[]): readonly string[] {
  const inCode = [
    'a variable outside of state',
    'a value of state that is changed without set',
    'a record that is changed after it was emitted, where it is an object of a class',
  ]
  const inStandIns = standIns.map((name) => `the stand-in for '${name}', if it does not keep its contract`)
  if (kind === 'doubled' || kind === 'order') return inStandIns
  return kind === 'missing' || kind === 'wrong' || kind === 'state' ? [...inCode, ...inStandIns] : []
}

function messageOf(
  seed: number,
  run: FailedRun,
  { shrunk, causes }: { readonly shrunk: FailedRun | undefined; readonly causes: readonly string[] },
): string {
  return [
    `seed ${seed}: ${run.findings.map(({ what }) => what).join('\n')}`,
    ...(causes.length === 0 ? [] : [`What usually does this: ${causes.join('; ')}.`]),
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
